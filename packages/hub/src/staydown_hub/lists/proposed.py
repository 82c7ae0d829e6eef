"""What two people agree on about a list: withdrawing an entry, redacting one, and changing what the list asks for."""

from typing import TYPE_CHECKING, Any

from staydown_hub.lists import queries, services
from staydown_hub.lists.errors import NotCarriedByError, NotConfirmedError, UnknownListError
from staydown_hub.lists.jobs import vacuum_entries
from staydown_hub.lists.models import SharedList
from staydown_hub.organisations import four_eyes
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.four_eyes import Approved, Executor, Payload, Result
from staydown_hub.rules.admission import ListRule

if TYPE_CHECKING:
    from staydown_hub.organisations.models import Proposal


def propose_withdrawal(actor: Actor, *, shared_list: SharedList, position: int, reason: str) -> "Proposal":
    """Propose to withdraw the entry there. Raises as ``services.withdraw_entry`` and ``four_eyes.propose`` do."""
    payload = {"list": shared_list.slug, "position": position, "reason": reason}
    subject = _subject(shared_list, position)
    return four_eyes.propose(actor, act="withdraw entry", subject=subject, payload=payload)


def propose_redaction(actor: Actor, *, shared_list: SharedList, position: int, reason: str) -> "Proposal":
    """Propose to erase what the list says about the item. Raises as ``services.redact`` and ``four_eyes.propose``."""
    payload = {"list": shared_list.slug, "position": position, "reason": reason}
    subject = _subject(shared_list, position)
    return four_eyes.propose(actor, act="redact entry", subject=subject, payload=payload)


def propose_rule(actor: Actor, *, shared_list: SharedList, rule: ListRule) -> "Proposal":
    """Propose what a list shall ask for from now on. Raises BadRuleError, and as ``four_eyes.propose`` does."""
    payload = {
        "list": shared_list.slug,
        "minimum_organisations": rule.minimum_organisations,
        "minimum_votes": rule.minimum_votes,
        "required_kinds": sorted(rule.required_kinds),
        "codes": sorted(rule.codes),
    }
    return four_eyes.propose(actor, act="change rule", subject=f"list:{shared_list.slug}", payload=payload)


def register() -> None:
    """Say how these acts are carried out."""
    four_eyes.register("change rule", Executor(check=_check_rule, carry_out=_change_rule))
    four_eyes.register("withdraw entry", Executor(check=_check_withdrawal, carry_out=_withdraw))
    four_eyes.register("redact entry", Executor(check=_check_redaction, carry_out=_redact))


def _rule_of(payload: Payload) -> ListRule:
    return ListRule(
        minimum_organisations=int(payload["minimum_organisations"]),
        required_kinds=frozenset(payload["required_kinds"]),
        codes=frozenset(payload["codes"]),
        minimum_votes=int(payload["minimum_votes"]),
    )


def _check_rule(_actor: Actor | None, payload: Payload) -> None:
    services.check_rule(_list_of(payload), _rule_of(payload))


def _change_rule(agreed: Approved) -> Result:
    services.change_rule(agreed.approver, shared_list=_list_of(agreed.payload), rule=_rule_of(agreed.payload))
    return {"list": str(agreed.payload["list"])}


def _subject(shared_list: SharedList, position: int) -> str:
    return f"entry:{shared_list.slug}/{position}"


def _list_of(payload: Payload) -> SharedList:
    found = queries.list_called(str(payload["list"]))
    if found is None:
        raise UnknownListError
    return found


def _check_withdrawal(actor: Actor | None, payload: Payload) -> None:
    if actor is None:
        raise NotCarriedByError
    services.check_withdrawal(actor, shared_list=_list_of(payload), position=int(payload["position"]))


def _withdraw(agreed: Approved) -> Result:
    if agreed.proposer is None:
        raise NotCarriedByError
    entry = services.withdraw_entry(agreed.proposer, shared_list=_list_of(agreed.payload), **_where(agreed.payload))
    return {"position": entry.position, "item": str(entry.item_id)}


def _check_redaction(_actor: Actor | None, payload: Payload) -> None:
    services.check_redaction(shared_list=_list_of(payload), position=int(payload["position"]))


def _redact(agreed: Approved) -> Result:
    both = [one for one in (agreed.proposer, agreed.approver) if one is not None]
    confirmed_by = [_confirmation(one) for one in both]
    entry = services.redact(
        shared_list=_list_of(agreed.payload),
        confirmed_by=confirmed_by,
        source=agreed.approver.source,
        **_where(agreed.payload),
    )
    # What was erased shall not lie about in the table's file.
    vacuum_entries.defer()
    return {"position": entry.position, "item": str(entry.item_id)}


def _where(payload: Payload) -> dict[str, Any]:
    return {"position": int(payload["position"]), "reason": str(payload["reason"])}


def _confirmation(actor: Actor) -> services.Confirmation:
    if actor.person is None:
        raise NotConfirmedError
    return services.Confirmation(person=actor.person, organisation=actor.organisation)
