"""Reviewing disputes and appeals: the one writer of both, by the table in ``rules.disputes``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.enforcement.errors import NotYoursError
from staydown_hub.enforcement.models import Appeal, Dispute
from staydown_hub.lists import queries as lists
from staydown_hub.lists.deciding import rule_on_dispute
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import kind_of
from staydown_hub.organisations.training import decides_in_person
from staydown_hub.registry.judging import lock_item
from staydown_hub.rules import disputes as rules
from staydown_hub.rules.access import scopes_of_kind


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute and where it stands."""

    dispute: Dispute
    state: rules.State
    deadline_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class DisputeFigures:
    """Counts of all disputes as of now; ``wrong_entries`` counts entries found wrong, however many disputed them.

    The share is of all admissions ever made, None without any; the median is of first rulings.
    """

    by_state: dict[str, int]
    overdue: int
    wrong_entries: int
    share_wrong: float | None
    median_hours_to_ruling: float | None

    @property
    def waiting(self) -> int:
        """Return how many wait for a reviewer."""
        return self.by_state.get("open", 0) + self.by_state.get("appealed", 0)

    @property
    def percent_wrong(self) -> str | None:
        """Return the share as people read it."""
        return None if self.share_wrong is None else f"{100 * self.share_wrong:.2g}"


def case_of(dispute: Dispute, *, now: datetime | None = None) -> Case:
    """Return where a dispute stands."""
    told, at = told_of(dispute), now or timezone.now()
    return Case(dispute, rules.state_of(told), rules.deadline_of(told), rules.is_overdue(told, now=at))


def told_of(dispute: Dispute) -> rules.Told:
    """Return what is known of a dispute, as the rule reads it."""
    rulings = sorted(dispute.rulings.all(), key=lambda one: one.round)
    appeal = getattr(dispute, "appeal", None)
    return rules.Told(
        at=dispute.at,
        rulings=tuple((one.qualifies, one.at) for one in rulings),
        appealed_at=appeal.at if appeal else None,
    )


def disputes() -> QuerySet[Dispute]:
    """Return all disputes with what their cases need, newest first."""
    rows = Dispute.objects.select_related("organisation", "shared_list", "appeal__organisation")
    return rows.prefetch_related("rulings__organisation").order_by("-at", "pk")


def disputes_seen_by(organisation: UUID, *, kind: str) -> QuerySet[Dispute]:
    """Return the disputes that an organisation may see: all for who reads items, else its own."""
    return disputes() if "read" in scopes_of_kind(kind) else disputes().filter(organisation=organisation)


def may_review(dispute: Dispute, *, organisation: UUID, kind: str) -> bool:
    """Tell whether an organisation may rule on a dispute now."""
    return rules.state_of(told_of(dispute)) in {"open", "appealed"} and rules.may_review(
        kind=kind,
        took_part=_party_of(dispute, organisation) != "other",
        has_ruled=any(one.organisation_id == organisation for one in dispute.rulings.all()),
    )


def may_appeal(dispute: Dispute, *, organisation: UUID, now: datetime | None = None) -> bool:
    """Tell whether an organisation may have a ruling looked at once more now."""
    told, party = told_of(dispute), _party_of(dispute, organisation)
    deadline = rules.deadline_of(told)
    in_time = deadline is not None and (now or timezone.now()) <= deadline
    return in_time and rules.next_state(state=rules.state_of(told), event="appealed", by=party) is not None


def is_party(dispute_id: UUID, *, organisation: UUID) -> bool:
    """Tell whether there is such a dispute, and the organisation made it or carried the entry."""
    found = disputes().filter(pk=dispute_id).first()
    return found is not None and _party_of(found, organisation) != "other"


def _party_of(dispute: Dispute, organisation: UUID) -> rules.Party:
    if dispute.organisation_id == organisation:
        return "disputer"
    return "carrier" if organisation in lists.organisations_that_carried(dispute.item_id) else "other"


@transaction.atomic
def review(actor: Actor, *, dispute_id: UUID, qualifies: bool, reason: str) -> rules.State:
    """Rule that the entry is right (``qualifies``) or wrong; the outcome reaches every filter. Raises NotYoursError."""
    dispute = disputes().get(pk=dispute_id)
    lock_item(dispute.item_id)
    kind = kind_of(actor.organisation)
    dispute = disputes().get(pk=dispute_id)
    if not decides_in_person(actor) or not may_review(dispute, organisation=actor.organisation, kind=kind):
        raise NotYoursError
    round_number = 1 + len(dispute.rulings.all())
    event: rules.Event = "entry_right" if qualifies else "entry_wrong"
    after = rules.next_state(state=rules.state_of(told_of(dispute)), event=event, by="other")
    if after is None:
        raise NotYoursError
    rule_on_dispute(
        actor,
        dispute_id=dispute_id,
        item_id=dispute.item_id,
        round_number=round_number,
        qualifies=qualifies,
        reason=reason,
    )
    _record(actor, dispute, act="dispute ruled on", detail={"round": round_number, "state": after})
    return after


@transaction.atomic
def appeal(actor: Actor, *, dispute_id: UUID, reason: str) -> Appeal:
    """Have a ruling looked at once more, by another reviewer. Raises NotYoursError."""
    dispute = disputes().get(pk=dispute_id)
    lock_item(dispute.item_id)
    dispute = disputes().get(pk=dispute_id)
    if not may_appeal(dispute, organisation=actor.organisation):
        raise NotYoursError
    made = Appeal.objects.create(
        dispute=dispute, organisation_id=actor.organisation, person_id=actor.person, reason=reason, at=timezone.now()
    )
    _record(actor, dispute, act="ruling appealed", detail={})
    return made


def figures() -> DisputeFigures:
    """Return how disputes stand, and how often entries were wrong."""
    cases = [case_of(one) for one in disputes()]
    wrong = {(one.dispute.shared_list_id, one.dispute.item_id) for one in cases if rules.is_wrong(one.state)}
    return DisputeFigures(
        by_state=rules.counts([one.state for one in cases]),
        overdue=sum(one.is_overdue for one in cases),
        wrong_entries=len(wrong),
        share_wrong=rules.share_wrong(upheld=len(wrong), admissions=lists.count_admissions()),
        median_hours_to_ruling=_median_hours(one.dispute for one in cases),
    )


def _median_hours(disputes_made: Iterable[Dispute]) -> float | None:
    spans = [
        (told.rulings[0][1] - told.at) / timedelta(hours=1) for one in disputes_made if (told := told_of(one)).rulings
    ]
    return median(spans) if spans else None


def _record(actor: Actor, dispute: Dispute, *, act: str, detail: dict[str, str | int]) -> None:
    record(
        act=act,
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{dispute.item_id}",
        detail={"dispute": str(dispute.pk), **detail},
        source=actor.source,
    )
