"""What is over its time goes, nothing else does, and it is on record."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings
from staydown_hub.audit.models import AuditRecord
from staydown_hub.registry import jobs, retention
from staydown_hub.registry.models import Item, PeerObservation, Sighting, SightingReport
from staydown_hub.registry.sightings import Seen, add_sightings, address_of
from staydown_hub.rules.addresses import parse_address, parse_infohash
from staydown_hub.rules.peers import parse_peer
from staydown_hub.rules.retention import BadRetentionError
from staydown_hub.takedowns import services
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, report

URL = "https://host.example/a"
DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def counts(*, now: datetime) -> dict[str, int]:
    return {one.rule.record: one.count for one in retention.due(now=now)}


def erased() -> list[bool]:
    return [one.is_erased for one in Sighting.objects.order_by("first_reported_at")]


def share(cast: Cast, *, peers: int) -> Item:
    item = report(cast.police, "shared")
    seen = tuple(parse_peer(at=item.opened_at, address=f"192.0.2.{last}", port=1) for last in range(peers))
    add_sightings(cast.monitor.actor, item=item, addresses=[Seen(parse_infohash("ab" * 20), peers=seen)])
    return item


def test_peers_are_deleted_when_their_time_is_up_and_not_before(
    cast: Cast, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    share(cast, peers=5)
    retention.carry_out(now=now + 89 * DAY)
    assert PeerObservation.objects.count() == 5
    assert counts(now=now + 91 * DAY)["peer_observation"] == 5
    assert PeerObservation.objects.count() == 5  # explaining changes nothing
    done = {one.rule.record: one.count for one in retention.carry_out(now=now + 91 * DAY)}
    assert done == {"peer_observation": 5, "sighting_address": 0, "sighting_never_confirmed": 0}
    assert not PeerObservation.objects.exists()
    rows = [json.loads(row.detail) for row in AuditRecord.objects.filter(act="records deleted").order_by("pk")]
    assert [(len(row["records"]), row["days"]) for row in rows] == [(2, 90), (2, 90), (1, 90)]
    assert erased() == [False]


def test_an_address_that_nobody_confirmed_is_erased(cast: Cast, now: datetime) -> None:
    item = report(cast.platform, "boat", urls=[URL])
    retention.carry_out(now=now + 179 * DAY)
    assert erased() == [False]
    retention.carry_out(now=now + 181 * DAY)
    sighting = Sighting.objects.get()
    assert (sighting.sealed_key, sighting.sealed_address, sighting.sealed_host) == (None, None, None)
    assert SightingReport.objects.filter(sighting=sighting).count() == 1  # who said so, and when, stays
    assert AuditRecord.objects.get(act="records erased").subject == "retention:sighting_never_confirmed"
    # Seen there again, it is the same sighting, and readable again.
    add_sightings(cast.police.actor, item=item, addresses=[parse_address(URL)])
    again = Sighting.objects.get()
    assert (again.pk, address_of(again), again.host) == (sighting.pk, URL, "host.example")


@pytest.mark.parametrize(
    ("state", "looks_again", "is_erased"),
    [("gone", False, True), ("cancelled", False, True), ("gone", True, False), ("unaddressed", True, False)],
)
def test_an_address_is_kept_as_long_as_somebody_acts_on_it(
    cast: Cast, now: datetime, state: str, *, looks_again: bool, is_erased: bool
) -> None:
    item = admitted_item(cast, "boat", urls=[URL])
    if state == "gone":
        services.note_check(Request.objects.get().pk, outcome="gone", status=404)
    elif state == "cancelled":
        services.cancel_requests(cast.police.actor, item_id=item.pk)
    Request.objects.update(due_at=now if looks_again else None)
    assert Request.objects.get().state == state
    retention.carry_out(now=now + 364 * DAY)
    assert erased() == [False]
    retention.carry_out(now=now + 366 * DAY)
    assert erased() == [is_erased]


def test_a_confirmed_address_that_is_never_asked_about_is_erased_after_its_year(cast: Cast, now: datetime) -> None:
    share(cast, peers=0)
    retention.carry_out(now=now + 364 * DAY)
    assert erased() == [False]
    retention.carry_out(now=now + 366 * DAY)
    assert erased() == [True]


def test_the_hubs_own_periods(cast: Cast, now: datetime, settings: Settings, tmp_path: Path) -> None:
    share(cast, peers=1)
    settings.RETENTION_FILE = str(tmp_path / "retention.toml")
    Path(settings.RETENTION_FILE).write_text("[days]\npeer_observation = 7\n")
    assert counts(now=now + 6 * DAY)["peer_observation"] == 0
    assert counts(now=now + 8 * DAY)["peer_observation"] == 1


@pytest.mark.parametrize("content", [None, "", "days = 5", "[days]\nitem = 5", "[days]\n[other]", "not toml ="])
def test_a_bad_file_stops_everything(
    cast: Cast, now: datetime, settings: Settings, tmp_path: Path, content: str | None
) -> None:
    share(cast, peers=1)
    settings.RETENTION_FILE = str(tmp_path / "retention.toml")
    if content is not None:
        Path(settings.RETENTION_FILE).write_text(content)
    with pytest.raises(BadRetentionError):
        retention.carry_out(now=now + 1000 * DAY)
    assert PeerObservation.objects.count() == 1


def test_the_job_of_the_night_does_it(cast: Cast, now: datetime) -> None:
    share(cast, peers=2)
    PeerObservation.objects.update(received_at=now - 91 * DAY)
    jobs.keep_no_longer(timestamp=0)
    assert not PeerObservation.objects.exists()
