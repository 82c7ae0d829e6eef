"""An entry is erased at the hub: every filter forgets it, and the log that hub and filters verify is still one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.contract.members import LIST, Cast, Uploads, filter_following

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.running_hub import RunningHub

CONFIRMED = ("--confirmed-by", "ana@centre.example", "--confirmed-by", "ben@police.example")


def test_a_redacted_entry_is_forgotten_by_those_who_follow_and_never_learnt_by_those_who_come(
    cast: Cast, hub: RunningHub, uploads: Uploads, picture: Path, tmp_path: Path
) -> None:
    cast.centre.report(picture)
    cast.police.assess(picture)
    position = uploads.wait_for_event("applied", operation="admit")["position"]
    assert uploads.check(picture)["action"] == "block"
    hub.command("lists", "redact", LIST, str(position), "--reason", "A court asked for it.", *CONFIRMED)
    uploads.wait_for_event("applied", operation="redact")
    assert uploads.check(picture)["action"] == "allow"
    with filter_following(cast.platform, tmp_path / "later") as later:
        assert later.check(picture)["action"] == "allow"
    assert json.loads(hub.command("audit", "verify", "--json"))["problems"] == []
