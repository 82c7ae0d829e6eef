"""The mails that recipients get, over real SMTP."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from staydown_hub.organisations.models import Organisation
from staydown_hub.registry.models import Fingerprint
from staydown_hub.rules.addresses import parse_address
from staydown_hub.rules.takedown import FAILED_MAILS_UNTIL_STUCK
from staydown_hub.staff.queries.requests import waiting_on
from staydown_hub.staff.viewer import viewer_of

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.staff.conftest import person_of
from packages.hub.tests.integration.takedowns.conftest import CONTACT, events_of, only_request, request_at, work
from packages.hub.tests.integration.takedowns.hosts import Host
from packages.hub.tests.integration.takedowns.mailbox import Mailbox

URL = "https://host.example/a.jpg"


def test_a_notice_says_what_is_asked_and_no_more(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    item = admitted_item(cast, "a", urls=[URL, "https://host.example/other.jpg"])
    request = work(request_at(URL))
    [letter] = mailbox.letters
    assert letter.recipients == [CONTACT]
    assert letter.message["To"] == CONTACT
    assert letter.message["From"] == "Staydown <notices@hub.example>"
    assert letter.message["Subject"] == f"Removal request {request.pk}"
    assert letter.message["Auto-Submitted"] == "auto-generated"
    assert letter.message.get_content_type() == "text/plain"
    assert f"\n{URL}\n" in letter.text
    assert "other.jpg" not in letter.text
    assert harbour.name in letter.text
    assert str(request.pk) in letter.text
    assert request.deadline_at
    assert f"Please act by {request.deadline_at:%d %B %Y, %H:%M} UTC." in letter.text
    everything = letter.message.as_string()
    assert str(item.pk) not in everything
    for fingerprint in Fingerprint.objects.filter(item=item):
        assert bytes(fingerprint.value).hex() not in everything
    assert "police" not in everything.lower()


def test_the_message_id_is_of_the_request(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    request = work(only_request())
    assert mailbox.letters[0].message_id == f"<{request.pk}.1.notice@hub.example>"


def test_a_long_address_with_every_sign_arrives_whole(cast: Cast, harbour: Organisation, mailbox: Mailbox) -> None:
    del harbour
    url = "https://host.example/ü/" + "%0D%0ASubject:x" + "a=b&." * 300
    admitted_item(cast, "a", urls=[url])
    work(only_request())
    [letter] = mailbox.letters
    assert parse_address(url).text in letter.text
    assert letter.message.get_all("Subject") == [f"Removal request {only_request().pk}"]


@pytest.mark.parametrize("refusal", ["451 Try again later", "421 Too busy"])
def test_a_mail_that_fails_for_now_is_tried_again(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, refusal: str
) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    mailbox.refusal = refusal
    first = work(only_request())
    assert (first.state, first.failed_mails) == ("sending", 1)
    assert first.due_at
    second = work(only_request())
    assert second.due_at
    assert second.failed_mails == 2
    assert timedelta(seconds=55) < second.due_at - first.due_at + timedelta(seconds=30) < timedelta(seconds=90)
    mailbox.refusal = ""
    sent = work(only_request())
    assert (sent.state, sent.failed_mails) == ("sent", 0)
    assert events_of(sent) == ["opened", "addressed", "sending_begun", "notice_sent"]
    assert [letter.message_id for letter in mailbox.letters] == [f"<{sent.pk}.1.notice@hub.example>"]


def test_a_mail_server_that_is_away_is_waited_for(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, settings: Settings
) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    settings.EMAIL_PORT = 1
    assert work(only_request()).state == "sending"
    settings.EMAIL_PORT = mailbox.port
    assert work(only_request()).state == "sent"


def test_a_contact_that_refuses_for_good_is_not_tried_twice(
    cast: Cast, harbour: Organisation, mailbox: Mailbox
) -> None:
    admitted_item(cast, "a", urls=[URL])
    mailbox.refusal = "550 No such user here"
    refused = work(only_request())
    assert (refused.state, refused.refused_contact) == ("unaddressed", CONTACT)
    assert work(only_request()).state == "unaddressed"

    mailbox.refusal = ""
    harbour.abuse_mail = "desk@harbour.example"
    harbour.save()
    assert work(only_request()).state == "open"
    assert work(only_request()).state == "sent"
    assert mailbox.letters[0].recipients == ["desk@harbour.example"]


@pytest.mark.parametrize("stage", ["refusal_of_sender", "refusal_of_data"])
@pytest.mark.parametrize(("reply", "state"), [("550 Not from you", "unaddressed"), ("451 Not now", "sending")])
def test_a_refusal_counts_at_every_stage(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, stage: str, reply: str, state: str
) -> None:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    setattr(mailbox, stage, reply)
    request = work(only_request())
    assert request.state == state
    assert request.refused_contact == (CONTACT if state == "unaddressed" else "")
    assert request.failed_mails == (0 if state == "unaddressed" else 1)


def test_a_mail_that_fails_again_and_again_waits_for_people_and_the_address_is_looked_at(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, host: Host
) -> None:
    del harbour
    mailbox.refusal = "451 Try again later"
    admitted_item(cast, "a", urls=[host.url()])
    officer = viewer_of(person_of(cast, "police"))
    assert officer
    for number in range(1, FAILED_MAILS_UNTIL_STUCK + 1):
        assert not waiting_on(officer).exists()
        assert not only_request().checks.exists()
        assert work(only_request()).failed_mails == number
    stuck = only_request()
    assert list(waiting_on(officer)) == [stuck]
    assert list(stuck.checks.values_list("outcome", flat=True)) == ["up"]
    assert stuck.due_at
    assert stuck.due_at > timezone.now() + timedelta(minutes=5), "the mail is still tried ever more rarely"

    host.answers = {"HEAD": 404, "GET": 404}
    gone = work(stuck)
    assert (gone.state, gone.failed_mails) == ("gone", 0)
    assert not waiting_on(officer).exists()
    assert mailbox.letters == []


@pytest.mark.parametrize(
    "contact", ["a@b.example\nBcc: all@b.example", "a@b.example,c@d.example", "a b@c.example", "a"]
)
def test_nothing_can_be_put_in_through_the_contact(
    cast: Cast, harbour: Organisation, mailbox: Mailbox, contact: str
) -> None:
    """The directory takes no such contact; should one get in all the same, it is none."""
    Organisation.objects.filter(pk=harbour.pk).update(abuse_mail=contact)
    admitted_item(cast, "a", urls=[URL])
    assert only_request().state == "unaddressed"
    assert mailbox.letters == []
