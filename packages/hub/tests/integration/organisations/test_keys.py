"""Keys: rotated without a gap, held to their pace and their place, and acting for people who may."""

from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations import keys, pace, training
from staydown_hub.organisations.errors import (
    KeyNamesSomebodyError,
    KeyNameTakenError,
    KeyOverError,
    NotTrainedError,
    TooFastError,
    UnknownApiKeyError,
    UnknownPersonError,
    WrongDaysError,
)
from staydown_hub.organisations.models import ApiKey, Certificate, Person
from staydown_hub.organisations.queries import UnknownKeyError, caller_of
from staydown_hub.rules.callers import read_network

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import assessment_body, report, report_body

HOUR = timedelta(hours=1)


def of_police(cast: Cast, **bounds: object) -> keys.NewApiKey:
    made = keys.Bounds(**bounds)  # type: ignore[arg-type]  # as the test names them
    return keys.make_api_key(cast.police.organisation, name="desk", scopes=["read"], bounds=made)


def ask(client: Client, token: str, **extra: str) -> int:
    headers = {"Authorization": f"Bearer {token}"} | extra
    return client.get("/api/v1/me", headers=headers).status_code


def test_a_rotated_key_works_on_until_the_overlap_is_over(cast: Cast, client: Client) -> None:
    old = of_police(cast)
    new = keys.rotate_api_key(prefix=old.key.prefix, overlap=HOUR)
    assert [ask(client, one.token) for one in (old, new)] == [200, 200]
    assert (new.key.name, new.key.scopes) == (old.key.name, old.key.scopes)
    old.key.refresh_from_db()
    assert old.key.expires_at is not None
    assert timedelta(0) < old.key.expires_at - timezone.now() <= HOUR
    ApiKey.objects.filter(pk=old.key.pk).update(expires_at=timezone.now())
    assert [ask(client, one.token) for one in (old, new)] == [401, 200]
    with pytest.raises(KeyNameTakenError):
        of_police(cast)


def test_at_most_two_work_at_a_time_and_an_old_one_is_not_rotated_again(cast: Cast, client: Client) -> None:
    first = of_police(cast, expires_at=timezone.now() + 24 * HOUR)
    second = keys.rotate_api_key(prefix=first.key.prefix, overlap=HOUR)
    with pytest.raises(KeyOverError):
        keys.rotate_api_key(prefix=first.key.prefix, overlap=HOUR)
    third = keys.rotate_api_key(prefix=second.key.prefix, overlap=HOUR)
    assert [ask(client, one.token) for one in (first, second, third)] == [401, 200, 200]
    assert third.key.expires_at is not None
    assert timedelta(hours=23) < third.key.expires_at - timezone.now() <= 24 * HOUR
    keys.revoke_api_key(prefix=third.key.prefix)
    with pytest.raises(KeyOverError):
        keys.rotate_api_key(prefix=third.key.prefix, overlap=HOUR)


def test_another_organisation_s_administrator_finds_no_key(cast: Cast) -> None:
    made, stranger = of_police(cast), cast.platform.person("administrator")
    with pytest.raises(UnknownApiKeyError):
        keys.revoke_api_key(prefix=made.key.prefix, by=stranger)
    with pytest.raises(UnknownApiKeyError):
        keys.rotate_api_key(prefix=made.key.prefix, overlap=HOUR, by=stranger)
    keys.revoke_api_key(prefix=made.key.prefix, by=cast.police.person("administrator"))
    assert list(AuditRecord.objects.filter(act="key revoked").values_list("person", flat=True)) == [
        cast.police.person("administrator").person
    ]


def test_a_key_is_held_to_its_pace_and_told_when_to_come_again(cast: Cast, client: Client) -> None:
    made, other = of_police(cast, requests_a_minute=3), cast.support_centre
    assert [ask(client, made.token) for _ in range(3)] == [200, 200, 200]
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {made.token}"})
    assert (answer.status_code, answer.json()["error"]) == (429, "too_fast")
    assert 1 <= int(answer["Retry-After"]) <= 20
    assert ask(client, other.token) == 200, "the pace is the key's own"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_key_pace SET filled_until = filled_until - interval '20 s'")
    assert [ask(client, made.token) for _ in range(2)] == [200, 429]


def test_a_slow_key_is_told_the_whole_wait(cast: Cast) -> None:
    made = of_police(cast, requests_a_minute=1)
    pace.check(made.key.pk, requests_a_minute=1)
    with pytest.raises(TooFastError) as told:
        pace.check(made.key.pk, requests_a_minute=1)
    assert 30 <= told.value.retry_after_s <= 60


def test_a_key_works_from_its_networks_and_with_its_certificate_alone(
    cast: Cast, client: Client, settings: Settings
) -> None:
    made = of_police(cast, networks=("192.0.2.0/24",), client_subject="CN=desk")
    assert ask(client, made.token) == 401
    assert ask(client, made.token, **{"X-Forwarded-For": "192.0.2.5", "X-Client-Subject": "CN=desk"}) == 401
    refused = AuditRecord.objects.filter(act="key refused")
    assert [one.subject for one in refused] == [f"api_key:{made.key.pk}"] * 2
    assert all('"elsewhere":true' in one.detail for one in refused)
    settings.TRUSTED_PROXY = (ip_network("127.0.0.1/32"),)
    assert ask(client, made.token, **{"X-Forwarded-For": "192.0.2.5", "X-Client-Subject": "CN=desk"}) == 200
    assert ask(client, made.token, **{"X-Forwarded-For": "192.0.2.5"}) == 401
    assert ask(client, made.token, **{"X-Forwarded-For": "198.51.100.1", "X-Client-Subject": "CN=desk"}) == 401
    assert read_network("192.0.2.0/24") == made.key.networks[0]


def test_a_key_ends_with_whom_it_acts_for_and_does_no_more_than_they_may(cast: Cast, client: Client) -> None:
    token = cast.police.token
    person = Person.objects.get(email="assessor@police.example")
    assert caller_of(token).scopes == {"report", "assess", "withdraw", "read", "figures"}
    Person.objects.filter(pk=person.pk).update(role="auditor")
    assert caller_of(token).scopes == {"read", "figures"}
    Person.objects.filter(pk=person.pk).update(role="assessor", is_active=False)
    with pytest.raises(UnknownKeyError):
        caller_of(token)
    assert ask(client, token) == 401


def test_a_key_acts_for_somebody_of_its_own_organisation_and_never_for_another_later(cast: Cast) -> None:
    stranger = Person.objects.get(email="assessor@support-centre.example")
    with pytest.raises(UnknownPersonError):
        of_police(cast, person=stranger)
    with pytest.raises(KeyNamesSomebodyError):
        keys.bind_api_key(prefix=cast.police.key.prefix, person=stranger)
    made = of_police(cast)
    with pytest.raises(UnknownPersonError):
        keys.bind_api_key(prefix=made.key.prefix, person=stranger)


def assess_over_api(member: Member, client: Client) -> int:
    return member.post(client, "assessments", assessment_body("boat", code="TEST")).status_code


def test_who_is_not_trained_today_does_not_assess(cast: Cast, client: Client) -> None:
    report(cast.monitor, "boat")
    certificate = Certificate.objects.get(person=cast.police.key.person_id)
    today = datetime.now(UTC).date()
    for issued_on, expires_on, status in (
        (today - timedelta(days=300), today, 403),  # the day on which it ends is the first without the right
        (today + timedelta(days=1), today + timedelta(days=9), 403),
        (today - timedelta(days=300), today + timedelta(days=2), 200),
    ):
        Certificate.objects.filter(pk=certificate.pk).update(issued_on=issued_on, expires_on=expires_on)
        assert assess_over_api(cast.police, client) == status
    assert AuditRecord.objects.filter(act="request refused").count() == 2
    training.withdraw_certificate(cast.police.person("administrator"), certificate)
    assert assess_over_api(cast.police, client) == 403
    answer = cast.police.post(client, "reports", report_body("tree", code="TEST"))
    assert (answer.status_code, "certificate" in answer.json()["message"]) == (403, True)
    assert cast.police.post(client, "reports", report_body("tree")).status_code == 201


def test_a_key_that_names_nobody_does_not_assess(cast: Cast, client: Client) -> None:
    report(cast.monitor, "boat")
    ApiKey.objects.filter(pk=cast.police.key.pk).update(person=None)
    assert assess_over_api(cast.police, client) == 403
    person = Person.objects.get(email="assessor@police.example")
    keys.bind_api_key(prefix=cast.police.key.prefix, person=person)
    assert assess_over_api(cast.police, client) == 200


def test_roles_and_certificates_of_people_on_the_pages(cast: Cast) -> None:
    person = Person.objects.get(email="assessor@police.example")
    for role, may in (("assessor", True), ("supervisor", True), ("auditor", False), ("administrator", False)):
        actor = cast.police.person(role)  # type: ignore[arg-type]  # from the table above
        with pytest.raises(NotTrainedError):
            training.check_may_assess(actor)
        person = Person.objects.get(email=f"ana.{role}@police.example")
        training.record_certificate(
            None, person=person, course="Assessing", issued_on=date(2020, 1, 1), expires_on=date(2100, 1, 1)
        )
        if may:
            training.check_may_assess(actor)
        else:
            with pytest.raises(NotTrainedError):
                training.check_may_assess(actor)
    with pytest.raises(WrongDaysError):
        training.record_certificate(
            None, person=person, course="x", issued_on=date(2020, 1, 2), expires_on=date(2020, 1, 2)
        )
