"""What a platform chooses: how far a match reaches, and what follows from one, by list, category and distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from staydown_client.errors import ConfigurationError
from staydown_client.tables import (
    boolean_at,
    one_of,
    refuse_unknown,
    seconds_at,
    table_at,
    texts_at,
    whole_number_at,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from staydown_client.verdict import Algorithm

Answer: TypeAlias = Literal["block", "hold"]
RuleAction: TypeAlias = Literal["block", "hold", "allow"]
Featureless: TypeAlias = Literal["unchecked", "allow"]
Sort: TypeAlias = Literal["exact", "near"]

# Equal to staydown_match's (a test holds it); repeated here so that deciding needs no native code.
MAX_DISTANCE_BITS: Final = 31
MIN_QUALITY: Final = 50
MAX_RULES: Final = 100
_ANSWERS: Final[tuple[Answer, ...]] = ("block", "hold")
_FEATURELESS: Final[tuple[Featureless, ...]] = ("unchecked", "allow")
_ACTIONS: Final[tuple[RuleAction, ...]] = ("block", "hold", "allow")
_SORTS: Final[tuple[Sort, ...]] = ("exact", "near")
STRENGTH: Final[Mapping[RuleAction, int]] = {"allow": 0, "hold": 1, "block": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[policy.rules]]` table: what follows from the matches that it fits. What is empty fits all.

    lists, categories: of the entry; match: "exact" or "near" ones only; within_bits: no further apart than this.
    """

    action: RuleAction
    lists: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    match: Sort | None = None
    within_bits: int = MAX_DISTANCE_BITS

    def fits(self, *, list_name: str, category: str | None, sort: Sort, distance_bits: int) -> bool:
        """Say whether this rule speaks of a match of such an entry."""
        return (
            (not self.lists or list_name in self.lists)
            and (not self.categories or category in self.categories)
            and self.match in {None, sort}
            and distance_bits <= self.within_bits
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The `[policy]` table.

    exact, near: what follows from an exact match and from a near one, where no rule speaks of it; an entry that
        advises "hold" is only held.
    max_distance_bits: how many of PDQ's 256 bits may differ, 0 to 31.
    max_list_age_s: a file that an older list does not hold is "unchecked" instead of "allow"; None: any age.
    featureless: what follows for a picture with too little in it for a near match, once no exact fingerprint hit.
    min_quality: perceptual hashes of a lower quality, 50 to 100, are not compared.
    variants: whether turned, mirrored and inverted copies are looked for, too.
    every_frame: look at every frame of every video, which takes some ten times as long. Otherwise keyframes are looked
        at, and who makes a video can choose them so that they do not show what is between them.
    degraded_after_s: with an older list the filter goes on and calls itself degraded.
    rules: the first one that fits a match decides; of an entry's several categories the strictest answer holds.
    """

    exact: Answer = "block"
    near: Answer = "block"
    max_distance_bits: int = MAX_DISTANCE_BITS
    max_list_age_s: float | None = None
    featureless: Featureless = "unchecked"
    min_quality: int = MIN_QUALITY
    variants: bool = True
    every_frame: bool = False
    degraded_after_s: float = 300.0
    rules: tuple[Rule, ...] = ()

    def answer(
        self, *, list_name: str, categories: tuple[str, ...], algorithm: Algorithm, distance_bits: int
    ) -> RuleAction:
        """Return what follows from one match of one entry: the strictest answer that one of its categories gets."""
        sort: Sort = "near" if algorithm == "pdq" else "exact"
        if not self.rules:
            return self.near if sort == "near" else self.exact
        answers = (
            self._answer_of_category(list_name, category, sort, distance_bits) for category in categories or (None,)
        )
        return max(answers, key=STRENGTH.__getitem__)

    def is_degraded(self, list_age_s: float | None) -> bool:
        """Say whether a list of this age (None: never received whole) is older than this policy finds good."""
        # Written so that an age that is not a number counts as too old.
        return list_age_s is None or not list_age_s <= self.degraded_after_s

    def _answer_of_category(self, list_name: str, category: str | None, sort: Sort, distance_bits: int) -> RuleAction:
        for rule in self.rules:
            if rule.fits(list_name=list_name, category=category, sort=sort, distance_bits=distance_bits):
                return rule.action
        return self.near if sort == "near" else self.exact


def read_policy(table: Mapping[str, object]) -> Policy:
    """Read the `[policy]` table; raise `ConfigurationError` naming the first setting that is wrong."""
    refuse_unknown(table, "policy", known=Policy.__dataclass_fields__)
    default = Policy()
    age_s = table.get("max_list_age_s")
    return Policy(
        exact=one_of(table.get("exact", default.exact), "policy.exact", _ANSWERS),
        near=one_of(table.get("near", default.near), "policy.near", _ANSWERS),
        max_distance_bits=_read_distance(table, "policy", name="max_distance_bits"),
        max_list_age_s=None if age_s is None else seconds_at(age_s, "policy.max_list_age_s"),
        featureless=one_of(table.get("featureless", default.featureless), "policy.featureless", _FEATURELESS),
        min_quality=whole_number_at(
            table.get("min_quality", default.min_quality), "policy.min_quality", low=MIN_QUALITY, high=100
        ),
        variants=boolean_at(table.get("variants", default.variants), "policy.variants"),
        every_frame=boolean_at(table.get("every_frame", default.every_frame), "policy.every_frame"),
        degraded_after_s=seconds_at(table.get("degraded_after_s", default.degraded_after_s), "policy.degraded_after_s"),
        rules=_read_rules(table.get("rules", [])),
    )


def _read_rules(value: object) -> tuple[Rule, ...]:
    if not isinstance(value, list) or len(value) > MAX_RULES:
        raise ConfigurationError(f"policy.rules must be at most {MAX_RULES} tables, each headed [[policy.rules]].")
    return tuple(_read_rule(table_at(table, f"policy.rules.{n}"), f"policy.rules.{n}") for n, table in enumerate(value))


def _read_rule(table: Mapping[str, object], where: str) -> Rule:
    refuse_unknown(table, where, known=Rule.__dataclass_fields__)
    match = table.get("match")
    return Rule(
        action=one_of(table.get("action"), f"{where}.action", _ACTIONS),
        lists=_read_names(table, where, name="lists"),
        categories=_read_names(table, where, name="categories"),
        match=None if match is None else one_of(match, f"{where}.match", _SORTS),
        within_bits=_read_distance(table, where, name="within_bits"),
    )


def _read_names(table: Mapping[str, object], where: str, *, name: str) -> tuple[str, ...]:
    return texts_at(table[name], f"{where}.{name}") if name in table else ()


def _read_distance(table: Mapping[str, object], where: str, *, name: str) -> int:
    return whole_number_at(table.get(name, MAX_DISTANCE_BITS), f"{where}.{name}", low=0, high=MAX_DISTANCE_BITS)
