"""How the pages write times, identifiers and states."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from staydown_hub.staff.templatetags.staff import duration, short, state, utc, words


def test_a_time_is_written_in_utc_wherever_it_comes_from() -> None:
    there = datetime(2026, 1, 2, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=9)))
    expected = '<time datetime="2026-01-01T16:02:03.456789Z">2026-01-01 16:02:03 UTC</time>'
    assert utc(there) == utc(there.astimezone(UTC)) == expected


def test_an_identifier_is_shortened() -> None:
    assert short(UUID("12345678-9abc-def0-1234-56789abcdef0")) == "12345678"


def test_names_of_the_code_become_words() -> None:
    assert words("support_centre") == "support centre"


def test_a_state_is_a_word_and_never_markup() -> None:
    assert state("overdue") == '<span class="sd-state sd-state-bad">overdue</span>'
    assert state("<b>") == '<span class="sd-state sd-state-neutral">&lt;b&gt;</span>'


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.2, "under 1 s"),
        (1, "1 s"),
        (59.7, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_725, "1 h 2 min"),
        (90_061, "1 d 1 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_a_span_is_written_in_its_two_largest_units(seconds: float, written: str) -> None:
    assert duration(seconds) == written
