"""The support centre witnesses the list that the hub signs; a platform counts on it, an auditor checks it by hand."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.contract.members import LIST, wait_until
from tests.contract.running_hub import PROGRAMS, environment_without_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.members import Cast, Member
    from tests.contract.running_hub import RunningHub

WITNESS = "centre.example/witness"


@pytest.fixture(scope="module")
def log_key(hub: RunningHub, cast: Cast) -> str:
    """Return the key that signs the list, as the API names it."""
    _, answer = cast.centre.call("GET", f"{hub.url}/api/v1/lists")
    key: str = next(each["keys"] for each in answer["lists"] if each["slug"] == LIST)[0]
    return key


@dataclass(frozen=True)
class Witness:
    """A witness's folder, and its public key as the registering line had it."""

    folder: Path
    vkey: str


@pytest.fixture(scope="module")
def witness(hub: RunningHub, cast: Cast, log_key: str, tmp_path_factory: pytest.TempPathFactory) -> Witness:
    """Make the centre's witness and have the operator register it with the line that was printed."""
    folder = tmp_path_factory.mktemp("witness") / "folder"
    made = cast.centre.staydown("witness", "init", folder, "--list", LIST, "--name", WITNESS, "--log-key", log_key)
    assert made.returncode == 0, made.stderr
    line = next(line for line in made.stdout.splitlines() if "staydown-hub " in line)
    hub.command(*line.replace("'", "").split()[1:])
    return Witness(folder, line.split("'")[1])


@contextmanager
def running(witness: Witness) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [PROGRAMS / "staydown", "witness", "run", witness.folder, "--json"],
        env=environment_without_settings(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def cosigned_by(member: Member, log_key: str) -> str:
    """Return the list's checkpoint, signatures and all."""
    shown = member.staydown("log", "checkpoint", "--list", LIST, "--log-key", log_key)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_what_the_witness_signed_is_under_the_checkpoint_for_everyone(
    cast: Cast, witness: Witness, log_key: str
) -> None:
    once = cast.centre.staydown("witness", "run", witness.folder, "--once", "--json")
    assert once.returncode == 0, once.stderr
    assert json.loads(once.stdout)["event"] == "countersigned"
    assert f"— {WITNESS} " in cosigned_by(cast.platform, log_key)


def test_a_filter_that_asks_for_the_witness_hears_of_an_admission_through_it(
    cast: Cast, witness: Witness, picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "filter"
    with running(witness) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "countersigned"
        made = cast.platform.staydown("filter", "init", folder, "--list", LIST)
        assert made.returncode == 0, made.stderr
        settings = folder / "filter.toml"
        settings.write_text(f'{settings.read_text()}\nwitnesses = {{ need = 1, keys = ["{witness.vkey}"] }}\n')
        assert cast.platform.staydown("filter", "sync", folder).returncode == 0
        cast.centre.report(picture)
        cast.police.assess(picture)
        synced = wait_until(lambda: blocked(cast.platform, folder, picture))
        assert synced
    cast.police.assess(picture, code="NONE")
    # Nobody countersigns now: what the hub adds does not take force here, and the list verified before stays.
    assert cast.platform.staydown("filter", "sync", folder).returncode == 1
    assert blocked(cast.platform, folder, picture)


def blocked(platform: Member, folder: Path, picture: Path) -> bool | None:
    platform.staydown("filter", "sync", folder)
    done = platform.staydown("filter", "check", picture, "--folder", folder, "--json")
    return True if json.loads(done.stdout)["action"] == "block" else None


def test_an_auditor_verifies_an_entry_and_the_lists_growth_by_hand(
    cast: Cast, log_key: str, picture: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.note"
    kept.write_text(cosigned_by(cast.centre, log_key))
    cast.centre.report(picture)
    cast.police.assess(picture)
    position = cast.centre.report(picture)["standing"]["entries"][0]["position"]
    for name, words in (("entry", ["--position", str(position)]), ("growth", ["--since", str(kept)])):
        proved = wait_until(lambda words=words: proof(cast.platform, words))  # type: ignore[misc]  # bound now
        (tmp_path / name).write_text(proved)
    found = cast.platform.staydown("log", "verify", tmp_path / "entry", "--log-key", log_key, "--json")
    assert json.loads(json.loads(found.stdout)["entry"])["operation"] in {"admit", "amend"}
    grown = cast.platform.staydown(
        "log", "verify", tmp_path / "growth", "--log-key", log_key, "--since", kept, "--json"
    )
    assert json.loads(grown.stdout)["old_size"] < json.loads(grown.stdout)["size"]


def proof(member: Member, words: list[str]) -> str | None:
    done = member.staydown("log", "prove", "--list", LIST, *words)
    return done.stdout if done.returncode == 0 else None
