"""The feed as a follower meets it: pages, live events, refusals, and its own stopping."""

import json
import signal
import subprocess
import time

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations import services
from staydown_hub.organisations.models import ApiKey

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, report
from packages.hub.tests.integration.feed.conftest import FeedProcess


def _prefix(token: str) -> str:
    return token.split("_")[1]


def test_pages_hold_every_entry_in_order(feed: FeedProcess, cast: Cast) -> None:
    items = [admitted_item(cast, name) for name in ("a", "b", "c")]
    assess(cast.police, "b", code="NONE")

    status, first = feed.get("lists/main/entries?after=-1&limit=3", cast.platform)
    assert status == 200
    assert (first["list"], first["size"]) == ("main", 4)
    assert [one["position"] for one in first["entries"]] == [0, 1, 2]
    assert [one["entry"]["item"] for one in first["entries"]] == [str(item.pk) for item in items]

    _, second = feed.get("lists/main/entries?after=2", cast.platform)
    assert [(one["position"], one["entry"]["operation"]) for one in second["entries"]] == [(3, "withdraw")]


def test_an_empty_page_says_how_long_the_list_is(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "a")
    assert feed.get("lists/main/entries?after=0", cast.platform)[1] == {"list": "main", "size": 1, "entries": []}


def test_a_stream_catches_up_and_goes_on_live(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "before")
    events = feed.events("lists/main/events", cast.platform)
    first = events.next_event()
    assert (first["id"], first["event"]) == ("0", "entries")
    assert json.loads(first["data"])["first"] == 0
    assert events.next_line().startswith(":"), "a comment says that the follower has all there is"

    committed_at = time.monotonic()
    admitted_item(cast, "after")
    assert events.next_event()["id"] == "1"
    assert time.monotonic() - committed_at < 5


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_stream_goes_on_where_it_ended(feed: FeedProcess, cast: Cast, how: str) -> None:
    for name in ("a", "b", "c"):
        admitted_item(cast, name)
    if how == "header":
        events = feed.events("lists/main/events", cast.platform, Last_Event_ID="1")
    else:
        events = feed.events("lists/main/events?after=1", cast.platform)
    assert events.next_event()["id"] == "2"


def test_streams_outlive_a_lost_database_connection(feed: FeedProcess, cast: Cast) -> None:
    events = feed.events("lists/main/events", cast.platform)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    admitted_item(cast, "after")
    assert events.next_event()["id"] == "0"


def test_the_audience_may_follow(feed: FeedProcess, cast: Cast) -> None:
    for name in ("platform", "another_platform", "carrier", "police", "support_centre", "regulator", "monitor"):
        assert feed.get("lists/main/entries", cast.member(name))[0] == 200, name


def test_an_outsider_is_refused_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    for route in ("lists/main/entries", "lists/main/events", "lists/other/entries"):
        assert feed.get(route, cast.outsider)[0] == 403
    refusals = AuditRecord.objects.filter(act="request refused", organisation=cast.outsider.organisation.pk)
    assert refusals.count() == 3
    assert {one.source for one in refusals} == {"feed"}


def test_a_list_of_others_is_not_there_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shared_list SET audience_kinds = '{carrier}' WHERE slug = 'main'")
    try:
        status, answer = feed.get("lists/main/entries", cast.platform)
        missing = feed.get("lists/nowhere/entries", cast.platform)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE shared_list SET audience_kinds ="
                " '{platform,carrier,police,support_centre,regulator,monitor}' WHERE slug = 'main'"
            )
    assert (status, answer["error"]) == (404, "not_found")
    assert missing == (status, answer), "another's list looks as one that is not there"
    assert AuditRecord.objects.filter(organisation=cast.platform.organisation.pk, act="request refused").count() == 2


def test_an_unknown_key_is_refused(feed: FeedProcess, cast: Cast) -> None:
    for token in ("", "nonsense", "sdk_aaaaaaaa_" + "A" * 43, cast.platform.token[:-1] + "~"):
        status, answer = feed.get("lists/main/entries", token=token)
        assert (status, answer["error"], answer["fields"]) == (401, "unauthorised", [])


def test_a_revoked_key_is_refused_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    services.revoke_api_key(prefix=_prefix(cast.platform.token))
    assert feed.get("lists/main/entries", cast.platform)[0] == 401
    assert AuditRecord.objects.filter(act="key refused", organisation=cast.platform.organisation.pk).count() == 1


def test_revoking_a_key_ends_its_streams(feed: FeedProcess, cast: Cast) -> None:
    events = feed.events("lists/main/events", cast.platform)
    services.revoke_api_key(prefix=_prefix(cast.platform.token))
    with pytest.raises(EOFError):
        events.next_event()


def test_a_keys_use_is_noted(feed: FeedProcess, cast: Cast) -> None:
    feed.get("lists/main/entries", cast.platform)
    assert ApiKey.objects.get(prefix=_prefix(cast.platform.token)).last_used_at is not None


WRONG_PARAMETERS = {
    "entries?after=x": "after",
    "entries?after=-2": "after",
    "entries?after=99999999999999999999": "after",
    "entries?limit=0": "limit",
    "entries?limit=10001": "limit",
    "entries?limit=": "limit",
    "entries?before=3": "query",
    "entries?after=1&after=2": "query",
    "events?after=1.5": "after",
    "events?limit=5": "query",
    "entries?" + "after=1&" * 50: "query",
}


def test_wrong_parameters_are_named(feed: FeedProcess, cast: Cast) -> None:
    for path, field in WRONG_PARAMETERS.items():
        status, answer = feed.get(f"lists/main/{path}", cast.platform)
        assert (status, [one["field"] for one in answer["fields"]]) == (422, [field]), path


def test_nothing_can_be_written(feed: FeedProcess, cast: Cast) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert feed.get("lists/main/entries", cast.platform, method=method)[0] == 405


def test_unknown_routes_are_not_there(feed: FeedProcess, cast: Cast) -> None:
    for path in ("", "lists", "lists/main", "lists/main/other", "lists/../main/entries"):
        assert feed.get(path, cast.platform)[0] == 404


def test_it_stops_with_streams_open(feed: FeedProcess, cast: Cast) -> None:
    streams = [feed.events("lists/main/events", cast.platform) for _ in range(20)]
    started_at = time.monotonic()
    feed.process.send_signal(signal.SIGTERM)
    assert feed.process.wait(timeout=15) == 0
    assert time.monotonic() - started_at < 10
    for events in streams:
        with pytest.raises(EOFError):
            events.next_event()


def test_a_follower_that_reads_nothing_costs_no_memory(feed: FeedProcess, cast: Cast) -> None:
    """4,000 entries of 2 kB are waiting for followers who take none of them: 8 MB each, if they were kept."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at)"
            " SELECT l.id, n, 'admit', %s, '{}', sha256('salt'), body,"
            " sha256('\\x00'::bytea || sha256('salt') || body::bytea), now()"
            " FROM shared_list l, generate_series(0, 3999) n,"
            " concat('{\"filler\":\"', repeat('x', 2000), '\"}') body WHERE l.slug = 'main'",
            [report(cast.police, "a").pk],
        )
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    before = _memory_bytes(feed)
    slow = [feed.events("lists/main/events", cast.platform) for _ in range(40)]
    for events in slow:
        events.next_event()
    time.sleep(3)
    grown = _memory_bytes(feed) - before
    assert grown < 100_000_000
    assert feed.get("lists/main/entries?limit=1", cast.platform)[0] == 200


def _memory_bytes(feed: FeedProcess) -> int:
    """Return what the feed and its workers hold in memory."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return sum(rss for pid, parent, rss in rows if feed.process.pid in {pid, parent}) * 1024
