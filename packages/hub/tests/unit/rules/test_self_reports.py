"""When a self-report holds an item, as a table."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from staydown_hub.rules.admission import Content, Judgement
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_hub.rules.self_reports import CATEGORY, Relayed, decide

NOW = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)
FILE, PDQ, POOR = Fingerprint("sha256", bytes(32)), Fingerprint("pdq", bytes(32), 80), Fingerprint("pdq", b"1" * 32, 49)
REPORT = Relayed(at=NOW - DAY, expires_at=NOW + DAY, ended_at=None, fingerprints=(FILE, PDQ))
HELD = Content((PDQ, FILE), (CATEGORY,))
YES, NO = (Judgement(1, UUID(int=1), "police", code, qualifies=code != "NONE") for code in ("A1", "NONE"))


@pytest.mark.parametrize(
    ("reports", "judgements", "is_listed", "ruled_out_at", "in_force", "step"),
    [
        ([], [], False, None, None, "leave"),
        ([REPORT], [], False, None, None, "admit"),
        ([REPORT], [], False, None, HELD, "leave"),
        ([REPORT], [YES], False, None, None, "admit"),
        ([REPORT], [NO], False, None, None, "leave"),
        ([REPORT], [NO], False, None, HELD, "withdraw"),
        ([REPORT], [YES], True, None, HELD, "withdraw"),
        ([REPORT], [], True, None, None, "leave"),
        ([replace(REPORT, ended_at=NOW)], [], False, None, HELD, "withdraw"),
        ([replace(REPORT, expires_at=NOW)], [], False, None, HELD, "withdraw"),
        ([replace(REPORT, expires_at=NOW), REPORT], [], False, None, HELD, "leave"),
        ([REPORT], [], False, NOW, HELD, "withdraw"),
        ([REPORT], [], False, NOW - 2 * DAY, HELD, "leave"),
        ([replace(REPORT, fingerprints=(POOR,))], [], False, None, None, "leave"),
        ([REPORT, replace(REPORT, fingerprints=(Fingerprint("md5", bytes(16)),))], [], False, None, HELD, "amend"),
    ],
)
def test_what_is_done(
    reports: list[Relayed],
    judgements: list[Judgement],
    ruled_out_at: datetime | None,
    in_force: Content | None,
    step: str,
    *,
    is_listed: bool,
) -> None:
    decision = decide(
        reports, judgements=judgements, is_listed=is_listed, ruled_out_at=ruled_out_at, in_force=in_force, now=NOW
    )
    assert decision.step == step
    if step == "admit":
        assert decision.content == HELD
        assert (decision.carried_by, decision.admitted_by) == ((), ("support_centre",))
