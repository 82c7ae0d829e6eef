"""When an item belongs on a list, and with which fingerprints: the rule no single organisation can meet."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from staydown_hub.rules.access import KINDS, scopes_of_kind
from staydown_hub.rules.confidence import votes
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, MIN_QUALITY, Fingerprint, distance_bits

Step = Literal["admit", "amend", "withdraw", "leave"]
Status = Literal["open", "waiting", "admitted", "held", "disputed", "withdrawn"]

# Far more than an item needs, and far less than a filter takes: nobody can make an entry too heavy to be followed.
MAX_FINGERPRINTS_OF_ENTRY: Final = 512


@dataclass(frozen=True, slots=True)
class ListRule:
    """What a list asks: how many organisations, one of which kinds, with which codes, how many independently."""

    minimum_organisations: int
    required_kinds: frozenset[str]
    codes: frozenset[str]
    minimum_votes: int = 0


_FEWEST_ORGANISATIONS: Final = 2
_MOST_ORGANISATIONS: Final = 20


def problem_of(rule: ListRule, *, qualifying_codes: Collection[str]) -> str | None:
    """Return why no list can have this rule, naming the field; None when one can."""
    judging = {kind for kind in KINDS if "assess" in scopes_of_kind(kind)}
    if not _FEWEST_ORGANISATIONS <= rule.minimum_organisations <= _MOST_ORGANISATIONS:
        return f"minimum_organisations: from {_FEWEST_ORGANISATIONS} to {_MOST_ORGANISATIONS}, never one alone."
    if not 0 <= rule.minimum_votes <= _MOST_ORGANISATIONS:
        return f"minimum_votes: from 0 to {_MOST_ORGANISATIONS}."
    if not rule.required_kinds or not rule.required_kinds <= judging:
        return "required_kinds: at least one, and only kinds that judge items."
    if not rule.codes or not rule.codes <= set(qualifying_codes):
        return "codes: at least one, and only codes of this hub's schemes that qualify."
    return None


@dataclass(frozen=True, slots=True)
class Judgement:
    """One organisation's current assessment of the item; ``independent`` when it was given before seeing others'."""

    assessment_id: int
    organisation: UUID
    kind: str
    code: str
    qualifies: bool = True
    independent: bool = True


@dataclass(frozen=True, slots=True)
class Supply:
    """One organisation, of this kind, supplied this fingerprint, with the quality that it gave itself.

    ``assessment_id`` is the assessment that it came with; None when the organisation did not judge what it reported.
    """

    assessment_id: int | None
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
    speaking = (one for one in judgements if one.qualifies and one.code in rule.codes)
    return tuple(sorted(speaking, key=lambda one: one.assessment_id))


def is_met(rule: ListRule, judgements: Collection[Judgement]) -> bool:
    """Tell whether enough organisations speak for the list, one of a required kind among them, enough by themselves."""
    speaking = positive(rule, judgements)
    enough = len({one.organisation for one in speaking}) >= rule.minimum_organisations
    enough = enough and votes(speaking) >= rule.minimum_votes
    return enough and any(one.kind in rule.required_kinds for one in speaking)


def is_disputed(judgements: Iterable[Judgement]) -> bool:
    """Tell whether an organisation holds that the item does not qualify."""
    return any(not one.qualifies for one in judgements)


def vouched(
    *, rule: ListRule, judgements: Iterable[Judgement], supplies: Collection[Supply]
) -> tuple[Fingerprint, ...]:
    """Return the fingerprints that two organisations, one of a required kind, stand behind; in the supplies' order.

    Only what came with a judgement that speaks for the list counts. An exact value needs two that supplied it; a PDQ
    needs another organisation that supplied it or one within 31 bits, both of quality 50 or more. A PDQ is returned
    with the highest quality that it was supplied with.
    """
    speaking = {one.assessment_id for one in positive(rule, judgements)}
    alike: dict[str | tuple[str, bytes], list[Supply]] = defaultdict(list)
    for supply in supplies:
        if supply.assessment_id in speaking:
            alike[_group(supply.fingerprint)].append(supply)
    best: dict[tuple[str, bytes], Fingerprint] = {}
    for supply in (one for one in supplies if one.assessment_id in speaking):
        if any(_vouches(rule, other, supply) for other in alike[_group(supply.fingerprint)]):
            known = best.setdefault(_name(supply.fingerprint), supply.fingerprint)
            if (supply.fingerprint.quality or 0) > (known.quality or 0):
                best[_name(supply.fingerprint)] = supply.fingerprint
    return tuple(best.values())


def _name(one: Fingerprint) -> tuple[str, bytes]:
    return one.algorithm, one.value


def _group(one: Fingerprint) -> str | tuple[str, bytes]:
    """Return what the supplies that can vouch for each other share: the exact value, or only that they are PDQs."""
    return _name(one) if one.is_exact else one.algorithm


def _vouches(rule: ListRule, other: Supply, supply: Supply) -> bool:
    if other.organisation == supply.organisation or rule.required_kinds.isdisjoint({other.kind, supply.kind}):
        return False
    if supply.fingerprint.is_exact:
        return other.fingerprint.value == supply.fingerprint.value
    good = min(other.fingerprint.quality or 0, supply.fingerprint.quality or 0) >= MIN_QUALITY
    return good and _is_near(other.fingerprint, supply.fingerprint)


def _is_near(left: Fingerprint, right: Fingerprint) -> bool:
    if left.is_exact or right.is_exact:
        return False
    return distance_bits(left.value, right.value) <= MAX_DISTANCE_BITS


def _listed(found: Sequence[Fingerprint], *, in_force: Content | None) -> tuple[Fingerprint, ...]:
    """Return what the entry carries, by algorithm and value: what is listed stays as it is, then the oldest supplies.

    A PDQ near one that stays listed is left out: it would refuse no copy of the picture that was judged, only more.
    """
    listed = {_name(one): one for one in in_force.fingerprints} if in_force else {}
    kept = [listed[_name(one)] for one in found if _name(one) in listed]
    fresh = [one for one in found if _name(one) not in listed and not any(_is_near(one, stays) for stays in kept)]
    return tuple(sorted([*kept, *fresh][:MAX_FINGERPRINTS_OF_ENTRY]))


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
    found = vouched(rule=rule, judgements=judgements, supplies=supplies)
    content = Content(_listed(found, in_force=in_force), tuple(sorted({one.code for one in speaking})))
    if is_disputed(judgements) or not content.fingerprints or content == in_force:
        return Decision("leave")
    return Decision(
        step="admit" if in_force is None else "amend",
        content=content,
        carried_by=tuple(one.assessment_id for one in speaking),
        admitted_by=tuple(sorted({one.kind for one in speaking})),
    )


def status_of(*, judgements: Collection[Judgement], last_operations: Collection[str], is_held: bool = False) -> Status:
    """Return an item's standing from its current judgements and the last operation about it on each list.

    ``last_operations`` are those of lists that assessments admit to; ``is_held`` tells that a self-report holds it.
    """
    if not {"admit", "amend"}.isdisjoint(last_operations):
        return "admitted"
    if is_held:
        return "held"
    if not {"withdraw", "redact"}.isdisjoint(last_operations):
        return "withdrawn"
    if is_disputed(judgements):
        return "disputed"
    return "waiting" if judgements else "open"
