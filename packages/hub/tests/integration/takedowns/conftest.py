"""A host with a contact in the directory, its mail server, and the items that were seen on it."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.utils import timezone
from pytest_django import Settings
from staydown_hub.organisations import services as organisations
from staydown_hub.organisations.models import Organisation
from staydown_hub.registry.sightings import digest_of
from staydown_hub.rules.addresses import parse_address
from staydown_hub.takedowns import jobs
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.integration.takedowns.hosts import Host, web_host
from packages.hub.tests.integration.takedowns.mailbox import Mailbox, mail_server

CONTACT = "abuse@harbour.example"


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """Run a mail server, and send the hub's mail to it."""
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = running.port
        settings.DEFAULT_FROM_EMAIL = "Staydown <notices@hub.example>"
        yield running


@pytest.fixture
def host(settings: Settings) -> Iterator[Host]:
    """Run a web host that checks may reach."""
    settings.CHECK_PRIVATE_ADDRESSES = (ip_network("127.0.0.0/8"),)
    with web_host() as running:
        yield running


@pytest.fixture
def harbour(cast: Cast) -> Organisation:
    """Let somebody with a contact answer for the host."""
    del cast
    return organisations.make_organisation(
        slug="harbour",
        name="Harbour Hosting",
        kind="platform",
        domains=["host.example", "127.0.0.1"],
        abuse_mail=CONTACT,
    )


def work(request: Request) -> Request:
    """Do what the worker would do now for one request; gives it as it is then."""
    request.refresh_from_db()
    assert request.due_at
    job = (
        jobs.send_request_mail
        if request.state in {"open", "sending", "returned", "retracting"}
        else jobs.recheck_request
    )
    job(request_id=str(request.pk), due_at=request.due_at.isoformat())
    request.refresh_from_db()
    return request


def request_at(url: str) -> Request:
    """Return the request about a sighting at this address."""
    return Request.objects.get(sighting__address_digest=digest_of(parse_address(url)))


def only_request() -> Request:
    return Request.objects.get()


def events_of(request: Request) -> list[str]:
    return list(request.transitions.order_by("pk").values_list("event", flat=True))


def let_time_pass(request: Request) -> None:
    """Let a request be due, and its deadline be over."""
    now = timezone.now()
    Request.objects.filter(pk=request.pk).update(due_at=now, deadline_at=now if request.deadline_at else None)
