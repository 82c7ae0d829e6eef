"""Writing to the lists: after each report and assessment the rule is asked, and the log extended when it says so."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.lists import gate, held, log, panels, queries
from staydown_hub.lists.errors import (
    BadRuleError,
    NotCarriedByError,
    NotConfirmedError,
    NothingToRedactError,
    NotInForceError,
    UnknownPositionError,
)
from staydown_hub.lists.models import Entry, SharedList, Withdrawal
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import judging
from staydown_hub.registry import queries as registry
from staydown_hub.rules import admission, self_reports
from staydown_hub.schemes.catalogue import known
from staydown_hub.takedowns import services as takedowns

MINIMUM_CONFIRMATIONS: Final = 2


def reconsider(actor: Actor, *, item_id: UUID, kind: str) -> None:
    """Ask every list's rule about a locked item, and write what it decides, in the current transaction.

    Wherever the item ends up refused, removal is asked of every place it was seen; where nowhere, no longer.
    """
    supplies = registry.supplies(item_id)
    # Self-reports come last: what an ordinary list has just admitted is held no longer.
    for shared_list in SharedList.objects.order_by("basis", "slug"):
        decision = _decide(shared_list, item_id, supplies=supplies)
        if decision.step == "leave":
            continue
        if decision.step == "withdraw" or gate.lets_through(
            actor, item_id=item_id, kind=kind, content=decision.content
        ):
            log.append(actor, shared_list=shared_list, item_id=item_id, kind=kind, decision=decision)
    panels.open_if_needed(actor, item_id=item_id)
    follow_up(actor, item_id=item_id)


def _decide(shared_list: SharedList, item_id: UUID, *, supplies: Collection[admission.Supply]) -> admission.Decision:
    in_force = queries.content_in_force(shared_list, item_id)
    if shared_list.basis == SharedList.SELF_REPORTS:
        return self_reports.decide(
            held.reports_of(item_id),
            judgements=registry.current_judgements(item_id),
            is_listed=queries.is_in_force(item_id),
            ruled_out_at=queries.ruled_out_at(item_id),
            in_force=in_force,
            now=timezone.now(),
        )
    return admission.decide(
        rule=_rule_of(shared_list),
        judgements=queries.heard(item_id, since=queries.judged_since(shared_list, item_id)),
        supplies=supplies,
        in_force=in_force,
    )


def follow_up(actor: Actor, *, item_id: UUID) -> None:
    """Ask for removal wherever a locked item that is in force was seen; for nothing any more where it is not."""
    if queries.is_in_force(item_id):
        takedowns.open_requests(actor, item_id=item_id)
    else:
        takedowns.cancel_requests(actor, item_id=item_id)


@transaction.atomic
def withdraw_entry(actor: Actor, *, shared_list: SharedList, position: int, reason: str) -> Entry:
    """Withdraw the admission (or amendment) at this position, for an organisation whose assessment carried it.

    Two people agreed on it: ``proposed`` is where they do. The organisation's own assessment becomes NONE, or the
    remaining ones would admit the item again at once.
    Raises UnknownPositionError, NotInForceError, NotCarriedByError.
    """
    named = _admission_at(shared_list, position)
    item = judging.lock_item(named.item_id)
    check_withdrawal(actor, shared_list=shared_list, position=position)
    judging.take_back(actor, item=item)
    decision = admission.Decision("withdraw")
    entry = log.append(actor, shared_list=shared_list, item_id=item.pk, kind=item.kind, decision=decision)
    Withdrawal.objects.create(entry=entry, organisation_id=actor.organisation, reason=reason)
    reconsider(actor, item_id=item.pk, kind=item.kind)
    return entry


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person who confirms a redaction, and the organisation for which they do."""

    person: UUID
    organisation: UUID


@transaction.atomic
def redact(
    *, shared_list: SharedList, position: int, reason: str, confirmed_by: Sequence[Confirmation], source: str
) -> Entry:
    """Erase what this list says about the item at this position: every text that is left, with its salt, for good.

    The leaves' hashes stay, so the log still verifies. The item is not in force any more, and what was judged before
    does not bring it back. Raises UnknownPositionError, NothingToRedactError, NotConfirmedError, and
    SensitiveDetailError when the reason holds an address or a fingerprint.
    """
    if len({one.organisation for one in confirmed_by}) < MINIMUM_CONFIRMATIONS:
        raise NotConfirmedError
    named = _unredacted_at(shared_list, position)
    item = judging.lock_item(named.item_id)
    actor = Actor(organisation=confirmed_by[0].organisation, person=confirmed_by[0].person, source=source)
    entry = log.append_redaction(actor, shared_list=shared_list, item_id=item.pk)
    if entry is None:
        raise NothingToRedactError
    record(
        act="redaction ordered",
        subject=f"item:{item.pk}",
        detail={
            "list": shared_list.slug,
            "position": entry.position,
            "reason": reason,
            "confirmed_by": sorted(str(one.person) for one in confirmed_by),
        },
        source=source,
    )
    follow_up(actor, item_id=item.pk)
    return entry


def check_withdrawal(actor: Actor, *, shared_list: SharedList, position: int) -> None:
    """Raise what stands against a withdrawal: UnknownPositionError, NotCarriedByError, NotInForceError."""
    named = _admission_at(shared_list, position)
    carriers = registry.organisations_behind(queries.carriers_in_force(shared_list, named.item_id))
    if actor.organisation not in carriers:
        raise NotCarriedByError
    if named.position not in queries.positions_in_force(shared_list, named.item_id):
        raise NotInForceError


def check_redaction(*, shared_list: SharedList, position: int) -> None:
    """Raise what stands against redacting the item there: UnknownPositionError, NothingToRedactError."""
    named = _unredacted_at(shared_list, position)
    if not shared_list.entries.filter(
        item=named.item_id, body__isnull=False, operation__in=("admit", "amend")
    ).exists():
        raise NothingToRedactError


def _admission_at(shared_list: SharedList, position: int) -> Entry:
    found = shared_list.entries.filter(position=position).exclude(operation__in=Entry.ENDING).first()
    if found is None:
        raise UnknownPositionError
    return found


def _unredacted_at(shared_list: SharedList, position: int) -> Entry:
    found = shared_list.entries.filter(position=position).exclude(operation=Entry.REDACT).first()
    if found is None:
        raise UnknownPositionError
    return found


def check_rule(shared_list: SharedList, rule: admission.ListRule) -> None:
    """Check that a list of assessments can ask for this. Raises BadRuleError."""
    if shared_list.basis != SharedList.ASSESSMENTS:
        raise BadRuleError("A list of self-reports has no rule to change.")
    qualifying = {one.code for one in known().all_named() if one.qualifies}
    if problem := admission.problem_of(rule, qualifying_codes=qualifying):
        raise BadRuleError(problem)


@transaction.atomic
def change_rule(actor: Actor, *, shared_list: SharedList, rule: admission.ListRule) -> None:
    """Let a list ask for this from the next judgement of an item on. Raises BadRuleError."""
    locked = SharedList.objects.select_for_update().get(pk=shared_list.pk)
    check_rule(locked, rule)
    before = _rule_of(locked)
    locked.minimum_organisations, locked.minimum_votes = rule.minimum_organisations, rule.minimum_votes
    locked.required_kinds, locked.codes = sorted(rule.required_kinds), sorted(rule.codes)
    locked.save(update_fields=["minimum_organisations", "minimum_votes", "required_kinds", "codes"])
    record(
        act="rule changed",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"list:{locked.slug}",
        detail={
            "minimum_organisations": [before.minimum_organisations, rule.minimum_organisations],
            "minimum_votes": [before.minimum_votes, rule.minimum_votes],
            "required_kinds": sorted(rule.required_kinds),
            "codes": sorted(rule.codes),
            "codes_before": sorted(before.codes),
        },
        source=actor.source,
    )


def _rule_of(shared_list: SharedList) -> admission.ListRule:
    return admission.ListRule(
        minimum_organisations=shared_list.minimum_organisations,
        required_kinds=frozenset(shared_list.required_kinds),
        codes=frozenset(shared_list.codes),
        minimum_votes=shared_list.minimum_votes,
    )
