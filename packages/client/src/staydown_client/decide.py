"""From what was found to what follows: pure, and the only place that may say "allow"."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_client.verdict import Problem, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from staydown_client.entries import Advice
    from staydown_client.policy import Policy, RuleAction
    from staydown_client.verdict import Action, Algorithm

_NEVER_SYNCED: Final = Problem("never_synced", "the list was never received whole; run 'staydown filter sync'")
_LIST_OLD: Final = Problem("list_old", "the list is older than the policy permits; is 'staydown filter sync' running?")
_FEATURELESS: Final = Problem("featureless", "the picture has too few features for a near match")

ENOUGH_OF_A_VIDEO: Final = 1 / 3
"""From this share on, of the frames that an entry names or of those that an upload shows, a video counts as met.

One frame can be a title or a wall that many videos show; who shows less than this is looked at by a person.
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """One fingerprint of the file met one of an entry. `position` is that of the item's admission.

    Of an entry for a video, `frames_listed` is how many frames it names (0: it is for a picture), and `frames_met` how
    many frames of the file met any of them.
    """

    position: int
    categories: tuple[str, ...]
    advice: Advice
    algorithm: Algorithm
    distance_bits: int
    frames_listed: int = 0
    frames_met: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a file and of the list it was held against.

    `list_age_s` is None while the list was never received whole; `problems` are the file's own; `comparable` says
    that at least one perceptual hash of the file was good enough to be compared. `silenced` are the positions of
    entries that this platform silenced for itself, `flooding` of those that match too many uploads to be believed.
    `frames` is how many of a video's frames were good enough.
    """

    list: str
    list_position: int | None
    list_age_s: float | None
    hits: tuple[Hit, ...]
    problems: tuple[Problem, ...]
    comparable: bool
    silenced: frozenset[int] = frozenset()
    flooding: frozenset[int] = frozenset()
    frames: int = 0


def decide(evidence: Evidence, policy: Policy) -> Verdict:
    """Return the verdict; "allow" only for a file checked in full against a whole list of a permitted age."""
    hits = _within(evidence, policy)
    if not hits:  # most uploads
        problems = _problems(evidence, policy)
        return Verdict(
            action=_without_hit(problems, policy),
            reasons=(),
            problems=problems,
            list_position=evidence.list_position,
            list_age_s=evidence.list_age_s,
            degraded=policy.is_degraded(evidence.list_age_s),
        )
    answers = _answers(hits, evidence, policy)
    stopping = [hit for hit, answer in zip(hits, answers, strict=True) if answer != "allow"]
    stopped_by = {hit.position for hit in stopping}
    problems = _problems(evidence, policy)
    return Verdict(
        action=_strongest(answers) if stopping else _without_hit(problems, policy),
        reasons=_reasons(evidence.list, stopping),
        problems=problems,
        list_position=evidence.list_position,
        list_age_s=evidence.list_age_s,
        overruled=_reasons(evidence.list, (hit for hit in hits if hit.position not in stopped_by)),
        degraded=policy.is_degraded(evidence.list_age_s),
    )


def _problems(evidence: Evidence, policy: Policy) -> tuple[Problem, ...]:
    return (*evidence.problems, *_problems_of_list(evidence, policy), *_problems_of_picture(evidence))


def _problems_of_list(evidence: Evidence, policy: Policy) -> tuple[Problem, ...]:
    if evidence.list_position is None or evidence.list_age_s is None:
        return (_NEVER_SYNCED,)
    # Written so that an age that is not a number counts as too old.
    if policy.max_list_age_s is not None and not evidence.list_age_s <= policy.max_list_age_s:
        return (_LIST_OLD,)
    return ()


def _problems_of_picture(evidence: Evidence) -> tuple[Problem, ...]:
    return () if evidence.comparable or evidence.problems else (_FEATURELESS,)


def is_for_a_closer_look(evidence: Evidence, policy: Policy) -> bool:
    """Say whether a video was held only because too few of the frames that were looked at met an entry for a video."""
    hits = _within(evidence, policy)
    answers = _answers(hits, evidence, policy)
    return _strongest(answers) == "hold" and any(
        hit.frames_listed and answer != "allow" for hit, answer in zip(hits, answers, strict=True)
    )


def _within(evidence: Evidence, policy: Policy) -> list[Hit]:
    return [hit for hit in evidence.hits if hit.distance_bits <= policy.max_distance_bits]


def _strongest(answers: Collection[RuleAction]) -> RuleAction:
    return "block" if "block" in answers else "hold" if "hold" in answers else "allow"


def _answers(hits: list[Hit], evidence: Evidence, policy: Policy) -> list[RuleAction]:
    """Return what follows from each hit."""
    near_hits = Counter(hit.position for hit in hits if hit.algorithm == "pdq")
    return [_answer(hit, evidence, policy, listed_met=near_hits[hit.position]) for hit in hits]


def _answer(hit: Hit, evidence: Evidence, policy: Policy, *, listed_met: int) -> RuleAction:
    if hit.position in evidence.silenced:
        return "allow"
    chosen = policy.answer(
        list_name=evidence.list,
        categories=hit.categories,
        algorithm=hit.algorithm,
        distance_bits=hit.distance_bits,
    )
    doubtful = hit.advice == "hold" or hit.position in evidence.flooding or not _is_enough(hit, evidence, listed_met)
    return "hold" if chosen == "block" and doubtful else chosen


def _is_enough(hit: Hit, evidence: Evidence, listed_met: int) -> bool:
    if hit.algorithm != "pdq" or not hit.frames_listed:
        return True
    share_of_entry = listed_met / hit.frames_listed
    # A single picture is all of itself: that says nothing of the video.
    share_of_file = hit.frames_met / evidence.frames if evidence.frames > 1 else 0.0
    return max(share_of_entry, share_of_file) >= ENOUGH_OF_A_VIDEO


def _without_hit(problems: tuple[Problem, ...], policy: Policy) -> Action:
    if all(problem == _FEATURELESS and policy.featureless == "allow" for problem in problems):
        return "allow"
    return "unchecked"


def _reasons(list_name: str, hits: Iterable[Hit]) -> tuple[Reason, ...]:
    """Return one reason for each entry, by its closest fingerprint; exact ones first, then by distance."""
    closest: dict[int, Hit] = {}
    if not hits:
        return ()
    for hit in sorted(hits, key=_closeness):
        closest.setdefault(hit.position, hit)
    return tuple(
        Reason(list_name, hit.position, hit.categories, hit.algorithm, hit.distance_bits) for hit in closest.values()
    )


def _closeness(hit: Hit) -> tuple[bool, int, int, str]:
    return hit.algorithm == "pdq", hit.distance_bits, hit.position, hit.algorithm
