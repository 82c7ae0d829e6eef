"""A person of each organisation of the cast, with a browser of their own."""

from collections.abc import Callable

import pytest
from django.test import Client
from staydown_hub.organisations.models import Organisation, Person
from staydown_hub.takedowns import services
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item

Browser = Callable[[str], Client]


def person_of(cast: Cast, name: str) -> Person:
    """Return the person of a member, made without the cost of a password."""
    organisation = cast.member(name).organisation
    email = f"person@{name.replace('_', '-')}.example"
    return Person.objects.get_or_create(email=email, defaults={"organisation": organisation})[0]


@pytest.fixture
def browser(cast: Cast) -> Browser:
    """Open the browser of a member's person, signed in; ``browser("nobody")`` is signed in as nobody."""

    def open_browser(name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(person_of(cast, name), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return open_browser


def request_of(cast: Cast, name: str, *, path: str = "seen.jpg") -> Request:
    """Return a request to a member, about an item that was admitted and seen at the member's host."""
    host = f"{name.replace('_', '-')}.example"
    organisation = cast.member(name).organisation
    Organisation.objects.filter(pk=organisation.pk).update(domains=[host], abuse_mail=f"abuse@{host}")
    item = admitted_item(cast, f"{name} {path}", urls=[f"https://{host}/{path}"])
    services.open_requests(cast.police.actor, item_id=item.pk)
    return Request.objects.select_related("sighting").get(sighting__item=item)
