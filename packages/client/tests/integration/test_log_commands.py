"""An auditor keeps checkpoints, has proofs made, and verifies them with nothing but the list's key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from staydown_client.cli.main import main

from packages.client.tests.conftest import KEY_TEXT, LIST, admit, item_id
from packages.client.tests.hostile_hub import HostileHub, running
from packages.client.tests.made_log import LogKey, MadeLog, witness_key
from packages.client.tests.mischief import garbled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., Path]


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    log = MadeLog()
    log.append(*(admit(n) for n in range(600)))
    with running(HostileHub(log)) as hub:
        yield hub


@pytest.fixture
def log_key(hub: HostileHub) -> str:
    return hub.log.keys[0].public.vkey


@pytest.fixture
def run(hub: HostileHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `staydown log ...`, expect a status, and give back where its output went."""
    monkeypatch.setenv("STAYDOWN_API_KEY", KEY_TEXT)
    monkeypatch.setenv("STAYDOWN_HUB", hub.url)

    def run(*arguments: str | Path, status: int = 0) -> Path:
        capsys.readouterr()
        assert main(["log", *map(str, arguments)]) == status
        told = capsys.readouterr()
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.txt"
        path.write_text(told.out if status == 0 else told.err)
        return path

    return run


def test_a_position_is_proved_and_verified_without_the_hub(run: Run, hub: HostileHub, log_key: str) -> None:
    proof = run("prove", "--list", LIST, "--position", "321")
    before = len(hub.asked)
    found = json.loads(run("verify", proof, "--log-key", log_key, "--json").read_text())
    assert len(hub.asked) == before
    assert (found["origin"], found["size"], found["position"]) == (hub.log.origin, 600, 321)
    assert json.loads(found["entry"]) == admit(321)
    assert item_id(321) in run("verify", proof, "--log-key", log_key).read_text()
    run("verify", proof, "--log-key", LogKey(seed=9).public.vkey, status=1)
    run("verify", proof, "--log-key", log_key, "--witness", witness_key().public.vkey, status=1)


def test_a_kept_checkpoint_is_shown_to_be_continued(run: Run, hub: HostileHub, log_key: str) -> None:
    kept = run("checkpoint", "--list", LIST, "--log-key", log_key)
    hub.publish(*(admit(n) for n in range(600, 900)))
    later = run("checkpoint", "--list", LIST, "--log-key", log_key)
    hub.publish(admit(1000))
    proof = run("prove", "--list", LIST, "--since", kept, "--checkpoint", later)
    run("verify", proof, "--since", kept, "--log-key", log_key)
    run("verify", proof, "--since", later, "--log-key", log_key, status=1)
    run("verify", proof, "--log-key", log_key, status=2)
    run("verify", run("prove", "--list", LIST, "--since", later), "--since", later, "--log-key", log_key)


def test_a_redacted_position_is_proved_by_what_is_left_of_it(run: Run, hub: HostileHub, log_key: str) -> None:
    hub.log.redact(item_id(5), 5)
    proof = run("prove", "--list", LIST, "--position", "5")
    assert "redacted" in run("verify", proof, "--log-key", log_key).read_text()


def test_a_fork_cannot_be_proved_away(run: Run, hub: HostileHub, log_key: str) -> None:
    kept = run("checkpoint", "--list", LIST, "--log-key", log_key)
    hub.show(hub.log.fork(size=300))
    hub.publish(*(admit(n) for n in range(400)))
    told = run("prove", "--list", LIST, "--since", kept, status=1)
    assert "forked" in told.read_text()


def test_a_position_that_is_not_there_and_a_file_that_is_no_proof(run: Run, hub: HostileHub, log_key: str) -> None:
    run("prove", "--list", LIST, "--position", "600", status=2)
    run("verify", run("checkpoint", "--list", LIST, "--log-key", log_key), "--log-key", log_key, status=2)
    run("verify", "/nowhere", "--log-key", log_key, status=2)
    run("checkpoint", "--list", LIST, "--log-key", LogKey(seed=9).public.vkey, status=1)
    hub.spoil["tile"] = garbled(3)
    run("prove", "--list", LIST, "--position", "0", status=1)
