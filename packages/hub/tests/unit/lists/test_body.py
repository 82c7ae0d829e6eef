"""The text of entries: canonical, golden, and read back as it was meant."""

from datetime import UTC, datetime
from uuid import UUID

from staydown_hub.lists.body import carrying_body, content_of, withdrawal_body
from staydown_hub.rules.admission import Content, Decision
from staydown_hub.rules.fingerprints import Fingerprint

ITEM = UUID("12345678-1234-4234-8234-123456789abc")
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTENT = Content((Fingerprint("md5", bytes(range(16))), Fingerprint("pdq", b"\xab" * 32, 77)), ("A1", "NCII"))


def test_an_admission() -> None:
    decision = Decision("admit", CONTENT, (1, 2), ("police", "support_centre"))
    text = carrying_body(decision, item=ITEM, kind="picture", advice="block", at=AT)
    assert text == (
        '{"admitted_by":["police","support_centre"],"advice":"block","at":"2026-01-02T03:04:05.000000Z",'
        '"categories":["A1","NCII"],"fingerprints":[{"algorithm":"md5","value":"000102030405060708090a0b0c0d0e0f"},'
        '{"algorithm":"pdq","quality":77,"value":"' + "ab" * 32 + '"}],'
        '"item":"12345678-1234-4234-8234-123456789abc","kind":"picture","operation":"admit"}'
    )
    assert content_of(text) == CONTENT


def test_a_withdrawal_repeats_no_fingerprint() -> None:
    assert withdrawal_body(item=ITEM, at=AT) == (
        '{"at":"2026-01-02T03:04:05.000000Z","item":"12345678-1234-4234-8234-123456789abc","operation":"withdraw"}'
    )
