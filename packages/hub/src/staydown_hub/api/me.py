"""Whose key this is, and where its feed is."""

from django.conf import settings
from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key, caller
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Strict

router = Router(tags=["me"])


class OrganisationForm(Strict):
    """An organisation by its names and kind."""

    slug: str
    name: str
    kind: str


class MeAnswer(Strict):
    """The caller's organisation, what its key may do, and the address of the feed."""

    organisation: OrganisationForm
    scopes: list[str]
    feed_url: str


@router.get("/me", auth=Key(), response=answers(has_body=False, s200=MeAnswer))
def me(request: HttpRequest) -> MeAnswer:
    """Tell whose key this is, what it may do, and where its feed is."""
    who = caller(request)
    return MeAnswer(
        organisation=OrganisationForm(
            slug=who.organisation.slug, name=who.organisation.name, kind=who.organisation.kind
        ),
        scopes=sorted(who.scopes),
        feed_url=settings.FEED_URL,
    )
