"""When an item belongs on a list, and with which fingerprints: the rule no single organisation can meet."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from staydown_hub.rules.classification import DOES_NOT_QUALIFY
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, MIN_QUALITY, Fingerprint, distance_bits

Step = Literal["admit", "amend", "withdraw", "leave"]
Status = Literal["open", "waiting", "admitted", "disputed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class ListRule:
    """What a list asks: how many organisations, of which kinds at least one, and with which codes."""

    minimum_organisations: int
    required_kinds: frozenset[str]
    codes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One organisation's current assessment of the item."""

    assessment_id: int
    organisation: UUID
    kind: str
    code: str


@dataclass(frozen=True, slots=True)
class Supply:
    """One organisation, of this kind, supplied this fingerprint, with the quality that it gave itself."""

    organisation: UUID
    kind: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry says: only this decides whether an entry in force needs an amendment."""

    fingerprints: tuple[Fingerprint, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with the item on one list; the other fields are filled for ``admit`` and ``amend``."""

    step: Step
    content: Content = Content((), ())
    carried_by: tuple[int, ...] = ()
    admitted_by: tuple[str, ...] = ()


def positive(rule: ListRule, judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Return the judgements that speak for the list, in the order of their assessments."""
    return tuple(sorted((one for one in judgements if one.code in rule.codes), key=lambda one: one.assessment_id))


def is_met(rule: ListRule, judgements: Collection[Judgement]) -> bool:
    """Tell whether enough different organisations, one of a required kind among them, speak for the list."""
    speaking = positive(rule, judgements)
    enough = len({one.organisation for one in speaking}) >= rule.minimum_organisations
    return enough and any(one.kind in rule.required_kinds for one in speaking)


def is_disputed(judgements: Iterable[Judgement]) -> bool:
    """Tell whether an organisation holds that the item does not qualify."""
    return any(one.code == DOES_NOT_QUALIFY for one in judgements)


def vouched(rule: ListRule, supplies: Collection[Supply]) -> tuple[Fingerprint, ...]:
    """Return the fingerprints that two organisations, one of a required kind, supplied; by algorithm and value.

    An exact value counts when two supplied the same one. A PDQ counts when another organisation supplied it or one
    within 31 bits, both of quality 50 or more; it is returned with the highest quality that it was supplied with.
    """
    best: dict[tuple[str, bytes], Fingerprint] = {}
    for supply in supplies:
        if any(_vouches(rule, other, supply) for other in supplies if other.organisation != supply.organisation):
            one = supply.fingerprint
            known = best.setdefault((one.algorithm, one.value), one)
            if (one.quality or 0) > (known.quality or 0):
                best[one.algorithm, one.value] = one
    return tuple(best[name] for name in sorted(best))


def _vouches(rule: ListRule, other: Supply, supply: Supply) -> bool:
    if rule.required_kinds.isdisjoint({other.kind, supply.kind}):
        return False
    theirs, mine = other.fingerprint, supply.fingerprint
    if theirs.algorithm != mine.algorithm:
        return False
    if theirs.quality is None or mine.quality is None:
        return theirs.value == mine.value
    near = distance_bits(theirs.value, mine.value) <= MAX_DISTANCE_BITS
    return near and min(theirs.quality, mine.quality) >= MIN_QUALITY


def decide(
    *, rule: ListRule, judgements: Collection[Judgement], supplies: Collection[Supply], in_force: Content | None
) -> Decision:
    """Return what to do with an item whose entry in force says ``in_force`` (None when it is not on the list).

    A dispute stops an admission and an amendment, but undoes neither: an entry is withdrawn only when the remaining
    judgements no longer meet the rule.
    """
    if not is_met(rule, judgements):
        return Decision("leave" if in_force is None else "withdraw")
    speaking = positive(rule, judgements)
    content = Content(vouched(rule, supplies), tuple(sorted({one.code for one in speaking})))
    if is_disputed(judgements) or not content.fingerprints or content == in_force:
        return Decision("leave")
    return Decision(
        step="admit" if in_force is None else "amend",
        content=content,
        carried_by=tuple(one.assessment_id for one in speaking),
        admitted_by=tuple(sorted({one.kind for one in speaking})),
    )


def status_of(*, judgements: Collection[Judgement], last_operations: Collection[str]) -> Status:
    """Return an item's standing from its current judgements and the last operation about it on each list."""
    if not {"admit", "amend"}.isdisjoint(last_operations):
        return "admitted"
    if "withdraw" in last_operations:
        return "withdrawn"
    if is_disputed(judgements):
        return "disputed"
    return "waiting" if judgements else "open"
