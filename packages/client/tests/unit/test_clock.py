"""The list's age, when clocks are set and machines are started anew."""

from __future__ import annotations

import math

from staydown_client.clock import Moment, moment_now

THEN = Moment(wall_s=1_000_000.0, since_boot_s=50.0, boot="a")


def test_a_clock_that_is_set_neither_ages_nor_refreshes_the_list() -> None:
    for jump_s in (-86400.0, 0.0, 86400.0):
        assert THEN.age_s(Moment(1_000_000.0 + jump_s, 57.0, "a")) == 7.0


def test_after_a_restart_the_date_says_how_old_it_is() -> None:
    assert THEN.age_s(Moment(1_000_300.0, 1.0, "b")) == 300.0


def test_what_lies_in_the_future_is_of_no_known_age() -> None:
    assert THEN.age_s(Moment(999_999.0, 1.0, "b")) == math.inf
    assert THEN.age_s(Moment(1_000_000.0, 49.0, "a")) == math.inf


def test_where_the_system_names_no_start_the_date_alone_counts() -> None:
    nameless = Moment(1_000_000.0, 50.0, "")
    assert nameless.age_s(Moment(1_000_010.0, 5.0, "")) == 10.0


def test_the_present_moment_runs_on() -> None:
    first, second = moment_now(), moment_now()
    assert 0 <= first.age_s(second) < 60
