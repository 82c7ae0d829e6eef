"""The signed log as a follower meets it: all agrees with the checkpoint, whatever happens to hub and database."""

import asyncio
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest
import zstandard
from django.db import connection, transaction
from staydown_hub.audit.models import AuditRecord
from staydown_hub.feed.application import READ
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database
from staydown_hub.feed.posts import POSTED
from staydown_hub.feed.served import Sealing, ServedLog
from staydown_hub.lists import services
from staydown_hub.lists.accounting import problems
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.lists.queries import records
from staydown_hub.registry.models import Item
from staydown_hub.sealing.errors import NotAsSignedError
from staydown_hub.sealing.export import export_log
from staydown_hub.sealing.keys import FileKeys
from staydown_hub.sealing.memory import Signed, read_signed
from staydown_hub.sealing.notes import Checkpoint, parse_checkpoint, parse_note, parse_vkey
from staydown_hub.sealing.signer import Signer, make_missing
from staydown_hub.sealing.tree import CompactRange

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, report, sha256_of
from packages.hub.tests.integration.feed.conftest import ORIGIN, PATIENCE_S, Answer, FeedProcess
from packages.hub.tests.integration.feed.witness import Signer as Witness
from packages.hub.tests.unit.sealing.oracle import tree_hash

PATHS = {"tile": "tile/0/000.p/1", "bundle": "bundle/000"}


def verified(note: str, vkeys: list[str]) -> Checkpoint:
    """Return what the note says, if one of the keys signed it."""
    read = parse_note(note)
    keys = {(one.name, one.id): one for one in map(parse_vkey, vkeys)}
    assert any(
        keys[line.name, line.key_id].verify(read.text.encode(), line.signature)
        for line in read.signatures
        if (line.name, line.key_id) in keys
    )
    return parse_checkpoint(read.text)


def keys_of(feed: FeedProcess, cast: Cast) -> list[str]:
    status, told = feed.get("lists/main/keys", cast.platform)
    assert (status, told["origin"]) == (200, f"{ORIGIN}/main")
    return [one["vkey"] for one in told["keys"]]


def checkpoint(feed: FeedProcess, cast: Cast) -> Checkpoint:
    answer = feed.raw("lists/main/checkpoint", cast.platform)
    assert answer.status == 200, answer
    return verified(answer.body.decode(), keys_of(feed, cast))


def leaves_in(data: bytes, *, first: int) -> list[bytes]:
    """Read the binary form by its description alone; return the leaves' hashes."""
    assert data[:4] == b"SDB\x01"
    assert int.from_bytes(data[4:12]) == first
    count, at, leaves = int.from_bytes(data[12:16]), 16, list[bytes]()
    for _ in range(count):
        if data[at] == 1:
            leaves.append(data[at + 1 : at + 33])
            at += 33
        else:
            length = int.from_bytes(data[at + 33 : at + 37])
            content = data[at + 1 : at + 33] + data[at + 37 : at + 37 + length]
            leaves.append(hashlib.sha256(b"\x00" + content).digest())
            at += 37 + length
    assert at == len(data)
    return leaves


def leaf_of(record: dict[str, str]) -> bytes:
    if "leaf" in record:
        return base64.b64decode(record["leaf"])
    return hashlib.sha256(b"\x00" + base64.b64decode(record["salt"]) + record["entry"].encode()).digest()


def wait_for_size(feed: FeedProcess, cast: Cast, size: int) -> Checkpoint:
    feed.wait_for(lambda: checkpoint(feed, cast).size == size, f"{size} entries are signed")
    return checkpoint(feed, cast)


def agrees(feed: FeedProcess, cast: Cast, *, size: int) -> list[bytes]:
    """Check that what is served is what was signed; return the leaves."""
    signed = wait_for_size(feed, cast, size)
    tail = feed.raw("lists/main/tail", cast.platform)
    leaves = leaves_in(tail.body, first=0)
    assert tree_hash(leaves) == signed.root
    if 0 < size < 256:
        assert feed.raw(f"lists/main/tile/0/000.p/{size}", cast.platform).body == b"".join(leaves)
    return leaves


def redact(cast: Cast, position: int) -> Entry:
    people = [services.Confirmation(one.organisation.pk, one.organisation.pk) for one in (cast.police, cast.monitor)]
    main = SharedList.objects.get(slug="main")
    return services.redact(shared_list=main, position=position, reason="A mistake.", confirmed_by=people, source="test")


def fill(item: Item, *, start: int, count: int, weight: int = 10) -> None:
    """Write entries past the wall, many at once."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at)"
            " SELECT l.id, n, 'admit', %s, '{}', sha256(int4send(n)), body,"
            " sha256('\\x00'::bytea || sha256(int4send(n)) || body::bytea), now() FROM shared_list l,"
            " generate_series(%s, %s) n, LATERAL concat('{\"n\":', n, ',\"x\":\"', repeat('x', %s), '\"}') body"
            " WHERE l.slug = 'main'",
            [item.pk, start, start + count - 1, weight],
        )
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
        cursor.execute("NOTIFY staydown_entries, 'main:0'")


def kill(feed: FeedProcess) -> None:
    """End the feed and its worker at once, as a loss of power would."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children = [int(line.split()[0]) for line in listed.splitlines() if int(line.split()[1]) == feed.process.pid]
    for pid in (feed.process.pid, *children):
        os.kill(pid, signal.SIGKILL)
    feed.process.wait()


def test_everything_agrees_with_the_checkpoint(feed: FeedProcess, cast: Cast) -> None:
    assert checkpoint(feed, cast) == Checkpoint(f"{ORIGIN}/main", 0, hashlib.sha256().digest())
    events = feed.events("lists/main/events", cast.platform)
    assert events.next_line().startswith(":")
    for name in ("boat", "tree", "rocket"):
        admitted_item(cast, name)
    assess(cast.police, "boat", code="NONE")
    leaves = agrees(feed, cast, size=4)
    vkeys, got = keys_of(feed, cast), list[bytes]()
    while len(got) < 4:
        event = events.next_event()
        data = json.loads(event["data"])
        assert (event["event"], data["first"]) == ("entries", len(got))
        got += map(leaf_of, data["records"])
        assert int(event["id"]) == len(got) - 1
        told = verified(data["checkpoint"], vkeys)
        assert (told.size, told.root) == (len(got), tree_hash(got)), "each event can be verified by itself"
    assert got == leaves
    assert SharedList.objects.values_list("log_origin", "log_keys").get() == (f"{ORIGIN}/main", vkeys)


def test_tails_begin_and_end_where_they_are_asked_to(feed: FeedProcess, cast: Cast) -> None:
    for name in ("boat", "tree", "rocket"):
        admitted_item(cast, name)
    leaves = agrees(feed, cast, size=3)
    for after, limit, expected in (
        (-1, 2, leaves[:2]),
        (0, 1, leaves[1:2]),
        (1, 4096, leaves[2:]),
        (2, 9, []),
        (7, 9, []),
    ):
        tail = feed.raw(f"lists/main/tail?after={after}&limit={limit}", cast.platform)
        assert leaves_in(tail.body, first=after + 1) == expected
    for wrong in ("after=x", "after=-2", "limit=0", "limit=4097", "before=1"):
        assert feed.get(f"lists/main/tail?{wrong}", cast.platform)[0] == 422


def test_a_redaction_keeps_the_tree_and_leaves_no_text(feed: FeedProcess, cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    admitted_item(cast, "tree")
    before = agrees(feed, cast, size=2)
    events = feed.events("lists/main/events?after=1", cast.platform)
    redact(cast, 0)
    told = json.loads(events.next_event()["data"])
    assert json.loads(told["records"][0]["entry"])["positions"] == [0]
    leaves = agrees(feed, cast, size=3)
    assert leaves[:2] == before
    late = feed.events("lists/main/events", cast.platform)
    assert late.next_event() == {"event": "behind", "data": '{"size":3}'}, "nobody is told a text that was erased"
    assert sha256_of("boat").value.hex().encode() not in feed.raw("lists/main/tail", cast.platform).body
    feed.stop()
    feed.start()
    [first] = [json.loads(feed.events("lists/main/events", cast.platform).next_event()["data"])]
    assert first["records"][0] == {"leaf": base64.b64encode(leaves[0]).decode()}
    assert agrees(feed, cast, size=3) == leaves
    assert str(item.pk) not in feed.said()


def test_bundles_are_cached_ranged_and_made_anew_after_a_redaction(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "boat")
    text = (Entry.objects.get().body or "").encode()
    fill(report(cast.police, "tree"), start=1, count=4200)
    signed = wait_for_size(feed, cast, 4201)
    whole = feed.raw("lists/main/bundle/000", cast.platform)
    assert (whole.status, whole.headers["cache-control"], whole.headers["accept-ranges"]) == (200, "no-cache", "bytes")
    leaves = leaves_in(whole.body, first=0)
    rest = leaves_in(feed.raw("lists/main/tail?after=4095", cast.platform).body, first=4096)
    assert tree_hash([*leaves, *rest]) == signed.root
    assert text in whole.body
    _check_coding_and_ranges(feed, cast, whole)
    _check_tiles(feed, cast, [*leaves, *rest])
    redact(cast, 0)
    wait_for_size(feed, cast, 4202)
    again = feed.raw("lists/main/bundle/000", cast.platform, If_None_Match=whole.headers["etag"])
    assert again.status == 200, "it is another one now"
    assert leaves_in(again.body, first=0) == leaves
    assert text not in again.body
    for path in (feed.home / "log").rglob("*.zst"):
        assert text not in zstandard.ZstdDecompressor().decompress(path.read_bytes())


def _check_coding_and_ranges(feed: FeedProcess, cast: Cast, whole: Answer) -> None:
    path, etag = "lists/main/bundle/000", whole.headers["etag"]
    coded = feed.raw(path, cast.platform, Accept_Encoding="gzip, zstd")
    assert coded.headers["content-encoding"] == "zstd"
    assert zstandard.ZstdDecompressor().decompress(coded.body) == whole.body
    assert coded.headers["etag"] != etag
    assert coded.headers["vary"] == "Accept-Encoding"
    same = feed.raw(path, cast.platform, If_None_Match=f'"x", {etag}')
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", etag)
    part = feed.raw(path, cast.platform, Range="bytes=4-11")
    assert (part.status, part.body) == (206, whole.body[4:12])
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole.body)}"
    assert feed.raw(path, cast.platform, Range="bytes=-5", If_Range=etag).body == whole.body[-5:]
    assert feed.raw(path, cast.platform, Range="bytes=-5", If_Range='"x"').body == whole.body
    assert feed.raw(path, cast.platform, Range="bytes=0-1,3-4").body == whole.body
    assert feed.raw(path, cast.platform, Range=f"bytes={len(whole.body)}-").status == 416


def _check_tiles(feed: FeedProcess, cast: Cast, leaves: list[bytes]) -> None:
    full = feed.raw("lists/main/tile/0/015", cast.platform)
    assert full.body == b"".join(leaves[3840:4096])
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert feed.raw("lists/main/tile/0/015", cast.platform, If_None_Match=full.headers["etag"]).status == 304
    above = feed.raw("lists/main/tile/1/000.p/16", cast.platform)
    assert above.body == b"".join(tree_hash(leaves[at : at + 256]) for at in range(0, 4096, 256))
    assert "immutable" not in above.headers["cache-control"]
    for path in ("tile/0/016", "tile/0/016.p/200", "tile/1/000.p/17", "tile/1/000", "tile/2/000", "tile/63/000",
                 "tile/0/0", "tile/0/x000/001", "tile/0/000.p/0", "tile/a/000", "tile/0/../000", "tile/0/000/",
                 "bundle/001", "bundle/x000/000", "bundle/0", "bundle/-01", "bundle/000.p/1"):  # fmt: skip
        status, answer = feed.get(f"lists/main/{path}", cast.platform)
        assert (status, answer["error"]) == (404, "not_found"), path
    for path in ("tile/0/000?x=1", "bundle/000?after=1", "checkpoint?x", "keys?x=1"):
        status, answer = feed.get(f"lists/main/{path}", cast.platform)
        assert (status, answer["fields"][0]["field"]) == (422, "query"), path


def test_a_checkpoint_is_asked_for_again_cheaply(feed: FeedProcess, cast: Cast) -> None:
    first = feed.raw("lists/main/checkpoint", cast.platform)
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = feed.raw("lists/main/checkpoint", cast.platform, If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    admitted_item(cast, "boat")
    wait_for_size(feed, cast, 1)
    assert feed.raw("lists/main/checkpoint", cast.platform, If_None_Match=first.headers["etag"]).status == 200


@contextmanager
def audience(kinds: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT audience_kinds FROM shared_list WHERE slug = 'main'")
        before = cursor.fetchone()[0]
        cursor.execute("UPDATE shared_list SET audience_kinds = %s WHERE slug = 'main'", [kinds])
        yield
        cursor.execute("UPDATE shared_list SET audience_kinds = %s WHERE slug = 'main'", [before])


def test_no_route_is_there_for_those_outside_the_audience(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "boat")
    wait_for_size(feed, cast, 1)
    places = [(PATHS.get(name, name), "GET") for name in READ] + [(name, "POST") for name in sorted(POSTED)]
    with audience("{carrier}"):
        for place, method in places:
            ask = partial(feed.get, method=method)
            answers = [ask(f"lists/{slug}/{place}", cast.platform) for slug in ("main", "nowhere")]
            assert answers[0][0] == 404, place
            assert answers[0] == answers[1], "another's list looks as one that is not there"
            assert ask(f"lists/main/{place}", cast.outsider)[0] == 403
            assert ask(f"lists/main/{place}")[0] == 401
    refusals = AuditRecord.objects.filter(act="request refused")
    assert refusals.filter(organisation=cast.platform.organisation.pk).count() == 2 * len(places)
    assert refusals.filter(organisation=cast.outsider.organisation.pk).count() == len(places)


def test_a_slow_follower_is_sent_to_catch_up(feed: FeedProcess, cast: Cast) -> None:
    item = report(cast.police, "boat")
    slow = feed.events("lists/main/events", cast.platform)
    assert slow.next_line().startswith(":")
    for start in range(0, 12_000, 4000):
        fill(item, start=start, count=4000, weight=3000)
        wait_for_size(feed, cast, start + 4000)
    last, event = -1, slow.next_event()
    while event["event"] == "entries":
        assert json.loads(event["data"])["first"] == last + 1
        last, event = int(event["id"]), slow.next_event()
    assert event == {"event": "behind", "data": '{"size":12000}'}
    with pytest.raises(EOFError):
        slow.next_event()
    fresh = feed.events("lists/main/events?after=11999", cast.platform)
    assert fresh.next_line().startswith(":")


def test_a_feed_killed_after_signing_publishes_just_that(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "boat")
    agrees(feed, cast, size=1)
    kill(feed)
    admitted_item(cast, "tree")
    leaves = [bytes(one) for one in Entry.objects.order_by("position").values_list("leaf_hash", flat=True)]
    signed = _sign_and_say_nothing(feed.home / "signing", leaves)
    feed.start()
    assert feed.raw("lists/main/checkpoint", cast.platform).body.decode() == signed
    event = json.loads(feed.events("lists/main/events?after=0", cast.platform).next_event()["data"])
    assert (event["first"], event["checkpoint"]) == (1, signed)
    assert agrees(feed, cast, size=2) == leaves


def _sign_and_say_nothing(folder: Path, leaves: list[bytes]) -> str:
    with Signer(folder, slug="main", origin=f"{ORIGIN}/main", store=FileKeys(folder, origin=ORIGIN)) as signer:
        before = CompactRange()
        before.extend(leaves[:-1])
        signer.resume(before)
        return signer.extend(leaves[-1:]).note


def test_kill_9_at_any_moment_never_makes_a_second_history(feed: FeedProcess, cast: Cast) -> None:
    """What was signed before is always the beginning of what is signed after."""
    seen = [checkpoint(feed, cast)]
    for number in range(3):
        for name in "abc":
            admitted_item(cast, f"{name}{number}")
        time.sleep(number / 100)
        seen.append(checkpoint(feed, cast))
        kill(feed)
        feed.start()
    leaves = agrees(feed, cast, size=9)
    for one in seen:
        assert one.root == tree_hash(leaves[: one.size])


def test_files_that_are_gone_or_damaged_are_made_again(feed: FeedProcess, cast: Cast) -> None:
    for name in ("boat", "tree"):
        admitted_item(cast, name)
    leaves = agrees(feed, cast, size=2)
    for damage in (b"", b"x" * 96):
        feed.stop()
        (feed.home / "log/main/tree/level-0").write_bytes(damage)
        feed.start()
        assert agrees(feed, cast, size=2) == leaves


@contextmanager
def backup() -> Iterator[str]:
    """Give a copy of the database as it stands; nobody may be connected while it is made."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}_backup" TEMPLATE "{name}"')
    yield f"{name}_backup"
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}_backup" WITH (FORCE)')


@contextmanager
def put_in_place(name: str) -> Iterator[None]:
    """Have hub and feed use this database instead, as after a restore."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def refuses(feed: FeedProcess, cast: Cast, *, note: bytes, why: str) -> None:
    assert feed.get("healthz") == (200, {"status": "not_signing"})
    assert f"refuses to sign: 2 entries were signed, and the database has {why}" in feed.said()
    assert feed.raw("lists/main/checkpoint", cast.platform).body == note
    assert feed.raw("lists/main/tile/0/000.p/2", cast.platform).status == 200
    for path in ("tail", "bundle/000", "events"):
        status, answer = feed.get(f"lists/main/{path}", cast.platform)
        assert (status, answer["error"]) == (503, "log_refused"), path


def test_a_restored_backup_is_refused_and_said_so(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "boat")
    agrees(feed, cast, size=1)
    feed.stop()
    with backup() as name:
        feed.start()
        admitted_item(cast, "tree")
        agrees(feed, cast, size=2)
        note = feed.raw("lists/main/checkpoint", cast.platform).body
        feed.stop()
        with put_in_place(name):
            feed.start()
            refuses(feed, cast, note=note, why="only 1")
            feed.stop()
            for other in ("rocket", "cat"):
                admitted_item(cast, other)
            feed.start()
            refuses(feed, cast, note=note, why="another entry at position 1")
            assert "list main: its first 2 entries are not those that were signed" in problems(feed.home / "signing")
            feed.stop()
        feed.start()
        admitted_item(cast, "rocket")
        agrees(feed, cast, size=3)


def test_a_whole_hub_that_was_put_back_stops_at_its_own_later_signature(feed: FeedProcess, cast: Cast) -> None:
    """Database and signing folder of one moment agree with each other; only who saw more can tell."""
    witness = Witness("centre.example").registered()
    admitted_item(cast, "boat")
    agrees(feed, cast, size=1)
    feed.stop()
    shutil.copytree(feed.home / "signing", feed.home / "backup")
    with backup() as name:
        feed.start()
        admitted_item(cast, "tree")
        agrees(feed, cast, size=2)
        shown = witness.cosigned(feed.raw("lists/main/checkpoint", cast.platform).body.decode())
        feed.stop()
        shutil.rmtree(feed.home / "signing")
        shutil.copytree(feed.home / "backup", feed.home / "signing")
        with put_in_place(name):
            feed.start()
            agrees(feed, cast, size=1)
            others = Witness("hub.example/main").line(shown.decode()).encode()
            forged = shown.split(b"\n\n")[0] + b"\n\n" + others + shown.splitlines(keepends=True)[-1]
            assert feed.post("lists/main/cosignatures", forged, cast.monitor, media_type="text/plain")[0] == 409
            assert feed.get("healthz") == (200, {"status": "ok"}), "a signature that is not its own proves nothing"
            assert feed.post("lists/main/cosignatures", shown, cast.monitor, media_type="text/plain")[0] == 409
            for _ in range(2):
                feed.wait_for(lambda: feed.get("healthz")[1] == {"status": "not_signing"}, "the feed stops signing")
                assert "a witness showed this hub's own signature of 2 entries" in feed.said()
                admitted_item(cast, "rocket")
                assert feed.get("lists/main/tail", cast.platform)[0] == 503
                feed.stop()
                feed.start()


def test_requests_never_stand_in_the_signers_way(feed: FeedProcess, cast: Cast, tmp_path: Path) -> None:
    """Every connection that requests may use is taken, as by a rush of downloads; what comes is signed all the same."""
    conninfo = feed.environment()["DATABASE_URL"]
    store = FileKeys(tmp_path / "other", origin=ORIGIN)
    make_missing(tmp_path / "other", store, origin=ORIGIN, slugs=["main"])
    sealing = Sealing(store, origin=ORIGIN, signing_folder=tmp_path / "other", log_folder=tmp_path / "other-log")
    admitted_item(cast, "boat")

    async def signs() -> None:
        changes = Changes()
        async with AsyncExitStack() as stack:
            own = await stack.enter_async_context(Database.opened(conninfo, is_checked=False))
            requests = await stack.enter_async_context(Database.opened(conninfo))
            await stack.enter_async_context(changes.listening(conninfo))
            [shared_list] = await own.lists()
            log = ServedLog(shared_list, database=own, requests=requests, changes=changes, sealing=sealing)
            for _ in range(4):
                await stack.enter_async_context(requests.connection())
            waiting = [asyncio.create_task(log.tail(after=-1, limit=each)) for each in range(1, 9)]
            running = asyncio.create_task(log.run())
            async with asyncio.timeout(PATIENCE_S):
                while log.signed is None or log.signed.size < 1:
                    await log.news.wait()
            for task in (running, *waiting):
                task.cancel()
            await asyncio.gather(running, *waiting, return_exceptions=True)

    asyncio.run(signs())


def test_a_database_put_back_under_a_running_feed_is_noticed(feed: FeedProcess, cast: Cast) -> None:
    for name in ("boat", "tree"):
        admitted_item(cast, name)
    agrees(feed, cast, size=2)
    note = feed.raw("lists/main/checkpoint", cast.platform).body
    events = feed.events("lists/main/events?after=1", cast.platform)
    assert events.next_line().startswith(":")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE entry SET leaf_hash = sha256('other') WHERE position = 1")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    admitted_item(cast, "rocket")
    with pytest.raises(EOFError):
        events.next_event()
    refuses(feed, cast, note=note, why="another entry at position 1")


def test_a_list_without_a_key_is_said_and_goes_on_once_it_has_one(feed: FeedProcess, cast: Cast) -> None:
    feed.stop()
    [key] = (feed.home / "signing/main").glob("*.key")
    moved = key.rename(feed.home / "elsewhere")
    feed.start()
    assert feed.get("healthz") == (200, {"status": "not_signing"})
    assert "staydown-hub keys make main" in feed.said()
    assert feed.get("lists/main/checkpoint", cast.platform)[1]["error"] == "log_refused"
    moved.rename(key)
    feed.wait_for(lambda: feed.get("healthz")[1] == {"status": "ok"}, "the log is signed")
    assert checkpoint(feed, cast).size == 0


def test_an_older_entry_that_was_changed_is_not_served(feed: FeedProcess, cast: Cast) -> None:
    for name in ("boat", "tree"):
        admitted_item(cast, name)
    agrees(feed, cast, size=2)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE entry SET body = replace(body, 'TEST', 'A1') WHERE position = 0")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    status, answer = feed.get("lists/main/tail?limit=1", cast.platform)
    assert (status, answer["error"]) == (503, "log_refused")
    assert "positions 0 to 0 in the database, one is not as it was signed" in feed.said()
    assert leaves_in(feed.raw("lists/main/tail?after=0", cast.platform).body, first=1)


def test_a_gap_is_not_signed_over(feed: FeedProcess, cast: Cast) -> None:
    admitted_item(cast, "boat")
    agrees(feed, cast, size=1)
    fill(report(cast.police, "tree"), start=2, count=1)
    feed.wait_for(lambda: "the entry at position 1 is missing" in feed.said(), "the gap is said")
    assert checkpoint(feed, cast).size == 1


def test_what_was_redacted_before_it_was_told_comes_with_its_redaction(feed: FeedProcess, cast: Cast) -> None:
    events = feed.events("lists/main/events", cast.platform)
    assert events.next_line().startswith(":")
    with transaction.atomic():
        admitted_item(cast, "boat")
        redact(cast, 0)
    agrees(feed, cast, size=2)
    records = json.loads(events.next_event()["data"])["records"]
    assert [set(one) for one in records] == [{"leaf"}, {"salt", "entry"}]


def test_an_exported_log_is_what_the_feed_serves_and_forgets_what_was_redacted(
    feed: FeedProcess, cast: Cast, tmp_path: Path
) -> None:
    folder = tmp_path / "mirror"

    def exported() -> Signed:
        signed = read_signed(feed.home / "signing/main")
        export_log(folder, slug="main", signed=signed, read=partial(records, SharedList.objects.get(slug="main")))
        return signed

    for number in range(3):
        admitted_item(cast, f"item{number}")
    agrees(feed, cast, size=3)
    assert exported().size == 3
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        served = "tail" if name == "bundle/000.p/3" else name
        assert feed.raw(f"lists/main/{served}", cast.platform).body == path.read_bytes(), name
    redact(cast, 1)
    agrees(feed, cast, size=4)
    assert exported().size == 4
    assert sorted(path.relative_to(folder).as_posix() for path in folder.glob("bundle/**/*") if path.is_file()) == [
        "bundle/000.p/4"
    ]
    leaves = leaves_in((folder / "bundle/000.p/4").read_bytes(), first=0)
    assert parse_checkpoint(parse_note((folder / "checkpoint").read_text()).text).root == tree_hash(leaves)
    assert b"".join(leaves) == (folder / "tile/0/000.p/4").read_bytes()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE entry SET leaf_hash = sha256('other'), salt = NULL, body = NULL WHERE position = 0")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    before = (folder / "checkpoint").read_bytes()
    with pytest.raises(NotAsSignedError):
        exported()
    assert (folder / "checkpoint").read_bytes() == before
