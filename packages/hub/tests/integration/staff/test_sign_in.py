"""Signing in as people do it: over the form, with a second factor, and not for ever trying."""

import re

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpResponse
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations.accounts import SecondFactorUnreadableError
from staydown_hub.organisations.jobs import send_password_reset
from staydown_hub.organisations.models import Person

from packages.hub.tests.cast import Cast
from packages.hub.tests.integration.staff.conftest import Browser, person_of

PASSWORD = "correct horse battery staple"


@pytest.fixture
def officer(cast: Cast) -> Person:
    cache.clear()  # the accounts library counts tries there
    person = person_of(cast, "police")
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client: Client, email: str, password: str = PASSWORD) -> HttpResponse:
    return client.post("/accounts/login/", {"login": email, "password": password})  # type: ignore[return-value]


def acts_about(person: Person) -> list[str]:
    return list(AuditRecord.objects.filter(subject=f"person:{person.pk}").order_by("pk").values_list("act", flat=True))


def code_of(secret: str) -> str:
    """Return what an authenticator app shows now."""
    return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))


def test_nobody_is_asked_to_sign_in_and_led_back(officer: Person) -> None:
    client = Client()
    asked = client.get("/items/?standing=open")
    assert asked.status_code == 302
    assert asked["Location"] == "/accounts/login/?next=/items/%3Fstanding%3Dopen"
    done = client.post(
        asked["Location"], {"login": officer.email, "password": PASSWORD, "next": "/items/?standing=open"}
    )
    assert (done.status_code, done["Location"]) == (302, "/items/?standing=open")


def test_signing_in_and_out_are_on_record(officer: Person) -> None:
    client = Client()
    assert sign_in(client, officer.email)["Location"] == "/"
    assert client.get("/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302
    assert acts_about(officer) == ["person signed in", "person signed out"]


def test_a_wrong_password_and_an_unknown_person_look_alike(officer: Person) -> None:
    answers = [sign_in(Client(), email, "something else") for email in (officer.email, "nobody@nowhere.example")]
    assert [answer.status_code for answer in answers] == [200, 200]
    pages = [re.sub(r'value="[^"]*"', "", answer.content.decode()) for answer in answers]
    assert pages[0] == pages[1]
    assert "not correct" in pages[0]
    assert acts_about(officer) == ["sign-in refused"]


def test_what_was_typed_in_place_of_a_name_is_not_recorded(officer: Person) -> None:
    sign_in(Client(), f"{PASSWORD}@typed.example")
    assert not AuditRecord.objects.filter(act="sign-in refused").exists()
    assert acts_about(officer) == []


def test_too_many_tries_lock_the_account_whatever_the_letter_case(officer: Person) -> None:
    client = Client()
    for number in range(10):
        cache.clear()  # its own, shorter brake would hide the lock behind it
        sign_in(client, officer.email.upper() if number % 2 else officer.email, "wrong")
    cache.clear()
    locked = sign_in(client, officer.email)
    assert locked.status_code == 429
    assert "Too many attempts" in locked.content.decode()
    assert client.get("/").status_code == 302


def test_somebody_else_can_still_sign_in_from_the_same_address(officer: Person, cast: Cast) -> None:
    other = person_of(cast, "regulator")
    other.set_password(PASSWORD)
    other.save()
    client = Client()
    for _ in range(10):
        cache.clear()
        sign_in(client, officer.email, "wrong")
    cache.clear()
    assert sign_in(Client(), other.email).status_code == 302


def test_somebody_who_was_made_inactive_cannot_sign_in_and_is_out_at_once(officer: Person) -> None:
    client = Client()
    sign_in(client, officer.email)
    Person.objects.filter(pk=officer.pk).update(is_active=False)
    assert client.get("/").status_code == 302
    assert client.get("/items/").status_code == 302


def test_a_second_factor_is_asked_for_once_set_up(officer: Person) -> None:
    secret = "JBSWY3DPEHPK3PXP"
    Authenticator.objects.create(
        user=officer, type=Authenticator.Type.TOTP, data={"secret": get_adapter().encrypt(secret)}
    )
    client = Client()
    assert sign_in(client, officer.email)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/").status_code == 302
    assert client.get("/accounts/2fa/authenticate/").status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": "000000"}).status_code == 200
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})["Location"] == "/"
    assert client.get("/").status_code == 200
    assert acts_about(officer) == ["second factor added", "second factor refused", "person signed in"]


@pytest.mark.parametrize(
    "route", ["2fa/", "2fa/totp/activate/", "2fa/webauthn/", "2fa/webauthn/add/", "password/change/"]
)
def test_each_account_page_is_made_in_our_look(officer: Person, route: str) -> None:
    client = Client()
    sign_in(client, officer.email)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get(f"/accounts/{route}").content.decode()
    assert 'class="sd-header"' in page
    assert "<h1" in page


@pytest.mark.parametrize("route", ["signup/", "email/", "confirm-email/", "confirm-email/x/", "password/set/"])
def test_what_a_closed_circle_does_not_offer_is_not_there(browser: Browser, route: str) -> None:
    for name in ("nobody", "police"):
        assert browser(name).get(f"/accounts/{route}").status_code == 404
        assert browser(name).post(f"/accounts/{route}").status_code == 404


def test_changing_how_one_signs_in_asks_for_the_password_again(officer: Person) -> None:
    client = Client()
    sign_in(client, officer.email)
    asked = client.get("/accounts/2fa/totp/activate/")
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    assert "Password" in client.get(asked["Location"]).content.decode()


def assert_sealed(person: Person, secret: str) -> None:
    """Nothing that a second factor is made from is in the database as it is."""
    factors = {one.type: one.data for one in Authenticator.objects.filter(user=person)}
    assert set(factors) == {"totp", "recovery_codes"}
    assert secret not in str(factors)
    assert get_adapter().decrypt(factors["totp"]["secret"]) == secret
    seed = get_adapter().decrypt(factors["recovery_codes"]["seed"])
    assert len(seed) >= 16
    assert seed not in str(factors)


def test_a_second_factor_that_another_key_sealed_lets_nobody_in(officer: Person, settings: Settings) -> None:
    sealed = get_adapter().encrypt("JBSWY3DPEHPK3PXP")
    Authenticator.objects.create(user=officer, type=Authenticator.Type.TOTP, data={"secret": sealed})
    settings.SECRET_KEY = "another key"  # a made-up one
    client = Client(raise_request_exception=False)
    sign_in(client, officer.email)
    assert client.post("/accounts/2fa/authenticate/", {"code": code_of("")}).status_code == 500
    assert client.get("/").status_code == 302
    with pytest.raises(SecondFactorUnreadableError, match="set it up anew"):
        get_adapter().decrypt(sealed)


def test_changes_of_how_one_signs_in_are_on_record(officer: Person) -> None:
    client = Client()
    sign_in(client, officer.email)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    (secret,) = re.findall(r'value="([A-Z2-7]{32})"', page)
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert_sealed(officer, secret)
    client.post("/accounts/2fa/totp/deactivate/")
    new = "another long password"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert acts_about(officer) == [
        "person signed in",
        "second factor added",
        "second factor added",  # codes to recover with come with the first
        "second factor removed",
        "second factor removed",
        "password changed",
    ]
    assert sign_in(Client(), officer.email, new).status_code == 302


@pytest.fixture
def mail_is_set_up(settings: Settings) -> None:
    settings.SMTP_URL = "smtp://mail.example:25"
    settings.PUBLIC_URL = "https://hub.example"


def do_mail_jobs() -> None:
    """Do what the worker does; whom the jobs are about is all that they hold."""
    for job in ProcrastinateJob.objects.filter(task_name=send_password_reset.name).order_by("id"):
        assert list(job.args) == ["person_id"]
        send_password_reset(**job.args)


@pytest.mark.usefixtures("mail_is_set_up")
def test_a_forgotten_password_is_set_anew_by_mail(officer: Person, mailoutbox: list[EmailMessage]) -> None:
    client = Client()
    assert client.post("/accounts/password/reset/", {"email": officer.email}).status_code == 302
    assert mailoutbox == []
    do_mail_jobs()
    (mail,) = mailoutbox
    assert mail.subject == "Setting your Staydown password anew"
    (link,) = re.findall(r"https://hub\.example(/accounts/password/reset/key/\S+)", str(mail.body))
    form = client.get(link, follow=True).redirect_chain[-1][0]
    new = "another long password"
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    assert acts_about(officer) == ["password changed"]
    assert sign_in(Client(), officer.email, new).status_code == 302
    assert client.post(form, {"password1": PASSWORD, "password2": PASSWORD}).status_code != 302
    assert sign_in(Client(), officer.email).status_code == 200


@pytest.mark.usefixtures("mail_is_set_up")
def test_a_mail_server_that_is_away_does_not_tell_who_has_an_account(officer: Person, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answers = [
        Client(raise_request_exception=False).post("/accounts/password/reset/", {"email": email})
        for email in ("stranger@elsewhere.example", officer.email)
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, answers[0]["Location"])] * 2
    with pytest.raises(ConnectionRefusedError):
        do_mail_jobs()


def test_somebody_who_was_made_inactive_meanwhile_gets_no_mail(officer: Person, mailoutbox: list[EmailMessage]) -> None:
    Person.objects.filter(pk=officer.pk).update(is_active=False)
    send_password_reset(person_id=str(officer.pk))
    assert mailoutbox == []


def test_without_a_mail_server_there_is_no_page_for_forgotten_passwords(officer: Person, settings: Settings) -> None:
    settings.SMTP_URL = ""
    for answer in (
        Client().get("/accounts/password/reset/"),
        Client().post("/accounts/password/reset/", {"email": officer.email}),
    ):
        assert answer.status_code == 404
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.usefixtures("mail_is_set_up")
def test_a_stranger_s_address_gets_no_mail_and_the_page_does_not_tell(
    officer: Person, mailoutbox: list[EmailMessage]
) -> None:
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("stranger@elsewhere.example", officer.email)
    ]
    assert len({answer.content for answer in answers}) == 1
    do_mail_jobs()
    assert [mail.to for mail in mailoutbox] == [[officer.email]]


def test_next_leads_to_no_other_host(officer: Person) -> None:
    done = Client().post(
        "/accounts/login/", {"login": officer.email, "password": PASSWORD, "next": "https://elsewhere.example/"}
    )
    assert (done.status_code, done["Location"]) == (302, "/")
