"""Administrators' pages: people invited, given roles and let go; keys made, rotated, revoked; second factors."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.mail import EmailMessage
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations import training
from staydown_hub.organisations.errors import EmailTakenError
from staydown_hub.organisations.jobs import send_invitation
from staydown_hub.organisations.models import ApiKey, Person
from staydown_hub.organisations.people import invite

from packages.hub.tests.cast import Cast

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def chief(cast: Cast) -> Client:
    """Give the browser of the police unit's administrator."""
    return signed_in(cast, "police")


def signed_in(cast: Cast, member: str, role: str = "administrator") -> Client:
    actor = cast.member(member).person(role)  # type: ignore[arg-type]  # as the test names it
    client = Client(raise_request_exception=False)
    client.force_login(Person.objects.get(email=f"ana.{role}@{member}.example"), backend=BACKEND)
    assert actor.person is not None
    return client


def colleague(email: str = "assessor@police.example") -> Person:
    return Person.objects.get(email=email)


def test_somebody_is_invited_by_a_link_that_works_once(
    cast: Cast, chief: Client, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    settings.SMTP_URL, settings.PUBLIC_URL = "smtp://mail.example:25", "https://hub.example"
    assert chief.post("/people/", {"email": "New@police.example", "role": "supervisor"}).status_code == 302
    made = colleague("new@police.example")
    administrator = cast.police.person("administrator").person
    assert (made.role, made.invited_by_id, made.role_given_by_id) == ("supervisor", administrator, administrator)
    (job,) = ProcrastinateJob.objects.filter(task_name=send_invitation.name)
    assert list(job.args) == ["person_id"], "a link in a job's arguments would open the account"
    send_invitation(**job.args)
    (mail,) = mailoutbox
    (link,) = re.findall(r"https://hub\.example(/accounts/password/reset/key/\S+)", str(mail.body))
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    new = "another long password"
    assert client.post(form, {"password1": new, "password2": new}).status_code == 302
    assert Client().post("/accounts/login/", {"login": made.email, "password": new}).status_code == 302
    assert "reset/key" not in str(Client().get(link, follow=True).redirect_chain), "the link works once"
    send_invitation(**job.args)
    assert len(mailoutbox) == 1, "who has signed in needs no invitation"
    answer = chief.post("/people/", {"email": "NEW@police.example", "role": "auditor"})
    assert (answer.status_code, "has an account" in answer.content.decode()) == (200, True)
    with pytest.raises(EmailTakenError):
        invite(
            cast.support_centre.organisation, email=made.email, role="auditor", by=cast.police.person("administrator")
        )


def test_another_role_counts_from_the_next_click(cast: Cast, chief: Client) -> None:
    theirs = Client(raise_request_exception=False)
    theirs.force_login(colleague(), backend=BACKEND)
    assert theirs.get("/items/").status_code == 200
    page = f"/people/{colleague().pk}/"
    assert chief.post(page, {"change": "role", "role": "reporter"}).status_code == 302
    assert theirs.get("/items/").status_code == 403
    assert cast.police.person("administrator").person == colleague().role_given_by_id
    assert chief.post(page, {"change": "role", "role": "chief"}).status_code == 200
    assert AuditRecord.objects.get(act="role changed").detail == '{"before":"assessor","role":"reporter"}'


def test_who_is_let_go_is_out_at_once_and_no_session_comes_back_with_them(chief: Client) -> None:
    theirs = Client(raise_request_exception=False)
    theirs.force_login(colleague(), backend=BACKEND)
    page = f"/people/{colleague().pk}/"
    chief.post(page, {"change": "let go"})
    assert theirs.get("/").status_code == 302
    chief.post(page, {"change": "take back"})
    assert colleague().is_active
    assert theirs.get("/").status_code == 302


def test_nobody_changes_themselves(cast: Cast, chief: Client) -> None:
    page = f"/people/{cast.police.person('administrator').person}/"
    for change in ({"change": "role", "role": "supervisor"}, {"change": "let go"}):
        answer = chief.post(page, change)
        assert (answer.status_code, "another administrator" in answer.content.decode()) == (409, True)
    assert colleague("ana.administrator@police.example").role == "administrator"


def test_a_certificate_is_recorded_and_withdrawn(chief: Client) -> None:
    one = colleague()
    one.certificates.all().delete()
    page = f"/people/{one.pk}/"
    days = {"change": "certificate", "course": "Assessing 2", "issued_on": "2020-01-01", "expires_on": "2090-01-01"}
    assert not training.may_assess_now(one.pk, organisation=one.organisation_id)
    assert chief.post(page, {**days, "expires_on": "2019-01-01"}).status_code == 409
    assert chief.post(page, {**days, "expires_on": "soon"}).status_code == 200
    assert chief.post(page, days).status_code == 302
    assert training.may_assess_now(one.pk, organisation=one.organisation_id)
    shown = chief.get(page).content.decode()
    assert "Assessing 2" in shown
    assert chief.post(page, {"change": "withdraw", "certificate": one.certificates.get().pk}).status_code == 302
    assert not training.may_assess_now(one.pk, organisation=one.organisation_id)
    assert chief.post(page, {"change": "withdraw", "certificate": "x"}).status_code in {400, 500}


def test_a_key_is_made_shown_once_rotated_and_revoked(cast: Cast, chief: Client) -> None:
    given = {"change": "make", "name": "desk", "scopes": ["read", "assess"], "days": "30", "requests_a_minute": "60"}
    wrong = chief.post("/keys/", {**given, "networks": "office", "scopes": ["filter"]}).content.decode()
    assert "A network is written" in wrong
    assert not ApiKey.objects.filter(name="desk").exists()
    made = chief.post("/keys/", {**given, "networks": "192.0.2.0/24", "person": str(colleague().pk)})
    (token,) = re.findall(r"sdk_[a-z0-9]{8}_[\w-]{43}", made.content.decode())
    key = ApiKey.objects.get(name="desk")
    assert (key.prefix, key.networks, key.person) == (token.split("_")[1], ["192.0.2.0/24"], colleague())
    assert key.made_by_id == cast.police.person("administrator").person
    assert token not in chief.get("/keys/").content.decode()
    rotated = chief.post("/keys/", {"change": "rotate", "prefix": key.prefix}).content.decode()
    (successor,) = re.findall(r"sdk_([a-z0-9]{8})_[\w-]{43}", rotated)
    assert chief.post("/keys/", {"change": "rotate", "prefix": key.prefix}).status_code == 409
    assert chief.post("/keys/", {"change": "revoke", "prefix": successor}).status_code == 302
    assert ApiKey.objects.get(prefix=successor).revoked_at is not None
    assert chief.post("/keys/", {"change": "burn"}).status_code == 400


def test_another_organisation_s_people_and_keys_are_nobody_s(cast: Cast, chief: Client) -> None:
    stranger, key = colleague("assessor@regulator.example"), cast.regulator.key
    for change in ("let go", "take back", "role", "certificate", "withdraw"):
        assert chief.post(f"/people/{stranger.pk}/", {"change": change, "role": "auditor"}).status_code == 404
    for change in ("rotate", "revoke"):
        assert chief.post("/keys/", {"change": change, "prefix": key.prefix}).status_code == 409
    key.refresh_from_db()
    assert (key.revoked_at, key.replaced_by_id) == (None, None)
    assert stranger.email not in chief.get("/people/").content.decode()
    assert AuditRecord.objects.filter(act="page refused", subject=f"person:{stranger.pk}").count() == 5


@pytest.mark.parametrize("role", ["reporter", "assessor", "supervisor", "auditor"])
def test_who_does_not_administer_sees_neither(cast: Cast, role: str) -> None:
    client = signed_in(cast, "police", role)
    for path in ("/people/", f"/people/{colleague().pk}/", "/keys/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"change": "let go"}).status_code == 403
    assert colleague().is_active


def test_each_administrator_finds_the_way(cast: Cast) -> None:
    for member in ("platform", "carrier", "monitor"):
        page = signed_in(cast, member).get("/").content.decode()
        assert 'href="/people/"' in page
        assert 'href="/keys/"' in page


def test_without_a_second_factor_every_page_leads_to_setting_one_up(chief: Client, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    pages = ("/", "/people/", "/keys/", "/account/", f"/people/{colleague().pk}/")
    for path in pages:
        assert chief.get(path)["Location"] == "/accounts/2fa/"
        assert chief.post(path, {"change": "let go"}).status_code in {302, 405}
    assert colleague().is_active
    person = colleague("ana.administrator@police.example")
    Authenticator.objects.create(user=person, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert chief.get("/people/").status_code == 302, "codes to recover with are no second factor"
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert chief.get("/people/").status_code == 200
