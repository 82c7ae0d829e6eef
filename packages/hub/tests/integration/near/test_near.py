"""The near process over a real database and socket: complete for every question, and never taken for "nothing"."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client
from psycopg.conninfo import make_conninfo
from staydown_hub.near.following import Following
from staydown_hub.near.server import NearServer
from staydown_hub.registry import near
from staydown_hub.registry.errors import NearMatchAwayError
from staydown_hub.registry.models import Item
from staydown_hub.rules.fingerprints import Fingerprint, asked_near

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import pdq_of, report, report_body, sha256_of, wire

pytestmark = pytest.mark.usefixtures("committed_db")
NAMES = [f"boat-{number}" for number in range(40)]


@pytest.fixture
def conninfo(committed_db: None, postgres: str) -> str:
    del committed_db
    return make_conninfo(postgres, dbname=str(connection.settings_dict["NAME"]))


@pytest.fixture
def following(conninfo: str) -> Iterator[Following]:
    with Following(conninfo) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the socket's place, and have the registry ask there whatever is stored."""
    path = tmp_path / "near.sock"
    monkeypatch.setenv("STAYDOWN_NEAR_SOCKET", str(path))
    monkeypatch.setattr(near, "_COMPARED_HERE", 0)
    return path


@contextmanager
def serving(path: Path, following: Following) -> Iterator[None]:
    with NearServer(path, following) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield
        server.shutdown()
        thread.join()


def sought(*fingerprints: Fingerprint, kind: str = "picture") -> near.Sought:
    return near.Sought(kind, asked_near(kind, fingerprints))


def asked_for(names: list[str], generator: random.Random) -> list[near.Sought]:
    """Return what is near the named, just beyond, and far from all, in pictures and videos."""
    found = []
    for name in names:
        near_by = [pdq_of(name, flipped_bits=generator.choice((0, 7, 30, 31, 32, 40))) for _ in range(2)]
        found.append(sought(*near_by, pdq_of(f"not {name}"), kind=generator.choice(("picture", "video"))))
    return found


def test_it_says_what_the_sequential_statement_says(
    cast: Cast, following: Following, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        report(cast.police, name)
    asked = asked_for(NAMES, random.Random(7))  # noqa: S311 -- nothing secret
    with serving(place, following):
        by_index = near.nearest(asked)
    monkeypatch.setattr(near, "_COMPARED_HERE", 10**9)
    assert near.nearest(asked) == by_index
    assert any(by_index)
    assert not all(by_index)


def test_what_was_committed_a_moment_ago_is_found(cast: Cast, following: Following, place: Path) -> None:
    with serving(place, following):
        for name in NAMES[:5]:
            assert near.nearest([sought(pdq_of(name, flipped_bits=9))]) == [None]
            item = report(cast.police, name)
            assert near.nearest([sought(pdq_of(name, flipped_bits=9))]) == [item.pk]


def test_what_is_committed_later_than_what_has_a_higher_key_is_found(
    cast: Cast, conninfo: str, following: Following
) -> None:
    """Keys are given out in one order, and become visible in another."""
    item = report(cast.police, "boat")
    insert = "INSERT INTO fingerprint (item_id, algorithm, value, quality) VALUES (%s, 'pdq', %s, 100)"
    with psycopg.connect(conninfo) as slow, psycopg.connect(conninfo, autocommit=True) as fast:
        slow.execute(insert, [item.pk, pdq_of("slow").value])
        for number in range(3):
            fast.execute(insert, [item.pk, pdq_of(f"fast {number}").value])
            fast.execute("SELECT setval('fingerprint_id_seq', nextval('fingerprint_id_seq') + 5000)")
            assert len(following.near(pdq_of(f"fast {number}").value)) == 1
        assert following.near(pdq_of("slow").value) == []
        slow.commit()
    assert len(following.near(pdq_of("slow").value)) == 1
    assert len(following.near(pdq_of("slow").value)) == 1  # once, however often it was read


def test_a_hash_that_becomes_good_enough_is_found(cast: Cast, conninfo: str, following: Following) -> None:
    item = report(cast.police, "boat")
    with psycopg.connect(conninfo, autocommit=True) as other:
        poor = pdq_of("poor", quality=49)
        insert = "INSERT INTO fingerprint (item_id, algorithm, value, quality) VALUES (%s, 'pdq', %s, 49)"
        other.execute(insert, [item.pk, poor.value])
        assert following.near(poor.value) == []
        other.execute("UPDATE fingerprint SET quality = 50 WHERE value = %s", [poor.value])
        assert len(following.near(poor.value)) == 1


def test_without_it_the_database_does_it_as_long_as_that_takes_seconds(
    cast: Cast, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not place.exists()
    item = report(cast.police, "boat")
    assert near.nearest([sought(pdq_of("boat", flipped_bits=9))]) == [item.pk]
    monkeypatch.setattr(near, "_COMPARED_AT_MOST", 0)
    with pytest.raises(NearMatchAwayError):
        near.nearest([sought(pdq_of("boat", flipped_bits=9))])


def test_nothing_is_taken_for_new_while_nobody_can_say_so(
    cast: Cast, client: Client, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not place.exists()
    report(cast.police, "boat")
    monkeypatch.setattr(near, "_COMPARED_AT_MOST", 0)
    before = Item.objects.count()
    single = cast.police.post(client, "reports", report_body("tree"))
    assert (single.status_code, single.json()["error"]) == (503, "unavailable")
    lines = json.dumps({**report_body("tree"), "reference": "1"})
    many = client.post(
        "/api/v1/reports/batch", lines, content_type="application/x-ndjson", headers=cast.police.headers()
    )
    [refused, end] = [json.loads(line) for line in many.getvalue().splitlines()]
    assert (refused["status"], refused["error"], end) == (503, "unavailable", {"rows": 1})
    assert Item.objects.count() == before
    # What has a known exact fingerprint needs no near match.
    assert cast.police.post(client, "reports", report_body("boat")).status_code == 200


def test_a_batch_finds_near_copies_by_it(cast: Cast, client: Client, following: Following, place: Path) -> None:
    items = [report(cast.police, name) for name in NAMES[:6]]
    rows = [
        {
            **report_body(f"copy-{name}"),
            "fingerprints": wire((sha256_of(f"copy of {name}"), pdq_of(name, flipped_bits=15))),
            "sightings": [],
            "reference": name,
        }
        for name in NAMES[:7]
    ]
    with serving(place, following):
        answer = client.post(
            "/api/v1/reports/batch",
            "\n".join(json.dumps(one) for one in rows),
            content_type="application/x-ndjson",
            headers=cast.police.headers(),
        )
        told = [json.loads(line) for line in answer.getvalue().splitlines()][:-1]
    assert [one["item"] for one in told[:6]] == [str(item.pk) for item in items]
    assert [one["known"] for one in told] == [True] * 6 + [False]


def test_its_socket_is_the_hubs_own(following: Following, place: Path) -> None:
    with serving(place, following):
        assert place.stat().st_mode & 0o077 == 0
    with serving(place, following):  # what a killed one left behind is no obstacle
        assert near.nearest([sought(pdq_of("boat"))]) == [None]


def test_a_server_that_breaks_off_is_not_believed(cast: Cast, conninfo: str, place: Path) -> None:
    item = report(cast.police, "boat")

    class Broken(Following):
        def near(self, hashes: bytes) -> list[tuple[int, int]]:
            raise psycopg.OperationalError(str(len(hashes)))

    with serving(place, Broken(conninfo)):
        assert near.nearest([sought(pdq_of("boat", flipped_bits=9))]) == [item.pk]
