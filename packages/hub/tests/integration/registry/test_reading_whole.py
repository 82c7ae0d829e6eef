"""No ordinary act reads a large table whole: told by PostgreSQL's own counters, so triggers and checks are seen too."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from psycopg.conninfo import make_conninfo
from staydown_hub.near.following import Following
from staydown_hub.near.server import NearServer
from staydown_hub.registry import near

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assessment_body, pdq_of, report, report_body, sha256_of, wire

ITEMS = 5_000
LARGE = ("item", "fingerprint", "fingerprint_source", "assessment", "batch_row")
FILL = """
INSERT INTO item (id, kind, opened_at, opened_by_id)
    SELECT gen_random_uuid(), 'picture', now() - number * interval '1 minute', %(organisation)s::uuid
    FROM generate_series(1, %(items)s) AS number;
INSERT INTO fingerprint (item_id, algorithm, value, quality)
    SELECT id, 'sha256', sha256(id::text::bytea), NULL::smallint FROM item
    UNION ALL SELECT id, 'pdq', sha256(('pdq of ' || id)::bytea), 90 FROM item;
INSERT INTO assessment (item_id, organisation_id, scheme, code, qualifies, independent, at)
    SELECT id, %(organisation)s::uuid, 'baseline-1', 'TEST', true, true, opened_at FROM item;
INSERT INTO fingerprint_source (fingerprint_id, organisation_id, assessment_id, quality, at)
    SELECT f.id, a.organisation_id, a.id, f.quality, a.at FROM fingerprint f JOIN assessment a USING (item_id);
INSERT INTO batch_row (organisation_id, reference, content_digest, item_id, known, batch)
    SELECT opened_by_id, 'filled-' || id, sha256(id::text::bytea), id, false, NULL FROM item;
"""
READ_WHOLE = """
    SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY (%s) ORDER BY relname
"""


@pytest.fixture
def filled(cast: Cast, committed_db: None) -> None:
    del committed_db
    values: dict[str, str | int] = {"organisation": str(cast.monitor.organisation.pk), "items": ITEMS}
    with connection.cursor() as cursor:
        for statement in FILL.split(";\n")[:-1]:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")


@pytest.fixture
def near_process(filled: None, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    del filled
    path = tmp_path / "near.sock"
    monkeypatch.setenv("STAYDOWN_NEAR_SOCKET", str(path))
    monkeypatch.setattr(near, "_COMPARED_HERE", 0)
    conninfo = make_conninfo(postgres, dbname=str(connection.settings_dict["NAME"]))
    with Following(conninfo) as following, NearServer(path, following) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield
        server.shutdown()
        thread.join()


def read_whole() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(READ_WHOLE, [list(LARGE)])
        return dict(cursor.fetchall())


@pytest.mark.usefixtures("near_process")
def test_no_ordinary_act_reads_a_large_table_whole(cast: Cast, client: Client) -> None:
    known = report(cast.support_centre, "boat", code="TEST")
    near_copy = {"fingerprints": wire((sha256_of("copy"), pdq_of("boat", flipped_bits=9))), "kind": "picture"}
    lines = "\n".join(
        json.dumps({**report_body(name), "sightings": [], "reference": name}) for name in ("boat", "lake", "hill")
    )
    acts: dict[str, Callable[[], int]] = {
        "a new item": lambda: cast.police.post(client, "reports", report_body("tree")).status_code,
        "a known item": lambda: cast.police.post(client, "reports", report_body("boat")).status_code,
        "a near copy": lambda: cast.police.post(client, "lookups", near_copy).status_code,
        "an admission": lambda: (
            cast.police.post(client, "assessments", assessment_body("boat", code="TEST")).status_code
        ),
        "a look-up": lambda: (
            cast.police.post(client, "lookups", {"fingerprints": near_copy["fingerprints"]}).status_code
        ),
        "an item": lambda: cast.police.get(client, f"items/{known.pk}").status_code,
        "a batch": lambda: _batch(cast, client, lines),
        "the same batch": lambda: _batch(cast, client, lines),
        "requests": lambda: cast.police.get(client, "requests").status_code,
    }
    read: dict[str, list[str]] = {}
    for name, act in acts.items():
        before = read_whole()
        assert act() in {200, 201}, name
        after = read_whole()
        if tables := [table for table in LARGE if after[table] > before[table]]:
            read[name] = tables
    assert read == {}
    # And that one would have been noticed:
    before = read_whole()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM fingerprint WHERE quality = 17")
    assert read_whole()["fingerprint"] > before["fingerprint"]


def _batch(cast: Cast, client: Client, lines: str) -> int:
    answer = client.post(
        "/api/v1/reports/batch", lines, content_type="application/x-ndjson", headers=cast.police.headers()
    )
    told = [json.loads(line) for line in answer.getvalue().splitlines()]
    assert told[-1] == {"rows": 3}
    assert {one["status"] for one in told[:-1]} <= {200, 201}
    return answer.status_code
