"""A person of each organisation of the cast, with a browser of their own."""

from collections.abc import Callable

import pytest
from django.test import Client
from staydown_hub.organisations.models import Person

from packages.hub.tests.cast import Cast

Browser = Callable[[str], Client]


def person_of(cast: Cast, name: str) -> Person:
    """Return the person of a member, made without the cost of a password."""
    organisation = cast.member(name).organisation
    email = f"person@{name.replace('_', '-')}.example"
    return Person.objects.get_or_create(email=email, defaults={"organisation": organisation})[0]


@pytest.fixture
def browser(cast: Cast) -> Browser:
    """Gives the browser of a member's person, signed in; ``browser("nobody")`` is signed in as nobody."""

    def open_browser(name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(person_of(cast, name), backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return open_browser
