"""The feed as a follower meets it: pages, live events, refusals, and its own stopping."""

import json
import signal
import subprocess
import time

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations import keys
from staydown_hub.organisations.models import ApiKey

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, report
from packages.hub.tests.integration.feed.conftest import FeedProcess


def _prefix(token: str) -> str:
    return token.split("_")[1]


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
        assert feed.get("lists/main/keys", cast.member(name))[0] == 200, name


def test_an_outsider_is_refused_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    for route in ("lists/main/tail", "lists/main/events", "lists/other/tail"):
        assert feed.get(route, cast.outsider)[0] == 403
    refusals = AuditRecord.objects.filter(act="request refused", organisation=cast.outsider.organisation.pk)
    assert refusals.count() == 3
    assert {one.source for one in refusals} == {"feed"}


def test_a_list_of_others_is_not_there_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shared_list SET audience_kinds = '{carrier}' WHERE slug = 'main'")
    try:
        status, answer = feed.get("lists/main/tail", cast.platform)
        missing = feed.get("lists/nowhere/tail", cast.platform)
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
        status, answer = feed.get("lists/main/tail", token=token)
        assert (status, answer["error"], answer["fields"]) == (401, "unauthorised", [])


def test_a_revoked_key_is_refused_and_that_is_written_down(feed: FeedProcess, cast: Cast) -> None:
    keys.revoke_api_key(prefix=_prefix(cast.platform.token))
    assert feed.get("lists/main/tail", cast.platform)[0] == 401
    assert AuditRecord.objects.filter(act="key refused", organisation=cast.platform.organisation.pk).count() == 1


def test_revoking_a_key_ends_its_streams(feed: FeedProcess, cast: Cast) -> None:
    events = feed.events("lists/main/events", cast.platform)
    keys.revoke_api_key(prefix=_prefix(cast.platform.token))
    with pytest.raises(EOFError):
        events.next_event()


def test_a_keys_use_is_noted(feed: FeedProcess, cast: Cast) -> None:
    feed.raw("lists/main/tail", cast.platform)
    assert ApiKey.objects.get(prefix=_prefix(cast.platform.token)).last_used_at is not None


WRONG_PARAMETERS = {
    "tail?after=x": "after",
    "tail?after=-2": "after",
    "tail?after=99999999999999999999": "after",
    "tail?limit=0": "limit",
    "tail?limit=4097": "limit",
    "tail?limit=": "limit",
    "tail?before=3": "query",
    "tail?after=1&after=2": "query",
    "events?after=1.5": "after",
    "events?limit=5": "query",
    "tail?" + "after=1&" * 50: "query",
}


def test_wrong_parameters_are_named(feed: FeedProcess, cast: Cast) -> None:
    for path, field in WRONG_PARAMETERS.items():
        status, answer = feed.get(f"lists/main/{path}", cast.platform)
        assert (status, [one["field"] for one in answer["fields"]]) == (422, [field]), path


def test_nothing_can_be_written(feed: FeedProcess, cast: Cast) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert feed.get("lists/main/tail", cast.platform, method=method)[0] == 405


def test_unknown_routes_are_not_there(feed: FeedProcess, cast: Cast) -> None:
    for path in ("", "lists", "lists/main", "lists/main/other", "lists/../main/tail", "lists/main/entries"):
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
    assert feed.raw("lists/main/tail?limit=1", cast.platform).status == 200


def _memory_bytes(feed: FeedProcess) -> int:
    """Return what the feed and its workers hold in memory."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return sum(rss for pid, parent, rss in rows if feed.process.pid in {pid, parent}) * 1024
