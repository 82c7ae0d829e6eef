"""Assessing an item that somebody reported."""

from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key, actor, caller
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import ItemAnswer, JudgementForm, OneFile, standing_form
from staydown_hub.registry import services

router = Router(tags=["assessments"])


class AssessmentForm(JudgementForm, OneFile):
    """An item's fingerprints and the caller's judgement of it."""


@router.post("/assessments", auth=Key("assess"), response=answers(has_body=True, s200=ItemAnswer))
def make_assessment(request: HttpRequest, assessment: AssessmentForm) -> ItemAnswer:
    """Assess an item found by its fingerprints; `unknown_item` (404) when nobody reported it yet."""
    item = services.assess_item(
        actor(request),
        kind=assessment.kind,
        fingerprints=assessment.plain(),
        code=assessment.code,
        scheme=assessment.scheme,
    )
    return ItemAnswer(item=item.pk, standing=standing_form(item.pk, who=caller(request)))
