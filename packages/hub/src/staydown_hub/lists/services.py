"""Writing to the lists: after each report and assessment the rule is asked, and the log extended when it says so."""

from uuid import UUID

from django.db import transaction

from staydown_hub.lists import log, queries
from staydown_hub.lists.errors import NotCarriedByError, NotInForceError, UnknownPositionError
from staydown_hub.lists.models import Entry, SharedList, Withdrawal
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import judging
from staydown_hub.registry import queries as registry
from staydown_hub.rules import admission
from staydown_hub.rules.classification import DOES_NOT_QUALIFY
from staydown_hub.takedowns import services as takedowns


def reconsider(actor: Actor, *, item_id: UUID, kind: str) -> None:
    """Ask every list's rule about a locked item, and write what it decides, in the current transaction.

    Wherever the item ends up refused, removal is asked of every place it was seen; where nowhere, no longer.
    """
    judgements, supplies = registry.current_judgements(item_id), registry.supplies(item_id)
    for shared_list in SharedList.objects.order_by("slug"):
        decision = admission.decide(
            rule=_rule_of(shared_list),
            judgements=judgements,
            supplies=supplies,
            in_force=queries.content_in_force(shared_list, item_id),
        )
        if decision.step != "leave":
            log.append(actor, shared_list=shared_list, item_id=item_id, kind=kind, decision=decision)
    if queries.is_in_force(item_id):
        takedowns.open_requests(actor, item_id=item_id)
    else:
        takedowns.cancel_requests(actor, item_id=item_id)


@transaction.atomic
def withdraw_entry(actor: Actor, *, shared_list: SharedList, position: int, reason: str) -> Entry:
    """Withdraw the admission (or amendment) at this position, for an organisation whose assessment carried it.

    The organisation's own assessment becomes NONE, or the remaining ones would admit the item again at once.
    Raises UnknownPositionError, NotInForceError, NotCarriedByError.
    """
    named = shared_list.entries.filter(position=position).exclude(operation=Entry.WITHDRAW).first()
    if named is None:
        raise UnknownPositionError
    item = judging.lock_item(named.item_id)
    _check_withdrawal(actor, shared_list=shared_list, named=named)
    judging.judge(actor, item=item, code=DOES_NOT_QUALIFY)
    decision = admission.Decision("withdraw")
    entry = log.append(actor, shared_list=shared_list, item_id=item.pk, kind=item.kind, decision=decision)
    Withdrawal.objects.create(entry=entry, organisation_id=actor.organisation, reason=reason)
    reconsider(actor, item_id=item.pk, kind=item.kind)
    return entry


def _check_withdrawal(actor: Actor, *, shared_list: SharedList, named: Entry) -> None:
    carriers = registry.organisations_behind(queries.carriers_in_force(shared_list, named.item_id))
    if actor.organisation not in carriers:
        raise NotCarriedByError
    if named.position not in queries.positions_in_force(shared_list, named.item_id):
        raise NotInForceError


def _rule_of(shared_list: SharedList) -> admission.ListRule:
    return admission.ListRule(
        minimum_organisations=shared_list.minimum_organisations,
        required_kinds=frozenset(shared_list.required_kinds),
        codes=frozenset(shared_list.codes),
    )
