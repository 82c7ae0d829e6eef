"""Reporting and assessing send fingerprints, addresses and codes, and nothing of the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from packages.client.tests.conftest import KEY_TEXT, Body, LoopbackHub, copy_of, item_id, photograph

if TYPE_CHECKING:
    from pathlib import Path

RUN_BYTES = 12
SEEN_AT = "https://host.example/page?id=1"


def staydown(hub: LoopbackHub, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "staydown_client.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "STAYDOWN_HUB": hub.url, "STAYDOWN_API_KEY": KEY_TEXT},
        timeout=60,
        check=False,
    )


def runs_of(data: bytes) -> set[bytes]:
    return {data[start : start + RUN_BYTES] for start in range(len(data) - RUN_BYTES + 1)}


def test_a_report_holds_fingerprints_addresses_and_the_assessment_only(
    hub: LoopbackHub, cat: Path, cat_wire: list[Body]
) -> None:
    done = staydown(hub, "report", cat, "--seen-at", SEEN_AT, "--seen-at", "https://b.example", "--code", "TEST")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{cat}: new, item {item_id(7)}, waiting\n"
    [sent] = hub.requests
    assert (sent.method, sent.path) == ("POST", "/api/v1/reports")
    assert sent.headers["Content-Type"] == "application/json"
    assert json.loads(sent.body) == {
        "kind": "picture",
        "fingerprints": cat_wire,
        "sightings": [{"url": SEEN_AT}, {"url": "https://b.example"}],
        "assessment": {"code": "TEST"},
    }


def test_no_run_of_the_files_bytes_and_nothing_of_its_name_leaves(hub: LoopbackHub, cat: Path, tmp_path: Path) -> None:
    private = tmp_path / "a-name-that-says-too-much.jpg"
    private.write_bytes(copy_of(cat))
    staydown(hub, "report", private, "--seen-at", SEEN_AT)
    staydown(hub, "assess", private, "--code", "TEST")
    assert [request.path for request in hub.requests] == ["/api/v1/reports", "/api/v1/assessments"]
    for request in hub.requests:
        sent = request.body + "".join(f"{name}: {value}\n" for name, value in request.headers.items()).encode()
        assert not runs_of(private.read_bytes()) & runs_of(sent)
        assert b"too-much" not in sent


def test_without_a_code_no_assessment_is_sent(hub: LoopbackHub, cat: Path) -> None:
    staydown(hub, "report", cat, "--seen-at", SEEN_AT)
    assert set(json.loads(hub.requests[0].body)) == {"kind", "fingerprints", "sightings"}


def test_an_assessment_holds_fingerprints_and_the_code_only(hub: LoopbackHub, cat: Path, cat_wire: list[Body]) -> None:
    hub.standing = {"status": "admitted", "entries": [{"list": "national", "position": 4}]}
    done = staydown(hub, "assess", cat, "--code", "B2", "--json")
    assert done.returncode == 0
    assert json.loads(hub.requests[0].body) == {"kind": "picture", "fingerprints": cat_wire, "code": "B2"}
    assert json.loads(done.stdout) == {
        "file": str(cat),
        "item": item_id(7),
        "standing": {"status": "admitted", "entries": [{"list": "national", "position": 4}]},
    }


def test_a_report_as_json_gives_the_receipt(hub: LoopbackHub, cat: Path) -> None:
    done = staydown(hub, "report", cat, "--seen-at", SEEN_AT, "--json")
    receipt = json.loads(done.stdout)
    assert receipt == {"file": str(cat), "item": item_id(7), "known": False, "standing": hub.standing, "sightings": 1}


def test_a_key_that_may_not_read_is_told_the_item_alone(hub: LoopbackHub, cat: Path) -> None:
    hub.answers["/api/v1/reports"] = lambda handler: handler.answer({"item": item_id(7)})
    done = staydown(hub, "report", cat, "--seen-at", SEEN_AT)
    assert (done.returncode, done.stdout) == (0, f"{cat}: reported, item {item_id(7)}\n")
    done = staydown(hub, "report", cat, "--seen-at", SEEN_AT, "--json")
    assert json.loads(done.stdout) == {"file": str(cat), "item": item_id(7)}


def test_bad_files_are_named_nothing_of_them_is_sent_and_the_others_are(
    hub: LoopbackHub, cat: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(cat.read_bytes()[:9000])
    (tmp_path / "empty.png").touch()
    bad = [tmp_path / "cut.png", tmp_path / "empty.png", tmp_path, tmp_path / "missing.png"]
    done = staydown(hub, "report", *bad, cat, "--seen-at", SEEN_AT)
    assert done.returncode == 2
    assert len(hub.requests) == 1
    assert len(done.stdout.splitlines()) == 1
    complaints = done.stderr.splitlines()
    assert [complaint.startswith(f"staydown: {path} is ") for path, complaint in zip(bad, complaints, strict=True)] == [
        True
    ] * len(bad)
    assert done.stderr.count("nothing was sent") == 2


def test_an_item_that_nobody_reported_cannot_be_assessed_and_the_next_file_is_tried(
    hub: LoopbackHub, cat: Path
) -> None:
    unknown = {"error": "unknown_item", "message": "No item has these fingerprints.", "fields": []}
    hub.answers["/api/v1/assessments"] = lambda handler: handler.answer(unknown, status=404)
    done = staydown(hub, "assess", cat, photograph("coffee.png"), "--code", "A1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("staydown report FILE") == 2
    assert len(hub.requests) == 2


def test_a_refused_key_ends_the_run_and_says_what_was_not_sent(hub: LoopbackHub, cat: Path) -> None:
    refused = {"error": "forbidden", "message": "This key may not report.", "fields": []}
    hub.answers["/api/v1/reports"] = lambda handler: handler.answer(refused, status=403)
    done = staydown(hub, "report", cat, photograph("coffee.png"), photograph("coins.png"), "--seen-at", SEEN_AT)
    assert (done.returncode, done.stdout, len(hub.requests)) == (1, "", 1)
    assert "3 files were not sent" in done.stderr
    assert "This key may not report." in done.stderr
    assert KEY_TEXT not in done.stderr
