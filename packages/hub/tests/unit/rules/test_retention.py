"""The periods themselves, written out a second time, and what a law pack may make of them."""

from datetime import UTC, datetime, timedelta

import pytest
from staydown_hub.rules.retention import RECORDS, RULES, BadRetentionError, expires_at, rules_of

EXPECTED = {
    "peer_observation": ("delete", 90),
    "sighting_address": ("erase", 365),
    "sighting_never_confirmed": ("erase", 180),
}
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def test_each_record_has_its_rule_and_says_why() -> None:
    assert {record: (rule.deed, rule.after.days) for record, rule in RULES.items()} == EXPECTED
    assert set(RECORDS) == set(EXPECTED)
    assert all(rule.reason and rule.counted_from for rule in RULES.values())


@pytest.mark.parametrize("record", RECORDS)
def test_a_period_ends_to_the_second(record: str) -> None:
    rule = RULES[record]  # type: ignore[index]  # one of the literals
    assert rule.ends_before(NOW) == NOW - timedelta(days=EXPECTED[record][1])
    assert expires_at(rule, since=rule.ends_before(NOW)) == NOW


def test_a_law_pack_changes_the_periods_that_it_names() -> None:
    rules = rules_of({"sighting_address": 3650, "peer_observation": 1})
    assert [rules[record].after.days for record in RECORDS] == [1, 3650, 180]
    assert rules["sighting_address"].reason == RULES["sighting_address"].reason
    assert rules_of({}) == RULES


@pytest.mark.parametrize(
    "days",
    [
        {"item": 5},
        {"peer_observation": 0},
        {"peer_observation": 91},
        {"sighting_address": 3651},
        {"sighting_address": -1},
        {"sighting_address": "365"},
        {"sighting_address": 1.5},
        {"sighting_address": True},
    ],
)
def test_what_is_no_period_is_refused(days: dict[str, object]) -> None:
    with pytest.raises(BadRetentionError, match=r"days|There is no record"):
        rules_of(days)
