"""Behind a proxy the real caller and scheme count; without one, nobody can lend themselves either."""

from ipaddress import ip_network

import pytest
from allauth.account.adapter import get_adapter
from axes.helpers import get_client_ip_address
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings
from staydown_hub.config.proxies import trusted_proxies

OWN = "10.0.0.7"


@pytest.fixture(autouse=True)
def proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXY = (ip_network("10.0.0.0/24"), ip_network("fd00::/8"))


def seen(*, remote: str, **headers: str) -> tuple[str | None, bool]:
    """Return whom a request comes from and whether it is secure, as all that counts callers sees it."""
    found: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(request)
        return HttpResponse()

    trusted_proxies(view)(RequestFactory().get("/", REMOTE_ADDR=remote, headers={**headers}))
    [request] = found
    addresses = {
        str(request.META["REMOTE_ADDR"]),
        str(get_client_ip_address(request)),
        get_adapter().get_client_ip(request),
    }
    [address] = addresses
    return address, request.is_secure()


@pytest.mark.parametrize(
    ("remote", "chain", "scheme", "caller", "is_secure"),
    [
        (OWN, "203.0.113.5", "https", "203.0.113.5", True),
        (OWN, "203.0.113.5", "http", "203.0.113.5", False),
        (OWN, "198.51.100.1, 203.0.113.5", "https", "203.0.113.5", True),
        (OWN, "203.0.113.5, 10.0.0.8", "https", "203.0.113.5", True),
        (OWN, "203.0.113.5", "https, http", "203.0.113.5", False),
        ("fd00::1", "2001:db8::5", "https", "2001:db8::5", True),
        (OWN, "nonsense", "https", OWN, True),
        (OWN, "", "", OWN, False),
        ("203.0.113.9", "198.51.100.1", "https", "203.0.113.9", False),
    ],
)
def test_who_asks_and_how(*, remote: str, chain: str, scheme: str, caller: str, is_secure: bool) -> None:
    headers = {"X-Forwarded-For": chain, "X-Forwarded-Proto": scheme}
    assert seen(remote=remote, **headers) == (caller, is_secure)


def test_nobody_is_trusted_unless_the_operator_says_so(settings: Settings) -> None:
    settings.TRUSTED_PROXY = ()
    headers = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https", "Staydown.Scheme": "https"}
    assert seen(remote=OWN, **headers) == (OWN, False)


@pytest.mark.django_db
@pytest.mark.parametrize(("remote", "is_sent"), [(OWN, True), ("203.0.113.9", False)])
def test_browsers_are_told_to_stay_with_https(settings: Settings, remote: str, is_sent: bool) -> None:  # noqa: FBT001
    settings.SECURE_HSTS_SECONDS = 1000
    answer = Client().get("/healthz", REMOTE_ADDR=remote, headers={"X-Forwarded-Proto": "https"})
    assert ("Strict-Transport-Security" in answer.headers) == is_sent
