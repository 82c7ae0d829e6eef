"""Whom a member believes: the origin's keys and their heirs, and k of n witnesses."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.errors import ConfigurationError, LogRefusedError
from staydown_client.log.trust import CLOCK_LEEWAY_S, Trust

from packages.client.tests.conftest import admit
from packages.client.tests.made_log import NOW_S, ORIGIN, LogKey, MadeLog, witness_key

if TYPE_CHECKING:
    from staydown_client.errors import LogProblem

WITNESSES = [witness_key(number) for number in range(3)]


def log_of(count: int = 3) -> MadeLog:
    log = MadeLog()
    log.append(*(admit(n) for n in range(count)))
    return log


def trust_of(log: MadeLog, *, need: int = 0, max_age_s: float | None = None) -> Trust:
    return Trust(log.origin, (log.keys[0].public,), tuple(w.public for w in WITNESSES), need, max_age_s)


def problem_of(trust: Trust, text: str, *, now_s: float = NOW_S) -> LogProblem | None:
    try:
        trust.open_checkpoint(text, now_s=now_s)
    except LogRefusedError as error:
        return error.problem
    return None


@given(st.integers(0, 3), st.sets(st.integers(0, 2)))
def test_exactly_k_of_n_are_enough(need: int, signing: set[int]) -> None:
    log = log_of()
    text = log.checkpoint(cosigners=[WITNESSES[number] for number in signing])
    assert problem_of(trust_of(log, need=need), text) == (None if len(signing) >= need else "witnesses")


def test_a_stranger_and_a_witness_that_signs_twice_count_for_nothing() -> None:
    log = log_of()
    text = log.checkpoint(cosigners=[WITNESSES[0], WITNESSES[0], witness_key(9)])
    assert problem_of(trust_of(log, need=2), text) == "witnesses"


@pytest.mark.parametrize(
    ("age_s", "problem"),
    [(0, None), (60, None), (61, "witnesses"), (-CLOCK_LEEWAY_S, None), (-CLOCK_LEEWAY_S - 1, "witnesses")],
)
def test_a_witness_counts_while_it_is_fresh(age_s: int, problem: LogProblem | None) -> None:
    log = log_of()
    trust = trust_of(log, need=1, max_age_s=60)
    assert problem_of(trust, log.checkpoint(cosigners=WITNESSES, time_s=NOW_S - age_s)) == problem


def test_another_lists_checkpoint_is_refused_although_a_trusted_witness_signed_it() -> None:
    log, other = log_of(), MadeLog("hub.example/other", [LogKey("hub.example/other")])
    assert problem_of(trust_of(log), other.checkpoint(cosigners=WITNESSES)) == "signature"


def test_a_key_that_a_trusted_one_endorsed_is_trusted_through_any_number_of_rotations() -> None:
    log, keys = log_of(), [LogKey(seed=seed) for seed in range(1, 5)]
    chain = [(new.public.vkey, old.endorse(new.public)) for old, new in pairwise(keys)]
    trust = log.trust.follow_endorsements([(keys[0].public.vkey, None), *reversed(chain)])
    assert set(trust.keys) == {key.public for key in keys}
    log.keys = [keys[-1]]
    assert problem_of(log.trust.follow_endorsements([]), log.checkpoint()) is None
    assert problem_of(MadeLog().trust, log.checkpoint()) == "signature"
    assert problem_of(trust, log.checkpoint()) is None


def test_a_chain_with_a_link_missing_leads_nowhere() -> None:
    log, keys = log_of(), [LogKey(seed=seed) for seed in range(1, 5)]
    chain = [(new.public.vkey, old.endorse(new.public)) for old, new in pairwise(keys)]
    assert log.trust.follow_endorsements(chain[1:]) == log.trust


def test_what_is_no_endorsement_of_this_log_is_left_out() -> None:
    log, new, stranger = log_of(), LogKey(seed=2), LogKey(seed=9)
    old, elsewhere = log.keys[0], LogKey("hub.example/other", seed=3)
    offered = [
        (new.public.vkey, None),
        (new.public.vkey, ""),
        (new.public.vkey, stranger.endorse(new.public)),
        (new.public.vkey, old.endorse(stranger.public)),
        (new.public.vkey, old.note(f"{ORIGIN}\n3\n{new.public.vkey}\n")),
        (new.public.vkey, log.checkpoint()),
        (elsewhere.public.vkey, old.endorse(elsewhere.public)),
        (witness_key().public.vkey, old.endorse(witness_key().public)),
        ("nonsense", old.endorse(new.public)),
    ]
    assert log.trust.follow_endorsements(offered) == log.trust


def test_a_hub_cannot_make_the_number_of_keys_grow_without_bound() -> None:
    log = log_of()
    offered = [(k.public.vkey, log.keys[0].endorse(k.public)) for k in (LogKey(seed=n) for n in range(2, 60))]
    assert len(log.trust.follow_endorsements(offered).keys) <= 16


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": ()},
        {"keys": (LogKey("hub.example/other").public,)},
        {"keys": (witness_key().public,)},
        {"witnesses": (LogKey().public,), "need_k": 1},
        {"witnesses": (witness_key(1).public, witness_key(1, name="another.example/w").public), "need_k": 2},
        {"witnesses": (witness_key(1).public, witness_key(2, name=witness_key(1).public.name).public), "need_k": 2},
        {"need_k": 1},
        {"need_k": -1},
        {"max_witness_age_s": 0},
        {"origin": "hub example"},
    ],
)
def test_settings_that_promise_more_than_they_hold_are_refused(changes: dict[str, object]) -> None:
    settings: dict[str, object] = {"origin": ORIGIN, "keys": (LogKey().public,), **changes}
    with pytest.raises(ConfigurationError):
        Trust(**settings)  # type: ignore[arg-type]  # wrong on purpose
