"""Tokens, several workers, reload and stop."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import ConfigurationError
from staydown_client.sidecar.settings import Address, SidecarSettings, checked_settings, find_token, read_address

from packages.client.tests.conftest import LoopbackHub, admit, copy_of, near, photograph
from packages.client.tests.integration.sidecar.running import running, until

if TYPE_CHECKING:
    from staydown_client.folder import Folder

    from packages.client.tests.integration.sidecar.conftest import Listed

TOKEN = "a-token-of-some-length"


def test_several_workers_count_together_reload_under_load_and_ask_for_the_token(
    listed: Listed, tmp_path: Path, cat_bytes: bytes
) -> None:
    options = ("--workers", "2", "--no-follow")
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with running(listed.folder.path, tmp_path / "log", *options, environment={"STAYDOWN_SIDECAR_TOKEN": TOKEN}) as one:
        assert one.ask("GET", "/readyz").status == 200
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": TOKEN}):
            for method, path in (("GET", "/v1/status"), ("GET", "/metrics"), ("POST", "/v1/check"), ("GET", "/none")):
                assert one.ask(method, path, None, headers).status == 401
        assert one.ask("GET", "/v1/status", None, {**bearer, "host": "filter.example"}).status == 200

        def check(_number: int) -> int:
            return one.ask("POST", "/v1/check", cat_bytes, bearer).status

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(check, range(20))) == {200}
            told = one.ask("GET", "/metrics", None, bearer).body.decode()
            assert 'staydown_check_actions_total{action="block"} 20' in told
            workers = children_of(one.process.pid)
            assert len(workers) >= 2
            one.process.send_signal(signal.SIGHUP)
            until("other workers", lambda: not workers & children_of(one.process.pid))
            assert set(pool.map(check, range(10))) == {200}
        assert one.stop() == 0
    assert TOKEN not in (tmp_path / "log").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def children_of(pid: int) -> set[int]:
    """Return the worker processes: multiprocessing's resource tracker is a child, too, and stays."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes()
            except (OSError, IndexError):
                continue
            if parent == pid and b"spawn_main" in command:
                found.add(int(folder.name))
    return found


def test_a_stop_answers_what_was_begun(listed: Listed, tmp_path: Path) -> None:
    picture = photograph("china.jpg").read_bytes()
    with running(listed.folder.path, tmp_path / "log", "--no-follow") as sidecar:
        with sidecar.connect() as connection:
            head = f"POST /v1/check HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(picture)}\r\n\r\n"
            connection.sendall(head.encode() + picture[:1000])
            time.sleep(0.3)
            sidecar.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(picture[1000:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        assert sidecar.process.wait(timeout=60) == 0


def test_uploads_without_room_are_refused_and_the_others_go_on(
    listed: Listed, tmp_path: Path, cat_bytes: bytes
) -> None:
    options = ("--no-follow", "--max-upload-mb", "2", "--max-spool-mb", "2")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, kept[1]))  # as a disk that is full from there on
    try:
        with running(listed.folder.path, tmp_path / "log", *options) as one:
            resource.setrlimit(resource.RLIMIT_FSIZE, kept)
            full = one.ask("POST", "/v1/check", cat_bytes + bytes(1_400_000))
            assert (full.status, full.json["error"], full.headers["retry-after"]) == (503, "no_room", "10")
            assert one.metric('staydown_refused_requests_total{reason="no_room"}') == 1
            head = b"POST /v1/check HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\n"
            with one.connect() as first, one.connect() as second:
                for large in (first, second):
                    large.sendall(head + bytes(900_000))
                until("busy", lambda: one.ask("POST", "/v1/check", bytes(500_000)).json.get("error") == "busy")
            until("room again", lambda: one.ask("POST", "/v1/check", bytes(500_000)).status == 200)
            assert one.ask("POST", "/v1/check", cat_bytes).json["action"] == "block"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_kill_9_of_the_first_process_leaves_no_worker_behind(listed: Listed, tmp_path: Path) -> None:
    with running(listed.folder.path, tmp_path / "log", "--no-follow") as sidecar:
        workers = children_of(sidecar.process.pid)
        assert workers
        sidecar.process.kill()
        until("the workers are gone", lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))


def test_the_sidecar_follows_the_hub_itself(
    folder: Folder, hub: LoopbackHub, tmp_path: Path, cat_pdq: list[dict[str, object]], cat: Path
) -> None:
    told = threading.Event()
    taken: list[bytes] = []

    def take(handler: object) -> None:
        taken.append(hub.requests[-1].body)
        handler.answer({"accepted": 1, "known": 0})  # type: ignore[attr-defined]  # conftest's handler
        told.set()

    hub.answers["/api/v1/matches"] = take
    copy = copy_of(cat)
    with running(folder.path, tmp_path / "log") as sidecar:
        until("the list", lambda: sidecar.ask("GET", "/readyz").status == 200)
        assert sidecar.ask("POST", "/v1/check", copy).json["action"] == "allow"
        hub.publish(admit(1, *cat_pdq))
        until("the entry", lambda: sidecar.look_up(cat_pdq[0], record=False).json["actions"] == ["block"])
        assert sidecar.ask("POST", "/v1/check", copy, {"staydown-reference": "up-1"}).json["action"] == "block"
        assert told.wait(20)
    assert b'"reference": "up-1"' in taken[0]


def test_a_folder_never_synced_is_not_ready(folder: Folder, tmp_path: Path) -> None:
    with running(folder.path, tmp_path / "log", "--no-follow") as sidecar:
        assert sidecar.ask("GET", "/readyz").status == 503
        assert sidecar.look_up(near("0f" * 32)).json["actions"] == ["unchecked"]


def test_whoever_listens_to_others_asks_for_a_token(listed: Listed, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "staydown_client", "filter", "serve", str(listed.folder.path)]
    environment = {name: text for name, text in os.environ.items() if name != "STAYDOWN_SIDECAR_TOKEN"}
    done = subprocess.run(
        [*command, "--address", "0.0.0.0:0"], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert (done.returncode, "token" in done.stderr) == (2, True)
    token = tmp_path / "token"
    token.write_text("short\n")
    with pytest.raises(ConfigurationError, match="at least 16"):
        find_token(token, environment={})
    token.write_text(f"{TOKEN}\n")
    settings = SidecarSettings(tmp_path, Address("0.0.0.0", 1), tmp_path, token=find_token(token, environment={}))  # noqa: S104 - nothing listens
    assert checked_settings(settings).token == TOKEN
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize("text", ["8650", "host.example:80", "127.0.0.1:", "127.0.0.1:99999", ":80", "1.2.3.4:-1"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--address"):
        read_address(text)


def test_addresses_are_read() -> None:
    assert read_address("localhost:80") == Address("127.0.0.1", 80)
    assert read_address("[::1]:80") == Address("::1", 80)
    for host, is_loopback in (("127.0.0.1", True), ("[::1]", True), ("[::]", False), ("10.0.0.1", False)):
        assert read_address(f"{host}:1").is_loopback is is_loopback
