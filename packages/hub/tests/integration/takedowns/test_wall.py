"""What the database itself refuses of requests, straight in SQL."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from staydown_hub.organisations.models import Organisation
from staydown_hub.takedowns.models import Check, Request

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.takedowns.conftest import only_request

pytestmark = pytest.mark.usefixtures("committed_db")

URL = "https://host.example/a.jpg"


@pytest.fixture(autouse=True)
def request_with_history(cast: Cast, harbour: Organisation) -> Request:
    del harbour
    admitted_item(cast, "a", urls=[URL])
    request = only_request()
    Check.objects.create(request=request, outcome="up", status=200, at=timezone.now())
    return request


STEP = "INSERT INTO takedown_transition (request_id, event, from_state, to_state, by, at) SELECT id, {}, now()"
COPY = (
    "INSERT INTO takedown_request (id, sighting_id, recipient_id, contact, refused_contact, state, opened_at,"
    " changed_at, notices, failed_mails, checks_since_change)"
    " SELECT gen_random_uuid(), sighting_id, {}, contact, '', {}, now(), now(), 0, 0, 0"
)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE {} SET state = 'gone'", "changes by a step only"),
        ("UPDATE {} SET state = 'cancelled'", "changes by a step only"),
        ("UPDATE {} SET state = 'done'", "state_known"),
        ("UPDATE {} SET id = gen_random_uuid()", "takedown_request is append-only"),
        ("UPDATE {} SET opened_at = now()", "takedown_request is append-only"),
        ("UPDATE {} SET recipient_id = NULL", "takedown_request_addressed"),
        ("UPDATE {} SET contact = ''", "takedown_request_addressed"),
        ("DELETE FROM {}", "takedown_request is append-only"),
        ("TRUNCATE {} CASCADE", "is append-only"),
        ("UPDATE takedown_transition SET to_state = 'gone'", "takedown_transition is append-only"),
        ("UPDATE takedown_transition SET at = now()", "takedown_transition is append-only"),
        ("DELETE FROM takedown_transition", "takedown_transition is append-only"),
        ("TRUNCATE takedown_transition", "takedown_transition is append-only"),
        ("UPDATE takedown_check SET outcome = 'gone'", "takedown_check is append-only"),
        ("DELETE FROM takedown_check", "takedown_check is append-only"),
        ("TRUNCATE takedown_check", "takedown_check is append-only"),
        (
            "INSERT INTO takedown_check (request_id, outcome, at) SELECT id, 'vanished', now() FROM {}",
            "takedown_check_outcome_known",
        ),
        (STEP.format("'seen_gone', 'sent', 'gone', 'worker'") + " FROM {}", "begins where the last one ended"),
        (STEP.format("'sending_begun', 'open', 'sending', 'worker'") + " FROM {}", "changes by a step only"),
        (COPY.format("recipient_id", "'open'") + " FROM {}", "takedown_request_once"),
        (COPY.format("NULL", "'unaddressed'") + " FROM {}", "changes by a step only"),
    ],
)
def test_history_cannot_be_changed_or_gone_round(statement: str, refusal: str) -> None:
    before = list(Request.objects.values())
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("takedown_request"))
    assert list(Request.objects.values()) == before
    assert list(only_request().transitions.order_by("pk").values_list("to_state", flat=True)) == ["unaddressed", "open"]


def test_a_request_is_due_when_it_says_so_whoever_writes_that() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE takedown_request SET due_at = now(), failed_mails = 3")
    assert only_request().failed_mails == 3


def test_two_requests_without_a_recipient_cannot_be_of_one_sighting() -> None:
    unaddressed = COPY.format("NULL", "'unaddressed'") + " FROM takedown_request LIMIT 1 RETURNING id"
    opened = STEP.format("'opened', '', 'unaddressed', 'list'") + " FROM takedown_request WHERE id = %s"

    def open_another() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(unaddressed)
            [made] = cursor.fetchone()
            cursor.execute(opened, [made])

    open_another()
    with pytest.raises(DatabaseError, match="takedown_request_once"):
        open_another()
