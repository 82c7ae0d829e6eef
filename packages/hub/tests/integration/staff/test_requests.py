"""The requests' pages: by state, each with its steps and checks; a host sees its own, and where while asked."""

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.rules.takedown import EVENTS, MEANING, OUTCOMES, STATES, Event, Outcome, State
from staydown_hub.staff.queries.requests import ASKED
from staydown_hub.staff.templatetags.staff import told_event, told_outcome
from staydown_hub.takedowns import services, steps
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.staff.conftest import Browser, request_of


@pytest.fixture
def request_to_platform(cast: Cast) -> Request:
    return request_of(cast, "platform")


# How a request that is open comes into each state.
WAYS: dict[State, tuple[Event, ...]] = {
    "unaddressed": ("undeliverable",),
    "open": (),
    "sending": ("sending_begun",),
    "sent": ("sending_begun", "notice_sent"),
    "overdue": ("sending_begun", "notice_sent", "deadline_passed"),
    "gone": ("sending_begun", "notice_sent", "seen_gone"),
    "returned": ("sending_begun", "notice_sent", "seen_gone", "seen_up"),
    "retracting": ("sending_begun", "notice_sent", "withdrawn"),
    "cancelled": ("withdrawn",),
}


def bring(request: Request, state: State, *, cast: Cast) -> None:
    """Have an open request take the steps that lead into a state."""
    at = timezone.now()
    for event in WAYS[state]:
        with transaction.atomic():
            locked = steps.lock_request(request.pk)
            assert locked is not None
            actor = cast.police.actor if event == "withdrawn" else None
            changes = {"notified_at": at} if event == "notice_sent" else {}
            steps.take_step(locked, event, at=at, actor=actor, **changes)


def shown(page: str) -> list[str]:
    return re.findall(r'<th role="rowheader" scope="row"[^>]*><a class="sd-id" href="/requests/([^/]+)/"', page)


def told(page: str) -> list[str]:
    """Return the timeline of a page, as text, an event a line."""
    events = re.findall(r"<li>(.*?)<div><time", page[page.index("sd-timeline") :], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", event).split()) for event in events]


def checks_in(page: str) -> list[tuple[str, str]]:
    """Return what a page's table of checks says was seen, and with which status."""
    return re.findall(r'data-label="Seen">(.*?)</td>\s*<td[^>]*>(.*?)</td>', page)


def test_who_sees_items_sees_all_and_a_host_its_own(browser: Browser, cast: Cast) -> None:
    ours, theirs = request_of(cast, "platform"), request_of(cast, "another_platform")
    for name, expected in (
        ("police", {str(ours.pk), str(theirs.pk)}),
        ("oversight", {str(ours.pk), str(theirs.pk)}),
        ("platform", {str(ours.pk)}),
        ("another_platform", {str(theirs.pk)}),
        ("carrier", set()),
    ):
        assert set(shown(browser(name).get("/requests/").content.decode())) == expected, name


def test_newest_first_and_by_state(browser: Browser, cast: Cast) -> None:
    first, second = request_of(cast, "platform", path="1"), request_of(cast, "platform", path="2")
    bring(second, "sent", cast=cast)
    client = browser("platform")
    assert shown(client.get("/requests/").content.decode()) == [str(second.pk), str(first.pk)]
    assert shown(client.get("/requests/?state=sent").content.decode()) == [str(second.pk)]
    assert shown(client.get("/requests/?state=open").content.decode()) == [str(first.pk)]
    assert "No request is overdue now" in client.get("/requests/?state=overdue").content.decode()


@pytest.mark.parametrize("value", ["nonsense", "SENT", "<b>"])
def test_an_unknown_state_is_not_understood(browser: Browser, value: str) -> None:
    assert browser("police").get("/requests/", {"state": value}).status_code == 400


def test_nothing_asked_yet_says_what_will_be(browser: Browser) -> None:
    assert "once the item is on a list" in browser("police").get("/requests/").content.decode()
    assert "Nothing has been asked of your organisation" in browser("platform").get("/requests/").content.decode()


def test_a_request_tells_every_step_and_each_change_newest_first(
    browser: Browser, cast: Cast, request_to_platform: Request
) -> None:
    bring(request_to_platform, "sent", cast=cast)
    seen: list[tuple[Outcome, int | None]] = [
        ("up", 200),
        ("up", 200),
        ("unreachable", None),
        ("gone", 404),
        ("gone", 410),
    ]
    for outcome, status in seen:
        services.note_check(request_to_platform.pk, outcome=outcome, status=status)
    page = browser("platform").get(f"/requests/{request_to_platform.pk}/").content.decode()
    assert told(page) == [
        "Seen gone. gone",
        "Looked: gone (HTTP status 404).",
        "Looked: unreachable.",
        "Looked: still there (HTTP status 200).",
        "Notice sent. sent",
        "Sending the notice. sending",
        "Recipient found, Platform. open",
        "Opened. unaddressed",
    ]
    assert MEANING["gone"] in page
    assert checks_in(page) == [
        ("gone", "410"),
        ("gone", "404"),
        ("unreachable", "none"),
        ("still there", "200"),
        ("still there", "200"),
    ]


def test_an_item_tells_what_was_asked_about_it(browser: Browser, cast: Cast, request_to_platform: Request) -> None:
    bring(request_to_platform, "sent", cast=cast)
    services.note_check(request_to_platform.pk, outcome="up", status=200)
    page = browser("police").get(f"/items/{request_to_platform.sighting.item_id}/").content.decode()
    assert told(page)[:5] == [
        "Looked at platform.example: still there (HTTP status 200).",
        "Request for platform.example: notice sent. sent",
        "Request for platform.example: sending the notice. sending",
        "Request for platform.example: recipient found, Platform. open",
        "Request for platform.example: opened, after an act of Police. unaddressed",
    ]
    assert page.count(f'href="/requests/{request_to_platform.pk}/"') == 6


def test_a_host_is_not_told_which_member_acted(browser: Browser, request_to_platform: Request) -> None:
    address = f"/requests/{request_to_platform.pk}/"
    assert "after an act of Police" in browser("police").get(address).content.decode()
    assert "Police" not in browser("platform").get(address).content.decode()


def test_a_request_that_nobody_answers_for_says_so(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "seen", urls=["https://unknown.example/seen.jpg"])
    services.open_requests(cast.police.actor, item_id=item.pk)
    request = Request.objects.get()
    page = browser("police").get(f"/requests/{request.pk}/").content.decode()
    assert MEANING["unaddressed"] in page
    assert "nobody" in page
    home = browser("police").get("/").content.decode()
    assert shown(home) == [str(request.pk)]


@pytest.mark.parametrize("state", STATES)
def test_a_host_sees_the_address_while_it_must_act(
    browser: Browser, cast: Cast, request_to_platform: Request, state: State
) -> None:
    bring(request_to_platform, state, cast=cast)
    client, address = browser("platform"), f"/requests/{request_to_platform.pk}/"
    is_asked = state in ASKED
    assert ("Show address" in client.get(address).content.decode()) == is_asked
    answer = client.post(address, {"sighting": str(request_to_platform.sighting_id)})
    assert answer.status_code == (200 if is_asked else 403)
    assert ("<bdi>https://platform.example/seen.jpg</bdi>" in answer.content.decode()) == is_asked
    acts = AuditRecord.objects.filter(act="address shown", subject=f"sighting:{request_to_platform.sighting_id}")
    assert acts.count() == is_asked
    assert all(str(request_to_platform.pk) in act.detail for act in acts)


def test_another_s_address_is_not_shown(browser: Browser, cast: Cast, request_to_platform: Request) -> None:
    theirs = request_of(cast, "another_platform")
    form = {"sighting": str(theirs.sighting_id)}
    assert browser("platform").post(f"/requests/{theirs.pk}/", form).status_code == 404
    assert browser("platform").post(f"/requests/{request_to_platform.pk}/", form).status_code == 404
    assert browser("oversight").post(f"/requests/{theirs.pk}/", form).status_code == 403
    assert not AuditRecord.objects.filter(act="address shown").exists()


def test_home_shows_a_host_what_is_asked_of_it(browser: Browser, cast: Cast) -> None:
    asked, done = request_of(cast, "platform", path="1"), request_of(cast, "platform", path="2")
    bring(done, "sent", cast=cast)
    services.note_check(done.pk, outcome="gone", status=410)
    home = browser("platform").get("/").content.decode()
    assert shown(home) == [str(asked.pk)]
    assert "Nothing is asked of your organisation now" in browser("another_platform").get("/").content.decode()


def test_a_page_of_requests_costs_the_same_for_one_and_for_many(browser: Browser, cast: Cast) -> None:
    costs = []
    for count in (1, 10):
        for number in range(count):
            request_of(cast, "platform", path=f"{count} {number}".replace(" ", "-"))
        for address in ("/requests/", "/"):
            client = browser("police")
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            costs.append(len(captured))
    assert costs[:2] == costs[2:]
    assert max(costs) <= 20


def test_a_request_costs_the_same_with_many_checks(browser: Browser, cast: Cast, request_to_platform: Request) -> None:
    bring(request_to_platform, "sent", cast=cast)
    costs, page = [], ""
    for count in (1, 60):
        for _ in range(count):
            services.note_check(request_to_platform.pk, outcome="up", status=200)
        client = browser("police")
        with CaptureQueriesContext(connection) as captured:
            page = client.get(f"/requests/{request_to_platform.pk}/").content.decode()
        costs.append(len(captured))
    assert costs[1] <= costs[0] <= 11
    assert "1 to 50 of 61 checks" in page
    assert len(told(page)) == 5  # that it is still there is told once


def test_there_are_words_for_every_event_and_outcome() -> None:
    assert len({told_event(event) for event in EVENTS}) == len(EVENTS)
    assert len({told_outcome(outcome) for outcome in OUTCOMES}) == len(OUTCOMES)
