"""Reported, assessed, admitted, blocked, corrected, allowed: the real hub with the real command."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.contract.members import LIST, Cast, Uploads, filter_following

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.running_hub import RunningHub

MAX_SECONDS_TO_REFUSAL = 5.0


def test_a_picture_is_reported_assessed_admitted_blocked_withdrawn_and_allowed(
    cast: Cast, uploads: Uploads, picture: Path, copy: Path
) -> None:
    reported = cast.centre.report(picture)
    assert reported["known"] is False
    assert (reported["standing"], reported["sightings"]) == ({"status": "waiting", "entries": []}, 1)
    assert uploads.check(picture)["action"] == "allow"

    assessed = cast.police.assess(picture)
    assert (assessed["item"], assessed["standing"]["status"]) == (reported["item"], "admitted")
    [entry] = assessed["standing"]["entries"]
    assert uploads.next_event() == {"event": "applied", "position": entry["position"], "operation": "admit"}

    [exact] = uploads.check(picture)["reasons"]
    assert exact == {**exact, "list": LIST, "position": entry["position"], "categories": ["TEST"], "distance_bits": 0}
    assert exact["algorithm"] in {"md5", "sha1", "sha256"}
    near = uploads.check(copy)
    assert near["action"] == "block"
    assert (near["reasons"][0]["algorithm"], near["reasons"][0]["position"]) == ("pdq", entry["position"])
    assert near["reasons"][0]["distance_bits"] <= 31
    assert near["list_position"] == entry["position"]

    corrected = cast.police.assess(picture, code="NONE")
    assert corrected["standing"]["status"] == "withdrawn"
    assert uploads.next_event()["operation"] == "withdraw"
    assert uploads.check(picture)["action"] == uploads.check(copy)["action"] == "allow"


def test_refusal_follows_admission_without_delay(cast: Cast, uploads: Uploads, picture: Path) -> None:
    cast.centre.report(picture)
    began = time.monotonic()
    cast.police.assess(picture)
    assert uploads.next_event()["operation"] == "admit"
    assert time.monotonic() - began < MAX_SECONDS_TO_REFUSAL


def test_a_withdrawal_by_its_position_reaches_the_filter(
    cast: Cast, hub: RunningHub, uploads: Uploads, picture: Path
) -> None:
    cast.centre.report(picture)
    [entry] = cast.police.assess(picture)["standing"]["entries"]
    assert uploads.next_event()["operation"] == "admit"
    body = {"position": entry["position"], "reason": "A drill."}
    status, answer = cast.centre.call("POST", f"{hub.url}/api/v1/lists/{LIST}/withdrawals", body)
    assert (status, answer["state"]) == (202, "open")
    approval = f"{hub.url}/api/v1/proposals/{answer['proposal']}/approval"
    status, refused = cast.centre.call("POST", approval, {})
    assert (status, refused["error"]) == (403, "forbidden")
    status, answer = cast.police.call("POST", approval, {})
    assert status == 200
    position = answer["result"]["position"]
    assert uploads.next_event() == {"event": "applied", "position": position, "operation": "withdraw"}
    assert uploads.check(picture)["action"] == "allow"


def test_a_fingerprint_that_is_vouched_later_is_amended_and_counts_at_once(
    cast: Cast, uploads: Uploads, picture: Path, copy: Path
) -> None:
    cast.centre.report(picture)
    [entry] = cast.police.assess(copy)["standing"]["entries"]
    assert uploads.next_event()["operation"] == "admit"
    [reason] = uploads.check(picture)["reasons"]
    assert (reason["algorithm"], reason["position"]) == ("pdq", entry["position"])

    cast.police.assess(picture)
    assert uploads.next_event()["operation"] == "amend"
    [reason] = uploads.check(picture)["reasons"]
    assert reason["algorithm"] in {"md5", "sha1", "sha256"}
    assert (reason["distance_bits"], reason["position"]) == (0, entry["position"])
    assert uploads.check(copy)["reasons"][0]["algorithm"] == "pdq"


def test_a_filter_that_comes_later_receives_all_of_it(
    cast: Cast, uploads: Uploads, picture: Path, tmp_path: Path
) -> None:
    cast.centre.report(picture)
    cast.police.assess(picture)
    applied = uploads.next_event()
    with filter_following(cast.platform, tmp_path / "late") as late:
        verdict = late.check(picture)
    assert (verdict["action"], verdict["list_position"]) == ("block", applied["position"])


def test_nobody_is_blocked_by_one_organisations_word(cast: Cast, uploads: Uploads, picture: Path) -> None:
    assert cast.police.report(picture)["standing"]["status"] == "waiting"
    assert cast.police.assess(picture, code="A1")["standing"]["status"] == "waiting"
    told = cast.monitor.report(picture, code=None)
    assert told.keys() == {"file", "item"}, "a key that may only report learns nothing of the register"
    assert cast.police.report(picture)["standing"] == {"status": "waiting", "entries": []}
    assert uploads.check(picture)["action"] == "allow"


def test_a_hub_killed_with_kill_9_and_started_again_is_followed_on(
    cast: Cast, hub: RunningHub, uploads: Uploads, picture: Path
) -> None:
    cast.centre.report(picture)
    cast.police.assess(picture)
    admitted = uploads.next_event()
    hub.kill()
    assert uploads.wait_for_event("trouble")["message"]
    assert uploads.check(picture)["action"] == "block"
    hub.start()
    assert uploads.wait_for_event("caught_up")["position"] == admitted["position"]
    cast.police.assess(picture, code="NONE")
    assert uploads.wait_for_event("applied")["operation"] == "withdraw"
    assert uploads.check(picture)["action"] == "allow"
