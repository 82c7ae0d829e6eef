"""Cosignatures as witnesses send them: verified, kept, served under the checkpoint and pushed; garbage never."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.models import SharedList
from staydown_hub.witnesses.models import Cosignature
from staydown_hub.witnesses.services import remove_witness

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.feed.conftest import FeedProcess
from packages.hub.tests.integration.feed.witness import Signer


def checkpoint(feed: FeedProcess, cast: Cast, *, size: int | None = None) -> str:
    """Return the checkpoint as it is served, once it is of this size."""

    def read() -> str:
        answer = feed.raw("lists/main/checkpoint", cast.platform)
        assert answer.status == 200
        return answer.body.decode()

    if size is not None:
        feed.wait_for(lambda: read().split("\n")[1] == str(size), f"the checkpoint is of size {size}")
    return read()


def send(feed: FeedProcess, cast: Cast, body: bytes, *, media_type: str = "text/plain; charset=utf-8") -> int:
    status, _ = feed.post("lists/main/cosignatures", body, cast.monitor, media_type=media_type)
    return status


def wrong(feed: FeedProcess, cast: Cast, body: bytes) -> list[str]:
    status, answer = feed.post("lists/main/cosignatures", body, cast.monitor, media_type="text/plain")
    assert status == 422, answer
    return [one["field"] for one in answer["fields"]]


def test_cosignatures_are_served_under_the_checkpoint_and_pushed(feed: FeedProcess, cast: Cast) -> None:
    first, second = Signer("police.example/witness").registered(), Signer("centre.example").registered()
    admitted_item(cast, "a")
    note = checkpoint(feed, cast, size=1)
    followers = [feed.events("lists/main/events?after=0", cast.platform) for _ in range(2)]
    tag = feed.raw("lists/main/checkpoint", cast.platform).headers["etag"]
    assert send(feed, cast, first.cosigned(note, at_s=1_700_000_000)) == 204
    line = first.line(note, at_s=1_700_000_000)
    assert checkpoint(feed, cast) == note + line
    assert feed.raw("lists/main/checkpoint", cast.platform).headers["etag"] != tag
    for one in followers:
        event = one.next_event()
        assert (event["event"], "id" in event) == ("checkpoint", False)
        assert json.loads(event["data"]) == {"checkpoint": note + line}
    text = note.split("\n\n")[0] + "\n\n"
    assert send(feed, cast, (text + second.line(note)).encode()) == 204, "the hub's own line need not come along"
    whole = checkpoint(feed, cast)
    assert whole.startswith(note)
    assert whole.count("\n— centre.example ") == whole.count("\n— police.example/witness ") == 1
    assert json.loads(followers[0].next_event()["data"]) == {"checkpoint": whole}
    late = feed.events("lists/main/events?after=0", cast.platform)
    assert json.loads(late.next_event()["data"]) == {"checkpoint": whole}, "who comes later is told too"
    keys = feed.get("lists/main/keys", cast.platform)[1]
    assert keys["witnesses"] == [second.vkey, first.vkey]
    row = Cosignature.objects.get(witness__name=first.name)
    assert (row.size, row.line) == (1, line)
    assert row.signed_at == datetime.fromtimestamp(1_700_000_000, tz=UTC)
    admitted_item(cast, "b")
    assert "centre" not in checkpoint(feed, cast, size=2), "a new checkpoint is cosigned by nobody yet"


def test_what_was_cosigned_outlives_the_process(feed: FeedProcess, cast: Cast) -> None:
    witness = Signer("centre.example").registered()
    note = checkpoint(feed, cast)
    assert send(feed, cast, witness.cosigned(note)) == 204
    before = checkpoint(feed, cast)
    feed.stop()
    feed.start()
    assert checkpoint(feed, cast) == before != note


def test_an_older_cosignature_changes_nothing(feed: FeedProcess, cast: Cast) -> None:
    witness = Signer("centre.example").registered()
    old = checkpoint(feed, cast)
    now_s = int(time.time())
    assert send(feed, cast, witness.cosigned(old, at_s=now_s)) == 204
    assert send(feed, cast, witness.cosigned(old, at_s=now_s - 60)) == 204
    assert checkpoint(feed, cast) == old + witness.line(old, at_s=now_s)
    admitted_item(cast, "a")
    fresh = checkpoint(feed, cast, size=1)
    assert send(feed, cast, witness.cosigned(fresh, at_s=now_s)) == 204
    assert send(feed, cast, witness.cosigned(old, at_s=now_s + 60)) == 204, "an earlier checkpoint, sent later"
    assert checkpoint(feed, cast) == fresh + witness.line(fresh, at_s=now_s)
    row = Cosignature.objects.get()
    assert (row.size, row.line) == (1, witness.line(fresh, at_s=now_s))


def test_garbage_is_refused_and_nothing_of_it_is_served(feed: FeedProcess, cast: Cast) -> None:
    witness = Signer("centre.example").registered()
    note = checkpoint(feed, cast)
    other = note.replace("\n0\n", "\n7\n")
    for body in (b"", b"\xff", b"text", note.encode()[:-1], b"\n\n\n", note.split("\n\n")[0].encode(), b"\x00" * 999):
        assert wrong(feed, cast, body) == ["body"]
    assert wrong(feed, cast, witness.cosigned(note.replace("hub.example/main", "hub.example/other", 1))) == ["origin"]
    # Its line, and yet not its signature: of another checkpoint, of another time, too short, or of another key.
    forged = base64.b64encode(witness.key_id + int(time.time()).to_bytes(8, "big") + bytes(64)).decode()
    short = base64.b64encode(witness.key_id + bytes(20)).decode()
    for line in (witness.line(other), f"— {witness.name} {forged}\n", f"— {witness.name} {short}\n"):
        assert wrong(feed, cast, (note + line).encode()) == ["signature"]
        assert wrong(feed, cast, (note + witness.line(note) + line).encode()) == ["signature"]
    for at_s in (int(time.time()) + 900, 2**63):
        assert wrong(feed, cast, witness.cosigned(note, at_s=at_s)) in (["time"], ["signature"])
    assert send(feed, cast, b" " * 16_385) == 413
    assert send(feed, cast, witness.cosigned(note), media_type="application/json") == 415
    assert checkpoint(feed, cast) == note
    assert not Cosignature.objects.exists()


def test_only_registered_witnesses_are_taken_and_others_go_on_record(feed: FeedProcess, cast: Cast) -> None:
    witness, stranger = Signer("centre.example").registered(), Signer("centre.example")
    note = checkpoint(feed, cast)
    assert send(feed, cast, stranger.cosigned(note)) == 403, "the same name, another key"
    assert send(feed, cast, note.encode()) == 403
    assert AuditRecord.objects.filter(act="cosignature refused").count() == 2
    assert send(feed, cast, (note + stranger.line(note) + witness.line(note)).encode()) == 204
    assert checkpoint(feed, cast) == note + witness.line(note, at_s=_time_of(note, checkpoint(feed, cast)))
    assert feed.post("lists/main/cosignatures", witness.cosigned(note), media_type="text/plain")[0] == 401
    assert (
        feed.post("lists/main/cosignatures", witness.cosigned(note), cast.outsider, media_type="text/plain")[0] == 403
    )
    remove_witness(SharedList.objects.get(slug="main"), name=witness.name)
    assert send(feed, cast, witness.cosigned(note)) == 403
    assert checkpoint(feed, cast) == note, "one that is removed is served no more"
    assert feed.get("lists/main/keys", cast.platform)[1]["witnesses"] == []


def _time_of(note: str, cosigned: str) -> int:
    data = base64.b64decode(cosigned.removeprefix(note).split()[-1])
    return int.from_bytes(data[4:12], "big")


def test_a_checkpoint_that_the_hub_did_not_sign_is_a_conflict_on_record(feed: FeedProcess, cast: Cast) -> None:
    witness = Signer("centre.example").registered()
    admitted_item(cast, "a")
    note = checkpoint(feed, cast, size=1)
    root = note.split("\n")[2]
    for forged in (
        note.replace(f"\n{root}\n", f"\n{base64.b64encode(b'x' * 32).decode()}\n"),
        note.replace("\n1\n", "\n2\n"),
        note.replace("\n1\n", "\n0\n"),
    ):
        assert send(feed, cast, witness.cosigned(forged)) == 409
    records = AuditRecord.objects.filter(act="cosignature refused", organisation=cast.monitor.organisation.pk)
    assert [json.loads(one.detail)["size"] for one in records.order_by("pk")] == [1, 2, 0]
    assert not Cosignature.objects.exists()
    assert checkpoint(feed, cast) == note


def test_many_witnesses_at_once_are_all_served(feed: FeedProcess, cast: Cast) -> None:
    witnesses = [Signer(f"w{number}.example").registered() for number in range(12)]
    note = checkpoint(feed, cast)
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(lambda one: send(feed, cast, one.cosigned(note)), witnesses)) == {204}
    assert checkpoint(feed, cast).count("\n— w") == 12
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cosignature")
        assert cursor.fetchone() == (12,)
