"""The decision: a stricter policy never lets more through, and nothing unknown is ever allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from staydown_client.decide import Evidence, Hit, decide, is_for_a_closer_look
from staydown_client.policy import Featureless, Policy, Rule
from staydown_client.verdict import Problem, Reason

FEATURELESS: list[Featureless] = ["unchecked", "allow"]
FILE_PROBLEMS = ("empty", "unsupported", "damaged", "truncated", "limit")

hits = st.builds(
    Hit,
    position=st.integers(0, 5),
    categories=st.just(("A1",)),
    advice=st.sampled_from(["block", "hold"]),
    algorithm=st.sampled_from(["md5", "sha1", "sha256"]),
    distance_bits=st.just(0),
) | st.builds(
    Hit,
    position=st.integers(0, 5),
    categories=st.just(("B1", "NCII")),
    advice=st.sampled_from(["block", "hold"]),
    algorithm=st.just("pdq"),
    distance_bits=st.integers(0, 31),
    frames_listed=st.integers(0, 9),
    frames_met=st.integers(1, 5),
)
evidences = st.builds(
    Evidence,
    list=st.just("national"),
    list_position=st.none() | st.integers(-1, 10),
    list_age_s=st.none() | st.floats(0, 1e6) | st.just(float("nan")),
    hits=st.lists(hits, max_size=4).map(tuple),
    problems=st.lists(st.builds(Problem, st.sampled_from(FILE_PROBLEMS), st.just("why")), max_size=2).map(tuple),
    comparable=st.booleans(),
    silenced=st.frozensets(st.integers(0, 5), max_size=2),
    flooding=st.frozensets(st.integers(0, 5), max_size=2),
    frames=st.integers(0, 9),
)
rules = st.builds(
    Rule,
    action=st.sampled_from(["block", "hold", "allow"]),
    lists=st.sampled_from([(), ("national",), ("other",)]),
    categories=st.sampled_from([(), ("A1",), ("B1",), ("NCII", "B1")]),
    match=st.sampled_from([None, "exact", "near"]),
    within_bits=st.integers(0, 31),
)
policies = st.builds(
    Policy,
    exact=st.sampled_from(["block", "hold"]),
    near=st.sampled_from(["block", "hold"]),
    max_distance_bits=st.integers(0, 31),
    max_list_age_s=st.none() | st.floats(1, 1e6),
    featureless=st.sampled_from(["unchecked", "allow"]),
    degraded_after_s=st.floats(1, 1e6),
    rules=st.lists(rules, max_size=3).map(tuple),
)

SYNCED = Evidence("national", list_position=3, list_age_s=2.0, hits=(), problems=(), comparable=True)
NEAR = Hit(position=1, categories=("A1",), advice="block", algorithm="pdq", distance_bits=12)
EXACT = Hit(position=2, categories=("NCII",), advice="block", algorithm="md5", distance_bits=0)


STRICTER: dict[str, list[str]] = {"allow": ["allow", "hold", "block"], "hold": ["hold", "block"], "block": ["block"]}


@st.composite
def stricter_than(draw: st.DrawFn, loose: Policy) -> Policy:
    """Return a policy that is, setting by setting and rule by rule, at least as strict as `loose`."""

    def raised(action: str) -> Any:  # noqa: ANN401 - one of two literal types
        return draw(st.sampled_from(STRICTER[action]))

    age_s = loose.max_list_age_s
    kept = tuple(replace(rule, action=raised(rule.action)) for rule in loose.rules)
    blocking = draw(st.lists(rules, max_size=2).map(lambda found: [replace(rule, action="block") for rule in found]))
    return Policy(
        exact=raised(loose.exact),
        near=raised(loose.near),
        max_distance_bits=draw(st.integers(loose.max_distance_bits, 31)),
        max_list_age_s=draw(st.floats(0.5, age_s)) if age_s else draw(st.none() | st.floats(1, 1e6)),
        featureless=loose.featureless if loose.featureless == "unchecked" else draw(st.sampled_from(FEATURELESS)),
        rules=(*blocking, *kept),
    )


def stops(hit: Hit, evidence: Evidence, policy: Policy) -> bool:
    """Say, from the policy's words, whether a hit must stop the file."""
    if hit.distance_bits > policy.max_distance_bits or hit.position in evidence.silenced:
        return False
    sort = "near" if hit.algorithm == "pdq" else "exact"
    for category in hit.categories:
        fitting = [
            rule.action
            for rule in policy.rules
            if (not rule.lists or evidence.list in rule.lists)
            and (not rule.categories or category in rule.categories)
            and rule.match in {None, sort}
            and hit.distance_bits <= rule.within_bits
        ]
        if not fitting or fitting[0] != "allow":
            return True
    return False


@given(evidences, policies, st.data())
def test_a_stricter_policy_never_allows_more(evidence: Evidence, loose: Policy, data: st.DataObject) -> None:
    strict = data.draw(stricter_than(loose))
    found, tightened = decide(evidence, loose).action, decide(evidence, strict).action
    if tightened == "allow":
        assert found == "allow"
    if found == "block":
        assert tightened == "block"
    if found == "hold":
        assert tightened in {"hold", "block"}


@given(evidences, policies)
def test_silencing_less_and_believing_more_never_allows_more(evidence: Evidence, policy: Policy) -> None:
    believed, heard = replace(evidence, flooding=frozenset()), replace(evidence, silenced=frozenset())
    found = decide(evidence, policy).action
    assert (found == "allow") == (decide(believed, policy).action == "allow")
    assert found == "allow" or decide(heard, policy).action != "allow"
    if found == "block":
        assert {decide(believed, policy).action, decide(heard, policy).action} == {"block"}


@given(evidences, policies)
def test_allow_needs_a_whole_fresh_list_and_a_file_without_problems(evidence: Evidence, policy: Policy) -> None:
    if decide(evidence, policy).action != "allow":
        return
    assert evidence.list_position is not None
    assert evidence.list_age_s is not None
    assert policy.max_list_age_s is None or evidence.list_age_s <= policy.max_list_age_s
    assert not evidence.problems
    assert evidence.comparable or policy.featureless == "allow"
    assert not any(stops(hit, evidence, policy) for hit in evidence.hits)


@given(evidences, policies)
def test_a_hit_within_the_policy_always_stops_the_file(evidence: Evidence, policy: Policy) -> None:
    verdict = decide(evidence, policy)
    if any(stops(hit, evidence, policy) for hit in evidence.hits):
        assert verdict.action in {"block", "hold"}
        assert verdict.reasons
    else:
        assert verdict.action in {"allow", "unchecked"}
        assert not verdict.reasons


@given(evidences, policies)
def test_what_is_not_allowed_always_says_why(evidence: Evidence, policy: Policy) -> None:
    verdict = decide(evidence, policy)
    assert verdict.action == "allow" or verdict.reasons or verdict.problems


def test_a_file_that_matches_nothing_is_allowed() -> None:
    verdict = decide(SYNCED, Policy())
    assert (verdict.action, verdict.reasons, verdict.problems) == ("allow", (), ())
    assert (verdict.list_position, verdict.list_age_s) == (3, 2.0)


def test_a_hit_blocks_with_its_entry_and_distance() -> None:
    verdict = decide(replace(SYNCED, hits=(NEAR,)), Policy())
    assert verdict.action == "block"
    assert verdict.reasons == (Reason("national", 1, ("A1",), "pdq", 12),)


def test_an_entry_is_named_once_by_its_closest_fingerprint_and_exact_ones_come_first() -> None:
    closer = replace(NEAR, distance_bits=4)
    verdict = decide(replace(SYNCED, hits=(NEAR, closer, EXACT)), Policy())
    assert [(reason.position, reason.distance_bits) for reason in verdict.reasons] == [(2, 0), (1, 4)]


def test_an_entry_that_advises_to_hold_is_held() -> None:
    assert decide(replace(SYNCED, hits=(replace(EXACT, advice="hold"),)), Policy()).action == "hold"


def test_the_policy_may_hold_near_matches_and_block_exact_ones() -> None:
    policy = Policy(near="hold")
    assert decide(replace(SYNCED, hits=(NEAR,)), policy).action == "hold"
    assert decide(replace(SYNCED, hits=(NEAR, EXACT)), policy).action == "block"


def test_a_list_that_was_never_received_whole_leaves_the_file_unchecked() -> None:
    verdict = decide(replace(SYNCED, list_position=None, list_age_s=None), Policy())
    assert verdict.action == "unchecked"
    assert [problem.code for problem in verdict.problems] == ["never_synced"]


def test_a_hit_counts_even_before_the_list_is_whole() -> None:
    assert decide(replace(SYNCED, list_position=None, list_age_s=None, hits=(EXACT,)), Policy()).action == "block"


def test_a_list_older_than_permitted_leaves_the_file_unchecked() -> None:
    verdict = decide(replace(SYNCED, list_age_s=61.0), Policy(max_list_age_s=60.0))
    assert (verdict.action, verdict.problems[0].code) == ("unchecked", "list_old")


def test_an_exact_hit_counts_though_the_file_cannot_be_decoded() -> None:
    undecodable = replace(SYNCED, problems=(Problem("damaged", "why"),), comparable=False)
    assert decide(undecodable, Policy()).action == "unchecked"
    assert decide(replace(undecodable, hits=(EXACT,)), Policy()).action == "block"


def test_a_picture_without_features_is_unchecked_unless_the_policy_allows_it() -> None:
    featureless = replace(SYNCED, comparable=False)
    verdict = decide(featureless, Policy())
    assert (verdict.action, verdict.problems[0].code) == ("unchecked", "featureless")
    allowed = decide(featureless, Policy(featureless="allow"))
    assert (allowed.action, allowed.problems[0].code) == ("allow", "featureless")


def test_a_silenced_entry_stops_nothing_and_is_told() -> None:
    evidence = replace(SYNCED, hits=(NEAR, EXACT), silenced=frozenset({2}))
    verdict = decide(evidence, Policy())
    assert (verdict.action, [reason.position for reason in verdict.reasons]) == ("block", [1])
    assert [reason.position for reason in verdict.overruled] == [2]
    alone = decide(replace(evidence, hits=(EXACT,)), Policy())
    assert (alone.action, alone.reasons, [reason.position for reason in alone.overruled]) == ("allow", (), [2])


def test_a_silenced_entry_does_not_make_an_undecodable_file_pass() -> None:
    evidence = replace(SYNCED, hits=(EXACT,), silenced=frozenset({2}), problems=(Problem("damaged", "why"),))
    assert decide(evidence, Policy()).action == "unchecked"


def test_an_entry_that_floods_is_held_and_not_let_through() -> None:
    evidence = replace(SYNCED, hits=(EXACT,), flooding=frozenset({2}))
    assert decide(evidence, Policy()).action == "hold"
    assert decide(replace(evidence, hits=(EXACT, NEAR)), Policy()).action == "block"


def test_a_rule_may_let_a_category_through() -> None:
    policy = Policy(rules=(Rule("allow", categories=("NCII",)),))
    verdict = decide(replace(SYNCED, hits=(EXACT,)), policy)
    assert (verdict.action, verdict.reasons, [reason.position for reason in verdict.overruled]) == ("allow", (), [2])


def test_the_verdict_says_when_the_list_is_older_than_the_policy_finds_good() -> None:
    assert not decide(SYNCED, Policy()).degraded
    old = decide(replace(SYNCED, list_age_s=301.0), Policy())
    assert (old.action, old.degraded) == ("allow", True)
    assert decide(replace(SYNCED, list_age_s=None), Policy()).degraded


def test_an_age_beyond_belief_is_null_in_json() -> None:
    verdict = decide(replace(SYNCED, list_age_s=float("inf")), Policy(max_list_age_s=1e9))
    assert (verdict.action, verdict.as_json()["list_age_s"]) == ("unchecked", None)
    assert decide(SYNCED, Policy()).as_json()["list_age_s"] == 2.0


def of_video(*distances_bits: int, frames_listed: int, frames_met: int) -> tuple[Hit, ...]:
    """Return what meeting so many of the frames of a video's entry gives."""
    return tuple(
        replace(NEAR, distance_bits=distance, frames_listed=frames_listed, frames_met=frames_met)
        for distance in distances_bits
    )


def test_a_video_is_met_by_a_share_of_its_frames_or_of_the_uploads() -> None:
    for hits, frames, action in (
        (of_video(3, 5, 7, frames_listed=9, frames_met=2), 100, "block"),  # a third of what is listed
        (of_video(3, frames_listed=9, frames_met=4), 12, "block"),  # a third of what is uploaded
        (of_video(3, 5, frames_listed=9, frames_met=3), 12, "hold"),
        (of_video(3, frames_listed=9, frames_met=1), 1, "hold"),  # one frame is all of an upload: that says nothing
        (of_video(3, frames_listed=9, frames_met=1), 0, "hold"),  # a picture
        (of_video(3, frames_listed=2, frames_met=1), 0, "block"),  # a picture that is half of a listed video
        ((*of_video(3, frames_listed=9, frames_met=1), NEAR), 100, "block"),  # and a listed picture
        ((*of_video(3, frames_listed=9, frames_met=1), EXACT), 100, "block"),
    ):
        evidence = replace(SYNCED, hits=hits, frames=frames)
        assert decide(evidence, Policy()).action == action
        assert is_for_a_closer_look(evidence, Policy()) is (action == "hold")
    assert not is_for_a_closer_look(SYNCED, Policy())


def test_frames_too_far_for_the_policy_are_not_counted() -> None:
    evidence = replace(SYNCED, hits=of_video(3, 20, 20, frames_listed=9, frames_met=1), frames=50)
    assert decide(evidence, Policy()).action == "block"
    assert decide(evidence, Policy(max_distance_bits=10)).action == "hold"
