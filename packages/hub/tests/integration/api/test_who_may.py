"""Every route tried by every member of the cast: complete by construction, from the API's own declaration."""

import pytest
from django.test import Client
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations.models import ApiKey

from packages.hub.tests.cast import Cast
from packages.hub.tests.integration.api.routes import EVERYBODY, RIGHT, declared

OPERATIONS = declared()


def test_every_route_is_covered() -> None:
    assert sorted(RIGHT) == OPERATIONS, "give each route its right request in routes.py"


@pytest.mark.parametrize("member", sorted(EVERYBODY))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_the_right_ones_may(operation: str, member: str, cast: Cast, client: Client) -> None:
    right = RIGHT[operation]
    headers = cast.member(member).headers()
    answer = right.send(client, cast, method=operation.split(maxsplit=1)[0], headers=headers)
    if member in right.allowed:
        assert answer.status_code in {200, 201, 202}, answer.content
        return
    assert answer.status_code == 403
    assert answer.json()["error"] == "forbidden"
    row = AuditRecord.objects.get(act="request refused")
    assert row.organisation == cast.member(member).organisation.pk
    assert '"status":403' in row.detail


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer nonsense",
        "Basic dXNlcjpwYXNz",
        "Bearer sdk_aaaaaaaa_" + "A" * 43,
        "Bearer sdk_aaaaaaaa_" + "A" * 10_000,
        "Bearer \x00",
    ],
    ids=range(8),
)
def test_without_a_key_nothing(operation: str, authorization: str | None, cast: Cast, client: Client) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = RIGHT[operation].send(client, cast, method=operation.split(maxsplit=1)[0], headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorised"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_key_is_refused_and_noted(operation: str, column: str, cast: Cast, client: Client) -> None:
    ApiKey.objects.filter(organisation=cast.police.organisation).update(**{column: timezone.now()})
    answer = RIGHT[operation].send(client, cast, method=operation.split(maxsplit=1)[0], headers=cast.police.headers())
    assert answer.status_code == 401
    row = AuditRecord.objects.get(act="key refused")
    assert row.organisation == cast.police.organisation.pk


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_with_the_right_prefix_and_another_secret_is_refused(operation: str, cast: Cast, client: Client) -> None:
    forged = cast.police.token[:-1] + ("A" if cast.police.token[-1] != "A" else "B")
    headers = {"Authorization": f"Bearer {forged}"}
    answer = RIGHT[operation].send(client, cast, method=operation.split(maxsplit=1)[0], headers=headers)
    assert answer.status_code == 401
    assert not AuditRecord.objects.filter(act="key refused").exists()


def test_a_key_narrows_what_its_kind_may(cast: Cast, client: Client) -> None:
    ApiKey.objects.filter(organisation=cast.police.organisation).update(scopes=["read"])
    assert cast.police.get(client, "me").json()["scopes"] == ["read"]
    assert cast.police.post(client, "reports", {}).status_code == 403


def test_a_key_never_widens_what_its_kind_may(cast: Cast, client: Client) -> None:
    """Also when its row says more: the kind is asked at each use."""
    ApiKey.objects.filter(organisation=cast.platform.organisation).update(
        scopes=["filter", "assess", "withdraw", "read"]
    )
    assert cast.platform.get(client, "me").json()["scopes"] == ["filter"]
    assert cast.platform.post(client, "assessments", {}).status_code == 403
