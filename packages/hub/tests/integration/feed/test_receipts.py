"""Receipts as filters send them: the newest of each counts, nobody speaks for another's, a refusal goes on record."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.enforcement.models import Receipt
from staydown_hub.lists.models import SharedList
from staydown_hub.organisations import keys

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.feed.conftest import FeedProcess

FILTER = "0b0a3f5e-0c2d-4a54-9f5b-0f1d8d3c7a11"
LIVE_SINCE = "2026-01-02T03:04:05.678901Z"


def live(**changed: object) -> dict[str, object]:
    """Return a receipt that is right for a list of one entry."""
    return {"filter": FILTER, "position": 0, "live_since": LIVE_SINCE, "state": "live", "problem": None, **changed}


def send(feed: FeedProcess, member: Member, receipt: object) -> tuple[int, dict[str, Any]]:
    return feed.post("lists/main/receipts", json.dumps(receipt).encode(), member)


def test_the_newest_receipt_of_each_filter_is_kept(feed: FeedProcess, cast: Cast) -> None:
    for name in ("a", "b"):
        admitted_item(cast, name)
    assert send(feed, cast.platform, live(position=-1, state="behind", live_since=None)) == (204, {})
    assert Receipt.objects.get().state_since == Receipt.objects.get().reported_at
    assert send(feed, cast.platform, live(position=1)) == (204, {})
    assert send(feed, cast.platform, live(position=1)) == (204, {})
    row = Receipt.objects.get()
    assert (row.organisation, str(row.filter), row.position) == (cast.platform.organisation, FILTER, 1)
    assert (row.state, row.problem) == ("live", "")
    assert row.live_since is not None
    assert row.live_since.isoformat() == "2026-01-02T03:04:05.678901+00:00"
    assert row.state_since < row.reported_at
    assert not AuditRecord.objects.filter(act="list refused by filter").exists()


def test_nobody_speaks_for_anothers_filter(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    assert send(feed, cast.platform, live())[0] == 204
    assert send(feed, cast.another_platform, live(position=-1, state="refused", problem="fork"))[0] == 204
    assert send(feed, cast.carrier, live(position=-1, state="behind"))[0] == 204
    rows = {row.organisation.slug: (row.state, row.position) for row in Receipt.objects.select_related("organisation")}
    assert rows == {"platform": ("live", 0), "another_platform": ("refused", -1), "carrier": ("behind", -1)}


def test_a_clock_that_is_ahead_does_not_make_it_live_in_the_future(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    assert send(feed, cast.platform, live(live_since="9999-12-31T23:59:59Z"))[0] == 204
    row = Receipt.objects.get()
    assert row.live_since is not None
    assert row.live_since <= row.reported_at <= timezone.now()


def test_a_refusal_is_on_record_once_as_long_as_it_stays_the_same(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    refused = live(position=70_000, state="refused", live_since=None)
    for problem in ("fork", "fork", "shrunk", "shrunk"):
        assert send(feed, cast.platform, {**refused, "problem": problem})[0] == 204
    assert send(feed, cast.platform, live())[0] == 204
    assert send(feed, cast.platform, {**refused, "problem": "shrunk"})[0] == 204
    records = AuditRecord.objects.filter(act="list refused by filter").order_by("pk")
    assert [json.loads(one.detail)["problem"] for one in records] == ["fork", "shrunk", "shrunk"]
    assert {(one.organisation, one.subject, one.source) for one in records} == {
        (cast.platform.organisation.pk, "list:main", "feed")
    }
    assert json.loads(records[0].detail) == {"filter": FILTER, "list": "main", "position": 70_000, "problem": "fork"}


WRONG: dict[str, list[object]] = {
    "body": [b"", b"\xff", b"[]", b'"live"', b"{", b"[" * 4000, b"null"],
    "filter": [None, 5, "", FILTER.upper(), FILTER.replace("-", ""), f"{{{FILTER}}}", FILTER + "\n"],
    "position": [None, -2, 2**63, 1.0, "0", True],
    "state": [None, "", "LIVE", 3, ["live"], "silent"],
    "live_since": ["", 5, "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05+00:00"],
    "problem": ["other", 1, "fork", []],
    "media": ["iVBORw0KGgo="],
}


def test_wrong_receipts_are_refused_by_field_and_nothing_is_kept(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    for field, values in WRONG.items():
        for value in values:
            body = value if isinstance(value, bytes) else json.dumps(live(**{field: value})).encode()
            status, answer = feed.post("lists/main/receipts", body, cast.platform)
            assert (status, [one["field"] for one in answer["fields"]]) == (422, [field]), (field, value)
    assert send(feed, cast.platform, {})[1]["fields"] == [
        {"field": name, "message": "This field is required."} for name in ("filter", "position", "state")
    ]
    for state, problem in (("refused", None), ("live", "fork"), ("behind", "garbage")):
        assert send(feed, cast.platform, live(state=state, problem=problem))[1]["fields"][0]["field"] == "problem"
    status, answer = send(feed, cast.platform, live(position=1))
    assert (status, answer["fields"][0]["field"]) == (422, "position"), "beyond the end of the list"
    assert not Receipt.objects.exists()


def test_only_filters_of_the_audience_may_send_them(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    body = json.dumps(live()).encode()
    assert feed.post("lists/main/receipts", body)[0] == 401
    for name in ("police", "support_centre", "regulator", "monitor", "oversight", "outsider"):
        expected = 404 if name == "oversight" else 403  # it reads, but it is in no list's audience
        assert feed.post("lists/main/receipts", body, cast.member(name))[0] == expected, name
    assert AuditRecord.objects.filter(act="request refused").count() == 6
    SharedList.objects.create(
        slug="inner", name="Inner", required_kinds=["police"], codes=["A1"], audience_kinds=["police"]
    )
    for slug in ("inner", "nowhere"):
        assert feed.post(f"lists/{slug}/receipts", body, cast.platform)[0] == 404
    assert not Receipt.objects.exists()


def test_the_edge_is_strict(feed: FeedProcess, cast: Cast) -> None:
    body = json.dumps(live()).encode()
    assert feed.get("lists/main/receipts", cast.platform)[0] == 405
    assert feed.post("lists/main/tail", body, cast.platform)[0] == 405
    assert feed.post("lists/main/receipts?x=1", body, cast.platform)[0] == 422
    assert feed.post("lists/main/receipts", b" " * 4097, cast.platform)[0] == 413
    for media_type in ("text/plain", "image/png", "multipart/form-data; boundary=x", ""):
        assert feed.post("lists/main/receipts", body, cast.platform, media_type=media_type)[0] == 415


def _fill(member: Member, count: int, *, silent_days: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO receipt (organisation_id, shared_list_id, filter, position, state, problem, reported_at,"
            " state_since) SELECT %s, l.id, gen_random_uuid(), -1, 'behind', '', now() - make_interval(days => %s),"
            " now()"
            " FROM shared_list l, generate_series(1, %s) WHERE l.slug = 'main'",
            [member.organisation.pk, silent_days, count],
        )


def test_a_flood_of_filters_ends_at_a_limit_of_its_own_organisation(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    _fill(cast.platform, 9_999, silent_days=29)
    assert send(feed, cast.platform, live())[0] == 204
    for state, problem in (("live", None), ("refused", "fork")):
        status, answer = send(feed, cast.platform, live(filter=str(uuid.uuid4()), state=state, problem=problem))
        assert (status, answer["error"]) == (429, "too_many_filters")
        assert "10,000" in answer["message"]
    assert not AuditRecord.objects.filter(act="list refused by filter").exists()
    assert send(feed, cast.platform, live())[0] == 204, "one that is known goes on"
    assert send(feed, cast.another_platform, live())[0] == 204, "another organisation has its own limit"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receipt SET reported_at = now() - interval '31 days' WHERE filter <> %s", [FILTER])
    assert send(feed, cast.platform, live(filter=str(uuid.uuid4())))[0] == 204, "those long silent make room"
    assert Receipt.objects.filter(organisation=cast.platform.organisation).count() == 2


def test_many_at_once_are_all_kept(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    filters = [str(uuid.uuid4()) for _ in range(200)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: send(feed, cast.platform, live(filter=one)), [*filters, *filters]))
    assert {status for status, _ in answers} == {204}
    assert {str(one) for one in Receipt.objects.values_list("filter", flat=True)} == set(filters)


def test_a_lost_database_connection_is_replaced(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    assert send(feed, cast.platform, live())[0] == 204
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    assert send(feed, cast.platform, live())[0] == 204


def test_a_revoked_key_sends_none_a_moment_later(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    assert send(feed, cast.platform, live())[0] == 204
    keys.revoke_api_key(prefix=cast.platform.token.split("_")[1])
    feed.wait_for(lambda: send(feed, cast.platform, live())[0] == 401, "the key is refused")
    assert AuditRecord.objects.filter(act="key refused", organisation=cast.platform.organisation.pk).exists()
