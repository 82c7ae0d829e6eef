"""How long what is kept: a rule for each kind of record, which a law pack can shorten or lengthen. Pure.

A period counts from the event that the rule names. What has no rule here is kept: items, fingerprints, assessments,
the lists' logs and the audit log are what the system is for, and withdrawals and redactions have acts of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

Record = Literal["peer_observation", "sighting_address", "sighting_never_confirmed"]
RECORDS: Final[tuple[Record, ...]] = get_args(Record)
Deed = Literal["delete", "erase"]

MIN_PERIOD: Final = timedelta(days=1)
MAX_PERIOD: Final = timedelta(days=3650)


class BadRetentionError(ValueError):
    """A law pack's table of periods that cannot be used; the message says which line and what it should be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of a record: deleted, or erased (its key is destroyed, the row and its history stay)."""

    record: Record
    deed: Deed
    after: timedelta
    counted_from: str
    reason: str

    def ends_before(self, now: datetime) -> datetime:
        """Return the instant up to which what happened is over its time now."""
        return now - self.after


RULES: Final[dict[Record, Rule]] = {
    one.record: one
    for one in (
        Rule(
            "peer_observation",
            "delete",
            timedelta(days=90),
            "the day on which it was received",
            "it names a person's connection, and police ask a provider within weeks or not at all",
        ),
        Rule(
            "sighting_address",
            "erase",
            timedelta(days=365),
            "the last report or check of it, where nothing is asked there any more",
            "an address that nobody acts on only leads to the material",
        ),
        Rule(
            "sighting_never_confirmed",
            "erase",
            timedelta(days=180),
            "the last report of it, where nobody who may assess confirmed it",
            "it may name what was never unlawful",
        ),
    )
}


def rules_of(days: Mapping[str, object]) -> dict[Record, Rule]:
    """Return the rules with a law pack's own periods, in days, by record. Raises BadRetentionError."""
    if unknown := sorted(set(days) - set(RECORDS)):
        raise BadRetentionError(f"There is no record {unknown[0]!r} to keep: use {', '.join(RECORDS)}.")
    return {record: _with_period(rule, days.get(record)) for record, rule in RULES.items()}


def _with_period(rule: Rule, days: object) -> Rule:
    if days is None:
        return rule
    # What names a person's connection may be kept shorter, never longer.
    most = rule.after if rule.record == "peer_observation" else MAX_PERIOD
    if not isinstance(days, int) or isinstance(days, bool) or not MIN_PERIOD.days <= days <= most.days:
        raise BadRetentionError(f"{rule.record} is a whole number of days from {MIN_PERIOD.days} to {most.days:,}.")
    return Rule(rule.record, rule.deed, timedelta(days=days), rule.counted_from, rule.reason)


def expires_at(rule: Rule, *, since: datetime) -> datetime:
    """Return when a record is over its time."""
    return since + rule.after
