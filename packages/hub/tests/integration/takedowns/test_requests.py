"""Requests as the lists change: opened once a sighting, addressed, withdrawn and renewed."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from staydown_hub.audit.queries import records_about
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.services import withdraw_entry
from staydown_hub.organisations import services as organisations
from staydown_hub.organisations.models import Organisation
from staydown_hub.registry.sightings import address_of
from staydown_hub.takedowns import jobs, queries, services
from staydown_hub.takedowns.models import Check, Request, Transition

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, report
from packages.hub.tests.integration.takedowns.conftest import (
    CONTACT,
    events_of,
    let_time_pass,
    only_request,
    work,
)
from packages.hub.tests.integration.takedowns.hosts import Host
from packages.hub.tests.integration.takedowns.mailbox import Mailbox

URL = "https://host.example/a.jpg"


def jobs_of(request: Request) -> list[dict[str, Any]]:
    rows = ProcrastinateJob.objects.filter(args__request_id=str(request.pk)).order_by("id")
    return list(rows.values("task_name", "status", "scheduled_at", "args"))


def withdraw(cast: Cast, *, position: int = 0) -> None:
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=position, reason="a mistake")


def test_nothing_is_asked_before_the_admission(cast: Cast, harbour: Organisation) -> None:
    del harbour
    report(cast.support_centre, "a", code="TEST", urls=[URL])
    assert not Request.objects.exists()


def test_an_admission_asks_wherever_the_item_was_seen(cast: Cast, harbour: Organisation) -> None:
    admitted_item(cast, "a", urls=[URL, "https://cdn.host.example/b.jpg", "https://nobody.example/c.jpg"])
    found = {request.sighting.host: request for request in queries.requests()}
    assert found["host.example"].recipient == found["cdn.host.example"].recipient == harbour
    assert found["host.example"].contact == CONTACT
    assert found["host.example"].state == found["cdn.host.example"].state == "open"
    assert (found["nobody.example"].state, found["nobody.example"].recipient) == ("unaddressed", None)
    assert events_of(found["host.example"]) == ["opened", "addressed"]


def test_the_job_is_written_with_the_request(cast: Cast, harbour: Organisation) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    request = only_request()
    last = jobs_of(request)[-1]
    assert last["task_name"].endswith("send_request_mail")
    assert (last["status"], last["scheduled_at"]) == ("todo", None)
    assert request.due_at
    assert last["args"] == {"request_id": str(request.pk), "due_at": request.due_at.isoformat()}


def test_neither_request_nor_job_is_left_of_an_admission_that_fails(cast: Cast, harbour: Organisation) -> None:
    del harbour
    report(cast.support_centre, "a", code="TEST", urls=[URL])
    with transaction.atomic():
        assess(cast.police, "a", code="TEST")
        assert Request.objects.exists()
        transaction.set_rollback(True)
    assert not Request.objects.exists()
    assert not ProcrastinateJob.objects.exists()


def test_a_sighting_is_asked_about_once(cast: Cast, harbour: Organisation) -> None:
    del harbour
    item = admitted_item(cast, "a", urls=[URL])
    before = only_request()
    report(cast.monitor, "a", urls=[URL])
    assert services.open_requests(cast.police.actor, item_id=item.pk) == 0
    assert events_of(only_request()) == events_of(before)


def test_a_new_sighting_of_an_admitted_item_is_asked_about(cast: Cast, harbour: Organisation) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    report(cast.monitor, "a", urls=["https://host.example/again.jpg"])
    assert Request.objects.filter(state="open").count() == 2


def test_every_step_is_audited_without_the_address(cast: Cast, harbour: Organisation) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    request = only_request()
    records = list(records_about(f"request:{request.pk}"))
    assert [record.act for record in reversed(records)] == ["request opened", "request addressed"]
    assert all(record.organisation == cast.police.organisation.pk for record in records)
    assert all("host.example" not in record.detail for record in records)


def test_a_withdrawal_before_the_notice_needs_no_mail(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    withdraw(cast)
    request = only_request()
    assert (request.state, request.due_at) == ("cancelled", None)
    assert mailbox.letters == []


def test_a_withdrawal_after_the_notice_is_told(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    notified = work(only_request())
    withdraw(cast)
    assert only_request().state == "retracting"
    assert work(only_request()).state == "cancelled"
    notice, retraction = mailbox.letters
    assert retraction.recipients == [CONTACT]
    assert "is withdrawn" in retraction.message["Subject"]
    assert URL in retraction.text
    assert retraction.message["In-Reply-To"] == notice.message_id != retraction.message_id
    assert notified.notified_at
    assert only_request().notified_at is None


def test_an_item_admitted_again_is_asked_about_again(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    work(only_request())
    withdraw(cast)
    work(only_request())
    assess(cast.police, "a", code="TEST")
    assert work(only_request()).state == "sent"
    first, _, second = mailbox.letters
    assert first.message_id != second.message_id


def test_an_item_admitted_again_before_the_retraction_went_out_is_asked_about_again(
    cast: Cast, harbour: Organisation, mailbox: Mailbox
) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    work(only_request())
    withdraw(cast)
    assess(cast.police, "a", code="TEST")
    assert only_request().state == "open"
    withdraw(cast, position=2)
    assert only_request().state == "retracting"
    assert work(only_request()).state == "cancelled"
    assert ["withdrawn" in letter.message["Subject"] for letter in mailbox.letters] == [False, True]


def test_a_contact_that_comes_into_the_directory_is_found(cast: Cast, mailbox: Mailbox, host: Host) -> None:
    admitted_item(cast, "a", urls=[host.url()])
    assert work(only_request()).state == "unaddressed"
    organisations.make_organisation(
        slug="late", name="Late Hosting", kind="platform", domains=["127.0.0.1"], abuse_mail="late@host.example"
    )
    assert work(only_request()).state == "open"
    assert work(only_request()).state == "sent"
    assert mailbox.letters[0].recipients == ["late@host.example"]


def test_an_organisation_without_a_contact_is_nobody_to_ask(cast: Cast) -> None:
    organisations.make_organisation(slug="mute", name="Mute", kind="platform", domains=["host.example"])
    admitted_item(cast, "a", urls=[URL])
    assert only_request().state == "unaddressed"


def test_gone_is_seen_and_a_return_is_noticed(cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host) -> None:
    del harbour
    admitted_item(cast, "a", urls=[host.url()])
    assert work(only_request()).state == "sent"
    assert work(only_request()).state == "sent"
    host.answers |= {"HEAD": 404, "GET": 404}
    gone = work(only_request())
    assert gone.state == "gone"
    assert gone.due_at
    assert gone.due_at - gone.changed_at == timedelta(hours=1)
    still_gone = work(gone)
    assert still_gone.due_at
    assert timedelta(days=1) <= still_gone.due_at - still_gone.changed_at < timedelta(days=1, minutes=1)

    host.answers |= {"HEAD": 200, "GET": 200}
    assert work(only_request()).state == "returned"
    again = work(only_request())
    assert again.state == "sent"
    assert len({letter.message_id for letter in mailbox.letters}) == 2
    assert list(Check.objects.order_by("pk").values_list("outcome", "status")) == [
        ("up", 200),
        ("gone", 404),
        ("gone", 404),
        ("up", 200),
    ]
    assert queries.notices_sent() == 2
    assert queries.removed() == 0


@pytest.mark.parametrize(("status", "outcome"), [(302, "moved"), (403, "unclear"), (500, "unclear")])
def test_what_is_not_seen_gone_changes_nothing(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host, status: int, outcome: str
) -> None:
    del harbour, mailbox
    admitted_item(cast, "a", urls=[host.url()])
    work(only_request())
    host.answers |= {"HEAD": status, "GET": status}
    assert work(only_request()).state == "sent"
    assert Check.objects.get().outcome == outcome


def test_an_address_inside_is_never_asked(cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host) -> None:
    del harbour, mailbox
    admitted_item(cast, "a", urls=[f"http://10.0.0.1:{host.port}/", f"http://localhost:{host.port}/x"])
    for request in Request.objects.order_by("pk"):
        work(request)
        assert request.state == "unaddressed"
    assert Check.objects.filter(outcome="refused").count() == 1  # localhost is within what this test allows
    assert len(host.asked) == 1


def test_the_deadline_passes_and_the_checks_go_on(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host
) -> None:
    del harbour, mailbox
    admitted_item(cast, "a", urls=[host.url()])
    sent = work(only_request())
    assert sent.deadline_at
    assert timedelta(hours=47, minutes=59) < sent.deadline_at - timezone.now() <= timedelta(hours=48)
    let_time_pass(sent)
    overdue = work(only_request())
    assert (overdue.state, overdue.deadline_at is not None) == ("overdue", True)
    host.answers |= {"HEAD": 410, "GET": 410}
    gone = work(only_request())
    assert (gone.state, gone.deadline_at) == ("gone", None)


def test_a_job_that_comes_late_or_twice_does_nothing(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host
) -> None:
    del harbour
    admitted_item(cast, "a", urls=[host.url()])
    request = only_request()
    assert request.due_at
    old = {"request_id": str(request.pk), "due_at": request.due_at.isoformat()}
    work(request)
    jobs.send_request_mail(**old)
    jobs.recheck_request(**old)
    assert len(mailbox.letters) == 1
    assert host.asked == []


def test_a_check_that_was_under_way_during_a_withdrawal_is_kept_and_changes_nothing(
    cast: Cast, harbour: Organisation, mailbox: Mailbox
) -> None:
    del harbour, mailbox
    admitted_item(cast, "a", urls=[URL])
    request = work(only_request())
    withdraw(cast)
    services.note_check(request.pk, outcome="gone", status=404)
    assert only_request().state == "retracting"
    assert Check.objects.count() == 1


def test_lost_jobs_are_found_and_written_again(cast: Cast, harbour: Organisation) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    request = only_request()
    ProcrastinateJob.objects.all()._raw_delete("default")  # past the read-only model
    now = timezone.now()
    assert services.find_lost(now=now) == 0
    assert services.find_lost(now=now + timedelta(minutes=2)) == 1
    assert services.find_lost(now=now + timedelta(minutes=2)) == 1  # still not done; there is one job all the same
    assert len(jobs_of(request)) == 1


def test_figures(cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host) -> None:
    del harbour, mailbox
    assert queries.median_seconds_to_removal() is None
    admitted_item(cast, "a", urls=[host.url("/a"), host.url("/b"), "https://nobody.example/"])
    for request in Request.objects.filter(state="open"):
        work(request)
    host.answers |= {"HEAD": 404, "GET": 404}
    work(Request.objects.filter(state="sent").earliest("pk"))
    assert queries.counts_by_state() == {"gone": 1, "sent": 1, "unaddressed": 1}
    assert (queries.notices_sent(), queries.removed()) == (2, 1)
    median_s = queries.median_seconds_to_removal()
    assert median_s is not None
    assert 0 < median_s < 60


def test_what_was_gone_before_its_notice_does_not_shorten_the_median(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host
) -> None:
    del harbour, mailbox
    admitted_item(cast, "a", urls=[host.url("/a")])
    host.answers |= {"HEAD": 404, "GET": 404}
    request, at = only_request(), timezone.now()
    steps = (("seen_gone", "gone"), ("seen_up", "returned"), ("notice_sent", "sent"))
    with transaction.atomic():
        for number, (event, reached) in enumerate(steps):
            begun = request.state
            Request.objects.filter(pk=request.pk).update(state=reached)
            moment = at + timedelta(seconds=number)
            Transition.objects.create(
                request=request, event=event, from_state=begun, to_state=reached, by="worker", at=moment
            )
            request.refresh_from_db()
    assert queries.median_seconds_to_removal() is None


def test_no_mail_goes_to_an_address_that_only_a_reporter_named(cast: Cast, harbour: Organisation) -> None:
    """Whoever may only report must not choose whom the hub writes to."""
    del harbour
    item = admitted_item(cast, "a")
    urls = [f"https://host.example/{number}" for number in range(3)]
    report(cast.platform, "a", urls=urls)
    report(cast.another_platform, "a", urls=urls)
    assert not Request.objects.exists()
    report(cast.monitor, "a", urls=urls[1:2])
    assert [address_of(request.sighting) for request in queries.requests_of_item(item.pk)] == urls[1:2]
    report(cast.monitor, "a", urls=urls[1:2])
    assert Request.objects.count() == 1


def test_a_recipient_gets_so_many_notices_an_hour_and_the_rest_waits(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    del harbour
    monkeypatch.setattr(services, "MAX_NOTICES_AN_HOUR", 2)
    admitted_item(cast, "a", urls=[f"https://host.example/{number}" for number in range(3)])
    states = sorted(work(request).state for request in Request.objects.all())
    assert states == ["open", "sent", "sent"]
    assert len(mailbox.letters) == 2
    waiting = Request.objects.get(state="open")
    first = Transition.objects.filter(event="sending_begun").earliest("at").at
    assert waiting.due_at == first + timedelta(hours=1)
    assert jobs_of(waiting)[-1]["scheduled_at"] == waiting.due_at
    monkeypatch.setattr(services, "_HOUR", timedelta(0))
    assert work(waiting).state == "sent"
