"""What the sidecar answers to checks, lookups and questions about itself."""

from __future__ import annotations

import json
import os
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, get_args

import pytest
from staydown_client.errors import LogProblem
from staydown_client.judge import Judge
from staydown_client.store import Refusal
from staydown_client.store_writer import StoreWriter
from staydown_match import fingerprint_bytes

from packages.client.tests.conftest import LIST, Body, admit, exact, flat_picture, near, photograph, wire
from packages.client.tests.integration.sidecar.running import until

if TYPE_CHECKING:
    from pathlib import Path

    from packages.client.tests.integration.sidecar.conftest import Listed
    from packages.client.tests.integration.sidecar.running import RunningSidecar

COMPACT = {"content-type": "application/vnd.staydown.lookup"}
FAR = near("0f" * 32)


def form(*parts: tuple[str, bytes], boundary: str = "limit") -> tuple[bytes, dict[str, str]]:
    body = b"".join(
        f"--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"
        for disposition, data in parts
    )
    return body + f"--{boundary}--\r\n".encode(), {"content-type": f"multipart/form-data; boundary={boundary}"}


def test_a_listed_file_is_blocked_as_a_body_and_in_a_form(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    plain = sidecar.ask("POST", "/v1/check", cat_bytes)
    assert (plain.status, plain.headers["staydown-action"], plain.json["action"]) == (200, "block", "block")
    assert plain.json["reasons"][0]["position"] == 0
    body, headers = form(('name="note"', b"x" * 300), ('name="upload"; filename="a.png"', cat_bytes))
    assert sidecar.ask("POST", "/v1/check", body, headers).json["reasons"] == plain.json["reasons"]


def test_other_files_are_allowed_or_unchecked(sidecar: RunningSidecar) -> None:
    for data, action in (
        (photograph("coffee.png").read_bytes(), "allow"),
        (b"no picture at all", "unchecked"),
        (b"", "unchecked"),
        (flat_picture(), "unchecked"),
    ):
        assert sidecar.ask("POST", "/v1/check", data).json["action"] == action


def test_a_large_upload_passes_through_a_nameless_file(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    """More than is held in memory; the exact fingerprint of the whole is that of other bytes."""
    padded = cat_bytes + bytes(3_000_000)
    before = {path.name for path in sidecar.log.parent.rglob("*")}
    answer = sidecar.ask("POST", "/v1/check", padded)
    assert answer.json["action"] == "block"
    assert answer.json["reasons"][0]["algorithm"] == "pdq"
    assert {path.name for path in sidecar.log.parent.rglob("*")} == before


def test_a_match_waits_for_the_hub_with_the_platforms_reference(
    sidecar: RunningSidecar, listed: Listed, cat_bytes: bytes
) -> None:
    before = sidecar.metric("staydown_matches_waiting")
    sidecar.ask("POST", "/v1/check", cat_bytes, {"staydown-reference": "upload-4711"})
    sidecar.look_up(*wire(fingerprint_bytes(cat_bytes))[:1], reference="lookup-1")
    sidecar.look_up(*wire(fingerprint_bytes(cat_bytes))[:1], record=False)
    assert sidecar.metric("staydown_matches_waiting") == before + 2
    judge = Judge(listed.folder.settings_path)
    with judge._store.reading() as connection:
        references = {row[0] for row in connection.execute("SELECT reference FROM match")}
    judge.close()
    assert references >= {"upload-4711", "lookup-1"}


def test_a_lookup_answers_for_each_fingerprint_in_order(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    listed_ones = wire(fingerprint_bytes(cat_bytes))
    flat = {**FAR, "quality": 10}
    asked = [exact("ab" * 32), *listed_ones, FAR, flat]
    answer = sidecar.look_up(*asked).json
    assert answer["actions"] == ["allow", *["block"] * len(listed_ones), "allow", "unchecked"]
    assert [found["index"] for found in answer["found"]] == list(range(1, 1 + len(listed_ones)))
    assert {found["reasons"][0]["position"] for found in answer["found"]} == {0}
    assert (answer["list"], answer["list_position"], answer["degraded"], answer["problems"]) == (
        "national",
        0,
        False,
        [],
    )


def test_each_of_many_who_ask_at_once_gets_the_answer_to_its_own_question(
    sidecar: RunningSidecar, cat_bytes: bytes
) -> None:
    known = wire(fingerprint_bytes(cat_bytes))[0]
    flat = {**FAR, "quality": 10}
    kinds: list[tuple[list[Body], list[str]]] = [
        ([FAR], ["allow"]),
        ([known], ["block"]),
        ([flat, FAR], ["unchecked", "allow"]),
        ([FAR, known, exact("ab" * 32), flat], ["allow", "block", "allow", "unchecked"]),
        ([FAR] * 40, ["allow"] * 40),  # as many as are looked up in a thread
    ]

    def ask(number: int) -> tuple[list[str], list[int]]:
        asked, actions = kinds[number % len(kinds)]
        told = sidecar.look_up(*asked, record=False).json
        assert told["actions"] == actions
        return actions, [found["index"] for found in told["found"]]

    with ThreadPoolExecutor(16) as pool:
        for actions, found in pool.map(ask, range(200)):
            assert found == [index for index, action in enumerate(actions) if action == "block"]


def test_a_turned_copy_is_found_when_variants_are_asked_for(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    pdq = fingerprint_bytes(cat_bytes, "scan").pdq[0]
    mirrored = near(pdq.orientations[4 * 32 : 5 * 32].hex())
    assert sidecar.look_up(mirrored).json["actions"] == ["allow"]
    assert sidecar.look_up(mirrored, variants=True).json["actions"] == ["block"]


def compact(*hashes: bytes, algorithm: int = 0, flags: int = 0) -> bytes:
    return struct.pack(">4sBBH", b"SDL\x01", algorithm, flags, len(hashes)) + b"".join(hashes)


def test_the_compact_form_says_the_same(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    found = fingerprint_bytes(cat_bytes)
    hashes = [bytes.fromhex(FAR["value"])] * 999 + [found.pdq[0].bits]
    answer = sidecar.ask("POST", "/v1/lookup", compact(*hashes), COMPACT)
    magic, degraded, zero, count, position, age_s, reasons = struct.unpack_from(">4sBBHqdI", answer.body)
    assert (magic, degraded, zero, count, position) == (b"SDA\x01", 0, 0, 1000, 0)
    assert age_s >= 0
    actions = answer.body[28:1028]
    assert (set(actions[:999]), actions[999]) == ({0}, 2)
    assert reasons == 1
    assert struct.unpack(">HQB", answer.body[1028:]) == (999, 0, 0)
    digest = sidecar.ask("POST", "/v1/lookup", compact(bytes.fromhex(found.sha1), algorithm=2, flags=2), COMPACT)
    assert digest.body[28] == 2


def test_a_web_server_asks_by_path_and_is_told_by_the_status(
    sidecar: RunningSidecar, served: Path, cat_bytes: bytes
) -> None:
    def ask(path: str) -> int:
        return sidecar.ask("GET", "/v1/gate", None, {"staydown-file": path}).status

    (served / "cat picture.png").write_bytes(cat_bytes)
    (served / "text").write_bytes(b"no picture")
    shutil.copy(photograph("coffee.png"), served / "coffee.png")
    (served / "out").symlink_to(photograph("coffee.png"))
    (served.parent / "served-too").mkdir()
    shutil.copy(photograph("coffee.png"), served.parent / "served-too" / "coffee.png")
    os.mkfifo(served / "pipe")
    assert ask(f"{served}/cat%20picture.png") == 403
    assert ask(f"{served}/coffee.png") == 204
    assert ask(f"{served}/text") == 503
    for path in ("", "out", "missing", "pipe", ".", "../served-too/coffee.png", "coffee.png%00"):
        assert ask(f"{served}/{path}") == 404
    assert ask("/etc/passwd") == ask("coffee.png") == ask("") == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fingerprints": []}, "fingerprints"),
        ({"fingerprints": [FAR] * 1001}, "fingerprints"),
        ({"fingerprints": {}}, "fingerprints"),
        ({"fingerprints": [1]}, "fingerprints.0"),
        ({"fingerprints": [FAR, {**FAR, "value": "0F" * 32}]}, "fingerprints.1.value"),
        ({"fingerprints": [{**FAR, "value": " f" * 32}]}, "fingerprints.0.value"),
        ({"fingerprints": [{**FAR, "quality": 101}]}, "fingerprints.0.quality"),
        ({"fingerprints": [{**FAR, "quality": True}]}, "fingerprints.0.quality"),
        ({"fingerprints": [{**FAR, "more": 1}]}, "fingerprints.0"),
        ({"fingerprints": [{"algorithm": "crc", "value": "00"}]}, "fingerprints.0.algorithm"),
        ({"fingerprints": [exact("00")]}, "fingerprints.0.value"),
        ({"fingerprints": [FAR], "variants": 1}, "variants"),
        ({"fingerprints": [FAR], "reference": "x" * 201}, "reference"),
        ({"fingerprints": [FAR], "reference": 7}, "reference"),
        ({"fingerprints": [FAR], "hashes": []}, "hashes"),
        ([], "body"),
    ],
)
def test_what_is_wrong_with_a_lookup_is_named(sidecar: RunningSidecar, body: object, field: str) -> None:
    answer = sidecar.ask("POST", "/v1/lookup", json.dumps(body).encode(), {"content-type": "application/json"})
    assert (answer.status, [found["field"] for found in answer.json["fields"]]) == (422, [field])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"SDL", "body"),
        (b"XYZ\x01" + bytes(36), "body"),
        (compact(), "count"),
        (compact(bytes(32), algorithm=4), "algorithm"),
        (compact(bytes(32), flags=4), "flags"),
        (compact(bytes(31)), "body"),
        (compact(bytes(33)), "body"),
    ],
)
def test_what_is_wrong_with_a_compact_lookup_is_named(sidecar: RunningSidecar, body: bytes, field: str) -> None:
    answer = sidecar.ask("POST", "/v1/lookup", body, COMPACT)
    assert (answer.status, [found["field"] for found in answer.json["fields"]]) == (422, [field])


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/lookup", {}, 405),
        ("POST", "/metrics", {}, 405),
        ("GET", "/", {}, 404),
        ("POST", "/v1/lookup", {"content-type": "text/plain"}, 415),
        ("POST", "/v1/check", {"host": "evil.example"}, 403),
        ("POST", "/v1/check", {"staydown-reference": "x" * 201}, 422),
    ],
)
def test_what_is_not_served_says_why(
    sidecar: RunningSidecar, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = sidecar.ask(method, path, b"{}" if method == "POST" else None, headers)
    assert answer.status == status
    assert answer.json.keys() == {"error", "message", "fields"}


def test_status_and_metrics_tell_how_the_filter_stands_and_no_fingerprint(
    sidecar: RunningSidecar, listed: Listed, cat_bytes: bytes
) -> None:
    status = sidecar.ask("GET", "/v1/status").json
    assert (status["list"], status["ready"], status["degraded"], status["list_position"]) == (
        "national",
        True,
        False,
        0,
    )
    assert sidecar.ask("GET", "/readyz").status == 200
    policy = listed.folder.settings_path
    good = policy.read_text()
    policy.write_text(good + "\nnear = 3")
    try:
        until("the wrong policy is told", lambda: sidecar.metric("staydown_policy_refused") == 1)
        assert sidecar.ask("POST", "/v1/check", cat_bytes).json["action"] == "block"
    finally:
        policy.write_text(good)
    until("the policy is good again", lambda: sidecar.metric("staydown_policy_refused") == 0)
    told = sidecar.ask("GET", "/metrics").body.decode() + json.dumps(status) + sidecar.log.read_text()
    found = fingerprint_bytes(cat_bytes)
    assert not [secret for secret in (found.md5, found.sha1, found.sha256, found.pdq[0].bits.hex()) if secret in told]


@pytest.mark.parametrize("problem", get_args(LogProblem))
def test_why_the_hubs_list_is_refused_is_on_the_metrics(
    sidecar: RunningSidecar, listed: Listed, problem: LogProblem
) -> None:
    def told() -> set[str]:
        names = [
            "staydown_list_refused",
            *(f'staydown_list_problem{{problem="{word}"}}' for word in get_args(LogProblem)),
        ]
        return {name for name in names if sidecar.metric(name) == 1}

    assert told() == set()
    with StoreWriter(listed.folder.store_path, list_name=LIST) as store:
        store.refuse(Refusal(problem, "The list was refused.", 1.0))
        assert told() == {"staydown_list_refused", f'staydown_list_problem{{problem="{problem}"}}'}
        store.refuse(None)
    assert told() == set()


def test_metrics_are_text_that_prometheus_reads(sidecar: RunningSidecar) -> None:
    answer = sidecar.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    declared: set[str] = set()
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            declared.add(line.split()[2])
        else:
            name, value = line.rsplit(" ", 1)
            plain = name.partition("{")[0]
            assert plain in declared or plain.rsplit("_", 1)[0] in declared, line
            float(value)


def test_an_entry_that_comes_is_in_force_at_the_next_lookup_and_silencing_it_at_once(
    sidecar: RunningSidecar, listed: Listed
) -> None:
    new: Body = exact("cd" * 32)
    assert sidecar.look_up(new).json["actions"] == ["allow"]
    listed.apply(admit(77, new))
    told: Any = sidecar.look_up(new).json
    assert told["actions"] == ["block"]
    position = told["found"][0]["reasons"][0]["position"]
    judge = Judge(listed.folder.settings_path)
    judge.silence(position, reason="a test")
    told = sidecar.look_up(new).json
    assert told["actions"] == ["allow"], (told, sidecar.log.read_text())
    assert told["found"][0]["overruled"][0]["position"] == position
    judge.unsilence(position)
    judge.close()
    assert sidecar.look_up(new).json["actions"] == ["block"]
