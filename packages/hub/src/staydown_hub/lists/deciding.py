"""What people decide, each in one transaction: votes of a panel, overruling the gate, rulings, and self-reports."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.lists import gate, panels, queries
from staydown_hub.lists.errors import (
    NoSelfReportListError,
    NotASupportCentreError,
    NotYoursToDecideError,
    PanelDecidedError,
    TooManySelfReportsError,
)
from staydown_hub.lists.models import (
    Entry,
    GateOverrule,
    GateStop,
    Panel,
    PanelVote,
    Ruling,
    SafeFingerprint,
    SelfReport,
    SelfReportFingerprint,
    SharedList,
    Withdrawal,
)
from staydown_hub.lists.services import reconsider
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import kind_of
from staydown_hub.organisations.training import decides_in_person
from staydown_hub.registry import judging
from staydown_hub.registry import queries as registry
from staydown_hub.rules import self_reports
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_hub.rules.panel import decision_of


@transaction.atomic
def vote(actor: Actor, *, panel_id: UUID, qualifies: bool, reason: str) -> bool | None:
    """Take a seat of a panel and vote; return what the panel has decided with it, or None while it has not.

    Raises PanelDecidedError and NotYoursToDecideError.
    """
    panel = Panel.objects.get(pk=panel_id)
    item = judging.lock_item(panel.item_id)
    if Ruling.objects.filter(panel=panel).exists():
        raise PanelDecidedError
    kind = kind_of(actor.organisation)
    may_sit = panels.may_sit_on(panel, organisation=actor.organisation, kind=kind)
    if actor.person is None or not may_sit or not decides_in_person(actor):
        raise NotYoursToDecideError
    PanelVote.objects.create(
        panel=panel, organisation_id=actor.organisation, person_id=actor.person, qualifies=qualifies, reason=reason
    )
    _record(actor, act="panel vote given", item_id=item.pk, detail={"panel": str(panel.pk), "qualifies": qualifies})
    decided = decision_of(list(panel.votes.values_list("qualifies", flat=True)))
    if decided is not None:
        Ruling.objects.create(item=item, panel=panel, qualifies=decided)
        _record(actor, act="panel decided", item_id=item.pk, detail={"panel": str(panel.pk), "qualifies": decided})
        reconsider(actor, item_id=item.pk, kind=item.kind)
    return decided


@transaction.atomic
def overrule(actor: Actor, *, stop_id: UUID, reason: str) -> bool:
    """Say that what the gate found does not matter here; return whether enough people of two organisations say so.

    Raises NotYoursToDecideError.
    """
    stop = GateStop.objects.get(pk=stop_id)
    item = judging.lock_item(stop.item_id)
    has_said = stop.overrules.filter(organisation=actor.organisation).exists()
    if actor.person is None or has_said or not decides_in_person(actor):
        raise NotYoursToDecideError
    GateOverrule.objects.create(stop=stop, organisation_id=actor.organisation, person_id=actor.person, reason=reason)
    _record(actor, act="gate overruled", item_id=item.pk, detail={"stop": str(stop.pk)})
    done = gate.is_overruled(gate.stops_of(item.pk).get(pk=stop.pk))
    if done:
        reconsider(actor, item_id=item.pk, kind=item.kind)
    return done


def rule_on_dispute(
    actor: Actor, *, dispute_id: UUID, item_id: UUID, round_number: int, qualifies: bool, reason: str
) -> None:
    """Write a reviewer's ruling about a locked item, and let it reach the lists, in the current transaction.

    What was listed wrongly goes into the safe corpus, and out again when an appeal finds that it was right.
    """
    source = f"dispute {dispute_id}"
    contents = [
        content
        for one in queries.latest_entries(item_id)
        if (content := queries.content_in_force(one.shared_list, item_id))
    ]
    ruling = Ruling.objects.create(
        item_id=item_id,
        dispute_id=dispute_id,
        round=round_number,
        qualifies=qualifies,
        organisation_id=actor.organisation,
        person_id=actor.person,
        reason=reason,
    )
    if qualifies:
        SafeFingerprint.objects.filter(source=source, retired_at=None).update(retired_at=timezone.now())
    for content in [] if qualifies else contents:
        gate.add_to_corpus(content.fingerprints, source=source)
    item = judging.lock_item(item_id)
    reconsider(actor, item_id=item_id, kind=item.kind)
    ended = Entry.objects.filter(item=item_id, operation=Entry.WITHDRAW, at__gte=ruling.at, withdrawal=None)
    Withdrawal.objects.bulk_create(
        Withdrawal(entry=entry, organisation_id=actor.organisation, reason=reason) for entry in ended
    )


@transaction.atomic
def take_self_report(actor: Actor, *, item_id: UUID, fingerprints: Collection[Fingerprint]) -> SelfReport:
    """Hold an item because a person reported it of themselves through this support centre, for a time.

    Raises NotASupportCentreError, NoSelfReportListError and TooManySelfReportsError.
    """
    if kind_of(actor.organisation) != self_reports.RELAYING_KIND:
        raise NotASupportCentreError
    if not SharedList.objects.filter(basis=SharedList.SELF_REPORTS).exists():
        raise NoSelfReportListError
    item, now = judging.lock_item(item_id), timezone.now()
    own = SelfReport.objects.filter(organisation=actor.organisation, ended_at=None, expires_at__gt=now)
    if own.count() >= self_reports.MAX_OF_ONE_CENTRE:
        raise TooManySelfReportsError(self_reports.MAX_OF_ONE_CENTRE)
    report = SelfReport.objects.create(
        item=item, organisation_id=actor.organisation, at=now, expires_at=now + self_reports.HOLDS_FOR
    )
    keys = registry.keys_of(item_id, fingerprints)
    best = {(one.algorithm, one.value): one for one in sorted(fingerprints, key=lambda one: one.quality or 0)}
    SelfReportFingerprint.objects.bulk_create(
        SelfReportFingerprint(self_report=report, fingerprint_id=keys[name], quality=one.quality)
        for name, one in best.items()
        if name in keys
    )
    _record(actor, act="self-report relayed", item_id=item_id, detail={"self_report": str(report.pk)})
    reconsider(actor, item_id=item_id, kind=item.kind)
    return report


@transaction.atomic
def end_self_report(actor: Actor, *, report_id: UUID) -> None:
    """Take a self-report back, for the support centre that relayed it. Raises NotYoursToDecideError."""
    report = SelfReport.objects.filter(pk=report_id, organisation=actor.organisation).first()
    if report is None:
        raise NotYoursToDecideError
    item = judging.lock_item(report.item_id)
    SelfReport.objects.filter(pk=report.pk, ended_at=None).update(ended_at=timezone.now())
    _record(actor, act="self-report ended", item_id=item.pk, detail={"self_report": str(report.pk)})
    reconsider(actor, item_id=item.pk, kind=item.kind)


@transaction.atomic
def end_expired(report_id: UUID) -> None:
    """End a self-report whose time has passed: the hub's own act, on record for the centre that relayed it."""
    report = SelfReport.objects.get(pk=report_id)
    item = judging.lock_item(report.item_id)
    actor = Actor(organisation=report.organisation_id, source="job")
    if SelfReport.objects.filter(pk=report_id, ended_at=None).update(ended_at=timezone.now()):
        _record(actor, act="self-report expired", item_id=item.pk, detail={"self_report": str(report.pk)})
        reconsider(actor, item_id=item.pk, kind=item.kind)


@transaction.atomic
def extend_corpus(by_source: Mapping[str, Collection[Fingerprint]]) -> int:
    """Add to the safe corpus what the hub's operator knows to be harmless; return how many were new."""
    added = sum(gate.add_to_corpus(found, source=source) for source, found in by_source.items())
    record(act="safe corpus extended", subject="corpus:safe", detail={"added": added}, source="command")
    return added


@transaction.atomic
def open_self_report_list(*, slug: str, name: str) -> bool:
    """Make the list of self-reports, unless the hub has one; return whether it is new."""
    if SharedList.objects.filter(basis=SharedList.SELF_REPORTS).exists():
        return False
    SharedList.objects.create(
        slug=slug,
        name=name,
        required_kinds=[],
        codes=[],
        audience_kinds=["platform", "police", "support_centre", "regulator"],
        basis=SharedList.SELF_REPORTS,
        advice="hold",
    )
    record(act="list opened", subject=f"list:{slug}", detail={"basis": SharedList.SELF_REPORTS}, source="command")
    return True


def _record(actor: Actor, *, act: str, item_id: UUID, detail: dict[str, str | int | bool | None]) -> None:
    record(
        act=act,
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item_id}",
        detail=detail,
        source=actor.source,
    )
