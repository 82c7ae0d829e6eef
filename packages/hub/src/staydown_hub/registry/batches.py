"""Many reports in one go: what is plain is written by the hundred, and the rest one by one, each in its own way.

Every row ends as its own: taken, or refused with what is wrong. What is taken is committed before it is told, under the
reporter's reference, so a batch that broke off is simply sent again.
"""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

from django.db import OperationalError, transaction

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import NotTrainedError
from staydown_hub.organisations.training import check_may_assess
from staydown_hub.registry import bulk, near, services, sightings, supplying
from staydown_hub.registry.bulk import Kept, Name, OvertakenError, Supplied
from staydown_hub.registry.errors import NearMatchAwayError, ReferenceTakenError, RegistryError
from staydown_hub.registry.models import BatchRow
from staydown_hub.registry.sightings import Seen
from staydown_hub.rules.fingerprints import Fingerprint, asked_near
from staydown_hub.schemes.catalogue import known
from staydown_hub.vault.services import ring

Result = TypeVar("Result")

_ATTEMPTS: Final = 3
ACT: Final = "batch reported"


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One report of a batch, as `services.report_item` takes it, with the reporter's own reference for it."""

    reference: str
    kind: str
    fingerprints: tuple[Fingerprint, ...]
    addresses: tuple[Seen, ...] = ()
    code: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A report that was taken, now or before under the same reference: its item, and whether that was known."""

    item: UUID
    known: bool


Outcome = Taken | RegistryError | NotTrainedError


def report_batch(actor: Actor, reports: Sequence[BatchReport]) -> list[Outcome]:
    """Take these reports, a few hundred at most, and return what became of each, in order; all is committed then.

    The same reference with the same content is the same report, whenever it comes; with another content it is refused.
    """
    try:
        outcomes = _at_first(partial(_take_plain, actor, reports)) or [None] * len(reports)
    except NearMatchAwayError as error:
        return [error] * len(reports)
    return [
        _take_alone(actor, report) if outcome is None else outcome
        for report, outcome in zip(reports, outcomes, strict=True)
    ]


def batch_digest(rows: Sequence[tuple[str, UUID, bool, bytes]]) -> str:
    """Return what a batch's audit record says of its rows (reference, item, known, content's digest), as base64."""
    lines = [json.dumps([reference, str(item), known, digest.hex()]) for reference, item, known, digest in sorted(rows)]
    return base64.b64encode(hashlib.sha256("\n".join(lines).encode()).digest()).decode()


def _at_first(act: Callable[[], Result]) -> Result | None:
    """Try a few times: another transaction may have come in between, or wait for what this one holds. None: give up."""
    for _ in range(_ATTEMPTS):
        try:
            return act()
        except OvertakenError:
            continue
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
    return None


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


def _digest(report: BatchReport) -> bytes:
    prints = sorted((one.algorithm, one.value.hex(), one.quality or 0) for one in report.fingerprints)
    content = [
        report.kind,
        prints,
        sorted((one.address.kind, one.address.text, one.said_at) for one in report.addresses),
        report.code,
        report.scheme,
    ]
    return ring().digest("batch", json.dumps(content).encode())


def _settled(report: BatchReport, row: BatchRow | None) -> Outcome | None:
    if row is None:
        return None
    is_same = hmac.compare_digest(bytes(row.content_digest), _digest(report))
    return Taken(row.item_id, known=row.known) if is_same else ReferenceTakenError()


def _take_alone(actor: Actor, report: BatchReport) -> Outcome:
    """Take one report as if it had come by itself."""
    try:
        return _at_first(partial(_take_one, actor, report)) or _take_one(actor, report)
    except (RegistryError, NotTrainedError) as error:
        return error


@transaction.atomic
def _take_one(actor: Actor, report: BatchReport) -> Outcome:
    kept = bulk.rows_called(actor.organisation, [report.reference]).get(report.reference)
    if settled := _settled(report, kept):
        return settled
    reported = services.report_item(
        actor,
        kind=report.kind,
        fingerprints=report.fingerprints,
        addresses=report.addresses,
        code=report.code,
        scheme=report.scheme,
    )
    row = Kept(report.reference, _digest(report), reported.item.pk, reported.known)
    bulk.keep_rows(actor, [row], batch=None)
    return Taken(row.item, known=row.known)


@transaction.atomic
def _take_plain(actor: Actor, reports: Sequence[BatchReport]) -> list[Outcome | None]:
    """Take all reports that open an item, or only add to what is known of one; None for those that are not so plain."""
    services.wait_to_open()
    kept = bulk.rows_called(actor.organisation, [one.reference for one in reports])
    outcomes = [_settled(one, kept.get(one.reference)) for one in reports]
    fresh = [place for place, outcome in enumerate(outcomes) if outcome is None]
    plan = _Plan(reports, may_assess=_may_assess(actor))
    plan.choose(fresh)
    plan.leave_out_what_is_full(actor)
    _write(actor, plan)
    for place, item in plan.items.items():
        outcomes[place] = Taken(item, known=place not in plan.opened)
    return outcomes


class _Plan:
    """Which item each report is about; ``items`` by the report's place, ``opened`` the places that open theirs."""

    def __init__(self, reports: Sequence[BatchReport], *, may_assess: bool) -> None:
        self.reports = reports
        self._may_assess = may_assess
        self.items: dict[int, UUID] = {}
        self.opened: dict[int, UUID] = {}
        self._named: dict[Name, UUID] = {}

    def choose(self, fresh: Sequence[int]) -> None:
        """Find or open the item of each of these; the stored first, then those before it in the batch."""
        self._named = bulk.items_named(one for place in fresh for one in self.reports[place].fingerprints)
        sought = [_sought(self.reports[place]) for place in fresh]
        unnamed = [place for place in fresh if not self._named_items(place)]
        of = dict(zip(fresh, sought, strict=True))
        stored = dict(zip(unnamed, near.nearest([of[place] for place in unnamed]), strict=True))
        before = zip(fresh, near.alike(sought), strict=True)
        alike = {place: None if other is None else fresh[other] for place, other in before}
        references: set[str] = set()
        for place in fresh:
            reference = self.reports[place].reference
            if reference not in references:
                self._place(place, stored=stored.get(place), alike=alike.get(place))
            references.add(reference)

    def _place(self, place: int, *, stored: UUID | None, alike: int | None) -> None:
        named = self._named_items(place)
        if len(named) > 1:
            return  # which of them it is, or that it is none, is for the careful way to say
        item = next(iter(named), None) or stored or (None if alike is None else self.items.get(alike))
        report = self.reports[place]
        if report.code and not self._may_assess:
            return  # refused where it is taken by itself
        if item is None:
            if alike is not None:
                return  # near one that is itself not plain: that one comes first
            item = self.opened[place] = uuid.uuid4()
        elif report.code or report.addresses:
            return  # may change a standing, or open requests
        self.items[place] = item
        self._named |= {(one.algorithm, one.value): item for one in report.fingerprints if one.is_exact}

    def _named_items(self, place: int) -> set[UUID]:
        names = [(one.algorithm, one.value) for one in self.reports[place].fingerprints if one.is_exact]
        return {self._named[name] for name in names if name in self._named}

    def leave_out_what_is_full(self, actor: Actor) -> None:
        """Lock the items that were there before, and leave those reports to the careful way that might be too much."""
        fresh = set(self.opened.values())
        present = {item for item in self.items.values() if item not in fresh}
        bulk.lock_items(present)
        supplied = dict.fromkeys(fresh, 0) | bulk.count_supplied(actor, present)
        for place, item in list(self.items.items()):
            supplied[item] = supplied.get(item, 0) + len(self.reports[place].fingerprints)
            if supplied[item] > supplying.MAX_FINGERPRINTS_OF_ONE_SUPPLIER:
                del self.items[place]


def _may_assess(actor: Actor) -> bool:
    try:
        check_may_assess(actor)
    except NotTrainedError:
        return False
    return True


def _sought(report: BatchReport) -> near.Sought:
    return near.Sought(report.kind, asked_near(report.kind, report.fingerprints))


def _write(actor: Actor, plan: _Plan) -> None:
    reports = plan.reports
    if not plan.items:
        return
    bulk.open_items(actor, [(item, reports[place].kind) for place, item in plan.opened.items()])
    sightings.first_sightings(actor, {item: reports[place].addresses for place, item in plan.opened.items()})
    codes = {
        item: known().named(code, scheme=reports[place].scheme)
        for place, item in plan.opened.items()
        if (code := reports[place].code)
    }
    assessments = bulk.judge_first(actor, codes)
    bulk.add_fingerprints(actor, _supplied(plan, assessments))
    batch = uuid.uuid4()
    rows = [
        Kept(reports[place].reference, _digest(reports[place]), item, known=place not in plan.opened)
        for place, item in plan.items.items()
    ]
    bulk.keep_rows(actor, rows, batch=batch)
    record(
        act=ACT,
        organisation=actor.organisation,
        person=actor.person,
        subject=f"batch:{batch}",
        detail={
            "rows": len(rows),
            "opened": len(plan.opened),
            "assessed": len(codes),
            "digest": batch_digest([(one.reference, one.item, one.known, one.content_digest) for one in rows]),
        },
        source=actor.source,
    )


def _supplied(plan: _Plan, assessments: dict[UUID, int]) -> list[Supplied]:
    """Return what is supplied of each item, each fingerprint once."""
    found: list[Supplied] = []
    by_item: dict[UUID, list[Fingerprint]] = {}
    opening = set(plan.opened)
    for place, item in plan.items.items():
        if place in opening:
            found.append(
                Supplied(item, supplying.best_quality(plan.reports[place].fingerprints), assessments.get(item))
            )
        else:
            by_item.setdefault(item, []).extend(plan.reports[place].fingerprints)
    found += [Supplied(item, supplying.best_quality(given), None) for item, given in by_item.items()]
    return found
