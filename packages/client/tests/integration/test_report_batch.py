"""Reporting by the thousand: each line answered, sent again when the hub breaks off, refused where it is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from staydown_client.batch import REPORTS_A_CALL, Answer, Refused, report_lines
from staydown_client.errors import HubMisbehavedError, HubUnavailableError
from staydown_client.hub import Hub

from packages.client.tests.conftest import KEY_TEXT, LoopbackHub, item_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packages.client.tests.conftest import _Handler

PATH = "/api/v1/reports/batch"
REFUSED = {"status": 422, "error": "invalid", "message": "Correct it.", "fields": [{"field": "kind", "message": "No."}]}


def line(number: int) -> bytes:
    report = {"reference": f"case-{number}", "kind": "picture", "fingerprints": [], "sightings": []}
    return json.dumps(report).encode()


def answer_to(row: int, sent: bytes) -> dict[str, object]:
    reference = json.loads(sent)["reference"]
    standing = {"status": "open", "entries": []}
    taken = {"item": item_id(7), "known": row % 2 == 1, "standing": standing, "sightings": 1}
    return {"row": row, "status": 200, "reference": reference, **taken}


def whole(lines: Sequence[bytes]) -> list[bytes]:
    answers = [answer_to(row, sent) for row, sent in enumerate(lines)]
    return [json.dumps(one).encode() for one in (*answers, {"rows": len(lines)})]


def collected(lines: Sequence[bytes], *answers: list[bytes] | Exception | None) -> tuple[list[Answer], list[int], int]:
    """Report lines to a hub that gives these answers, None for whole ones; return also the calls' sizes and waits."""
    given = list(answers)
    sizes: list[int] = []
    waits: list[float] = []

    def send(group: Sequence[bytes]) -> list[bytes]:
        sizes.append(len(group))
        told = given.pop(0) if given else None
        if isinstance(told, Exception):
            raise told
        return whole(group) if told is None else told

    found = list(report_lines(lines, send=send, receipt=Hub.receipt_in, wait=waits.append))
    return found, sizes, len(waits)


def test_lines_go_in_groups_and_are_answered_by_their_numbers() -> None:
    count = 2 * REPORTS_A_CALL + 3
    found, sizes, _ = collected([b"\n", *[line(number) for number in range(count)], b""])
    assert sizes == [REPORTS_A_CALL, REPORTS_A_CALL, 3]
    assert [one.line for one in found] == list(range(2, count + 2))
    assert [one.reference for one in found] == [f"case-{number}" for number in range(count)]


def test_a_group_that_broke_off_is_sent_again_until_it_is_answered_whole() -> None:
    lines = [line(number) for number in range(4)]
    broken = whole(lines)[:2]
    found, sizes, waits = collected(lines, HubUnavailableError("away"), broken, [], None)
    assert (len(found), sizes, waits) == (4, [4, 4, 4, 4], 3)


def test_a_hub_that_stays_away_is_said_to() -> None:
    with pytest.raises(HubUnavailableError):
        collected([line(1)], *[HubUnavailableError("away")] * 20)


def test_a_row_that_is_refused_is_its_own_only() -> None:
    lines = [line(0), line(1)]
    first = {"row": 0, "reference": None, **REFUSED}
    found, _, _ = collected(lines, [json.dumps(first).encode(), *whole(lines)[1:]])
    assert found[0].outcome == Refused(422, "invalid", "Correct it.", (("kind", "No."),))
    assert not isinstance(found[1].outcome, Refused)


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 0, 2]], ids=["in another order", "one twice"])
def test_answers_that_are_not_each_reports_own_are_refused(order: list[int]) -> None:
    lines = [line(0), line(1)]
    with pytest.raises(HubMisbehavedError):
        collected(lines, [whole(lines)[place] for place in order])


def test_the_command_reports_a_file_of_lines(hub: LoopbackHub, tmp_path: Path) -> None:
    def answer(handler: _Handler) -> None:
        *sent, second = hub.requests[-1].body.splitlines()
        first = whole(sent)[0]
        refused = {"row": 1, "reference": json.loads(second)["reference"], **REFUSED}
        told = [first, json.dumps(refused).encode(), b'{"rows":2}']
        handler.answer_bytes(b"\n".join(told), content_type="application/x-ndjson")

    hub.answers[PATH] = answer
    lines = tmp_path / "reports.ndjson"
    lines.write_bytes(line(1) + b"\n\n" + line(2))
    done = _staydown(hub, "report", "--batch", str(lines))
    assert done.returncode == 1
    assert done.stdout == f"line 1 (case-1): new, item {item_id(7)}, open\n"
    assert done.stderr == "staydown: line 3 (case-2): Correct it. kind: No.\n"
    [sent] = hub.requests
    assert (sent.path, sent.headers["Content-Type"]) == (PATH, "application/x-ndjson")
    assert sent.body == line(1) + b"\n" + line(2) + b"\n"
    as_json = [
        json.loads(told) for told in _staydown(hub, "report", "--batch", str(lines), "--json").stdout.splitlines()
    ]
    assert [(told["line"], told["reference"]) for told in as_json] == [(1, "case-1"), (3, "case-2")]
    assert as_json[1]["fields"] == [{"field": "kind", "message": "No."}]


@pytest.mark.parametrize("words", [["--batch", "none"], ["--batch", "-", "file.jpg"], ["file.jpg"], []])
def test_what_is_neither_files_nor_a_batch_is_bad_usage(hub: LoopbackHub, words: list[str]) -> None:
    done = _staydown(hub, "report", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert not hub.requests


def _staydown(hub: LoopbackHub, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "staydown_client.cli.main", *words],
        capture_output=True,
        text=True,
        env={"STAYDOWN_HUB": hub.url, "STAYDOWN_API_KEY": KEY_TEXT, "PATH": ""},
        timeout=60,
        check=False,
    )
