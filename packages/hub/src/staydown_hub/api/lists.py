"""The lists that the caller receives, and proposing to withdraw an entry from one."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest
from ninja import Router, Status

from staydown_hub.api.access import Key, actor, caller, forbidden, note_refusal
from staydown_hub.api.errors import not_found
from staydown_hub.api.proposals import ProposalAnswer
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Position, Reason, Strict
from staydown_hub.lists import proposed, queries
from staydown_hub.lists.errors import NotCarriedByError

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList

router = Router(tags=["lists"])


class ListForm(Strict):
    """A list by its names, the number of entries in its log, and what that is called and verified by.

    ``origin`` and ``keys`` are empty until the feed has opened the log.
    """

    slug: str
    name: str
    size: int
    origin: str
    keys: list[str]


class ListsAnswer(Strict):
    """The lists in whose audience the caller is."""

    lists: list[ListForm]


class WithdrawalForm(Strict):
    """The position of the entry to withdraw, and why; the reason stays with the members."""

    position: Position
    reason: Reason


@router.get("/lists", auth=Key("filter", "read"), response=answers(has_body=False, s200=ListsAnswer))
def show_lists(request: HttpRequest) -> ListsAnswer:
    """Name the lists that the caller receives."""
    who = caller(request)
    rows = queries.lists_followed_by(kind=who.organisation.kind, scopes=who.scopes)
    return ListsAnswer(
        lists=[
            ListForm(slug=row.slug, name=row.name, size=row.size, origin=row.origin, keys=list(row.keys))
            for row in rows
        ]
    )


@router.post(
    "/lists/{slug:slug}/withdrawals", auth=Key("withdraw"), response=answers(has_body=True, s202=ProposalAnswer)
)
def withdraw(request: HttpRequest, slug: str, withdrawal: WithdrawalForm) -> Status[ProposalAnswer]:
    """Propose to withdraw an entry that the caller's assessment carried; once another agrees, that becomes NONE.

    A supervisor agrees on the pages, or another organisation's key by `POST proposals/{proposal}/approval`.
    """
    shared_list = _list_of_caller(request, slug)
    try:
        made = proposed.propose_withdrawal(
            actor(request), shared_list=shared_list, position=withdrawal.position, reason=withdrawal.reason
        )
    except NotCarriedByError as error:
        raise forbidden(caller(request), route=request.path, message=str(error)) from None
    return Status(HTTPStatus.ACCEPTED, ProposalAnswer.of(made))


def _list_of_caller(request: HttpRequest, slug: str) -> "SharedList":
    found = queries.list_called(slug)
    if found is None:
        raise not_found()
    if caller(request).organisation.kind not in found.audience_kinds:
        note_refusal(caller(request), route=request.path, status=HTTPStatus.NOT_FOUND)
        raise not_found()
    return found
