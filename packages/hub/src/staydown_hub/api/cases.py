"""Whether an item's victim is identified, and which unit holds the case: said and read by police alone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import AfterValidator, Field

from staydown_hub.api.access import Key, actor, caller, forbidden
from staydown_hub.api.errors import not_found
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Strict
from staydown_hub.identification import services
from staydown_hub.identification.errors import NotForThisKindError
from staydown_hub.registry import queries
from staydown_hub.rules.identification import MAX_REFERENCE_CHARACTERS, Status, check_reference, may_see_cases

router = Router(tags=["cases"])

CaseReference = Annotated[str, Field(max_length=MAX_REFERENCE_CHARACTERS), AfterValidator(check_reference)]


class CaseForm(Strict):
    """What the caller's unit says; `reference` is its own file number, no name."""

    status: Status
    reference: CaseReference = ""


class CaseAnswer(Strict):
    """What is known; all null where no unit said anything."""

    status: Status | None
    unit: str | None
    reference: str | None
    at: datetime | None


@router.get("/items/{uuid:item}/case", auth=Key("assess"), response=answers(has_body=False, s200=CaseAnswer))
def show_case(request: HttpRequest, item: UUID) -> CaseAnswer:
    """Show whether the item's victim is identified, and the unit that holds the case. Police only; on record."""
    _check(request, item)
    found = services.read_case(actor(request), item_id=item)
    if found is None:
        return CaseAnswer(status=None, unit=None, reference=None, at=None)
    return CaseAnswer(status=found.status, unit=found.unit_slug, reference=found.reference, at=found.at)


@router.post("/items/{uuid:item}/case", auth=Key("assess"), response=answers(has_body=True, s200=CaseAnswer))
def state_case(request: HttpRequest, item: UUID, case: CaseForm) -> CaseAnswer:
    """Say whether the item's victim is identified: the caller's unit holds the case from now on. Police only."""
    _check(request, item)
    said = services.state_case(actor(request), item_id=item, status=case.status, reference=case.reference)
    unit = caller(request).organisation.slug
    return CaseAnswer(status=case.status, unit=unit, reference=case.reference, at=said.at)


def _check(request: HttpRequest, item: UUID) -> None:
    who = caller(request)
    if not may_see_cases(who.organisation.kind):
        raise forbidden(who, route=request.path, message=str(NotForThisKindError()))
    if queries.item(item) is None:
        raise not_found()
