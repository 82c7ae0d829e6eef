"""A witness signs one history, whatever the hub shows it and however it dies."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staydown_client.cli.main import main
from staydown_client.errors import FolderBusyError, FolderError, HubError, LogRefusedError
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.keys import parse_vkey
from staydown_client.log.notes import Checkpoint, open_note, parse_checkpoint_body, parse_note
from staydown_client.log.texts import ConsistencyProof, parse_proof
from staydown_client.witness.folder import make_witness_folder, open_witness_folder
from staydown_client.witness.record import RECORD_NAME, Signed, read_record, write_record
from staydown_client.witness.run import Countersigned, opened

from packages.client.tests.conftest import KEY, KEY_TEXT, LIST, Told, admit
from packages.client.tests.hostile_hub import HostileHub, running
from packages.client.tests.made_log import LogKey, MadeLog
from packages.client.tests.mischief import failing, garbled, in_turn, instead, noise, reordered, truncated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from staydown_client.witness.folder import WitnessFolder

    from packages.client.tests.hostile_hub import Answer, Asked

NAME = "witness.example/police"
ROUNDS = 8


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a hub that is behind again at once: these tests wait for nobody."""
    monkeypatch.setattr("staydown_client.witness.run._TRY_AGAIN_S", 0.001)


@pytest.fixture
def hub() -> Iterator[HostileHub]:
    with running(HostileHub()) as hub:
        hub.publish(*(admit(n) for n in range(10)))
        yield hub


@pytest.fixture
def folder(tmp_path: Path, hub: HostileHub) -> WitnessFolder:
    return folder_of(tmp_path / "witness", hub)


def folder_of(path: Path, hub: HostileHub) -> WitnessFolder:
    """Make a witness of what the hub serves, and register it."""
    folder = make_witness_folder(
        path, hub=hub.url, list_name=LIST, insecure=False, trust=hub.log.trust, keys=(KEY, NAME)
    )
    hub.witnesses = [folder.signing_key().public]
    return folder


def once(folder: WitnessFolder, *, accept_restored: bool = False) -> None:
    with opened(folder, accept_restored=accept_restored) as witnessing:
        witnessing.once(Told())


def problem_of(folder: WitnessFolder) -> str:
    with pytest.raises(LogRefusedError) as caught:
        once(folder)
    return caught.value.problem


def signed_sizes(hub: HostileHub) -> list[int]:
    return sorted(parse_checkpoint_body(body)[1] for body, _ in hub.cosignatures)


def wait_for(met: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_continues_the_log_is_countersigned_and_shown_to_all(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    for size in (11, 300, 1000):
        hub.publish(*(admit(n) for n in range(hub.log.size, size)))
        once(folder)
    checkpoint = open_note(hub.note(), [hub.log.keys[0].public, folder.signing_key().public])
    assert checkpoint.cosigned_by.keys() == {NAME}
    assert abs(checkpoint.cosigned_by[NAME] - time.time()) < 60
    assert signed_sizes(hub) == [10, 11, 300, 1000]
    assert read_record(folder.path).tree.root() == hub.log.root()


def test_an_empty_list_is_countersigned_too(tmp_path: Path) -> None:
    with running(HostileHub()) as hub:
        folder = folder_of(tmp_path / "witness", hub)
        once(folder)
        hub.publish(admit(1))
        once(folder)
        assert signed_sizes(hub) == [0, 1]


def test_live_entries_are_countersigned_without_a_tile(folder: WitnessFolder, hub: HostileHub) -> None:
    told = Told()
    with opened(folder) as witnessing:
        thread = threading.Thread(target=witnessing.follow, args=(told,))
        thread.start()
        wait_for(lambda: bool(hub.asked_for("events")))
        tiles = len(hub.asked_for("tile"))
        for number in range(100, 110):
            hub.publish(admit(number), admit(number + 100))
            wait_for(lambda: hub.log.size in signed_sizes(hub))
        witnessing.stop()
        thread.join(20)
    assert not thread.is_alive()
    assert len(hub.asked_for("tile")) == tiles
    assert told.progress[-1] == Countersigned(30)
    assert signed_sizes(hub) == list(range(10, 31, 2))


@pytest.mark.parametrize(("size", "more"), [(5, 0), (5, 10), (0, 300), (9, 1), (9, 500)])
def test_a_fork_is_never_signed_and_ends_it_for_good(
    size: int, more: int, folder: WitnessFolder, hub: HostileHub, capsys: pytest.CaptureFixture[str]
) -> None:
    once(folder)
    honest, forked = hub.log, hub.log.fork(size=size)
    forked.append(*(admit(n) for n in range(1000, 1010 - size + more)))
    hub.show(forked)
    assert main(["witness", "run", str(folder.path), "--once"]) == 3
    assert "FORK" in capsys.readouterr().err
    [evidence] = (folder.path / "evidence").iterdir()
    text = evidence.read_text()
    assert honest.checkpoint(10) in text
    assert forked.checkpoint() in text
    assert signed_sizes(hub) == [10]
    hub.show(honest)
    hub.publish(admit(50))
    assert main(["witness", "run", str(folder.path)]) == 3
    assert "new key" in capsys.readouterr().err
    assert signed_sizes(hub) == [10]


def test_a_shrunk_list_is_not_signed_and_the_right_one_is_again(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    hub.held_at = 7
    assert problem_of(folder) == "shrunk"
    assert main(["witness", "run", str(folder.path), "--once"]) == 3
    assert list((folder.path / "evidence").iterdir())
    for asked in hub.asked_for("cosignatures")[1:]:
        body = parse_note(asked.body.decode()).body
        assert body.splitlines()[1] == "10", "the hub is shown what it signed before, with its own signature"
        assert f"\n\n— {hub.log.origin} " in asked.body.decode()
    assert len(hub.asked_for("cosignatures")) == 3
    hub.held_at = None
    hub.publish(admit(20))
    once(folder)
    assert signed_sizes(hub) == [10, 11]


def test_a_replica_that_is_behind_for_a_moment_is_asked_again(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    hub.publish(admit(20))
    once(folder)
    hub.spoil["checkpoint"] = in_turn(instead(hub.note(10).encode()), None)
    once(folder)
    assert not (folder.path / "evidence").exists()


@pytest.mark.parametrize("endpoint", ["checkpoint", "tile"])
@pytest.mark.parametrize("spoil", [garbled(1), truncated(1), noise(8192), noise(40), failing(404), failing(503)])
def test_a_garbled_answer_is_not_signed_and_is_no_fork(
    endpoint: str, spoil: Callable[..., object], folder: WitnessFolder, hub: HostileHub
) -> None:
    once(folder)
    hub.publish(*(admit(n) for n in range(20, 320)))
    hub.spoil[endpoint] = spoil  # type: ignore[assignment]  # a Mischief, whose name is for type checkers only
    with pytest.raises(HubError) as caught:
        once(folder)
    assert getattr(caught.value, "problem", "garbage") in {"garbage", "signature"}
    assert signed_sizes(hub) == [10]
    hub.spoil.clear()
    once(folder)
    assert signed_sizes(hub) == [10, 310]


def test_one_garbled_tile_is_no_proof_of_a_fork(folder: WitnessFolder, hub: HostileHub) -> None:
    """The whole tree's large subtrees come out of another tile, and lead to the signed root all the same."""
    once(folder)
    hub.publish(*(admit(n) for n in range(20, 600)))

    def only_leaves(asked: Asked, answer: Answer) -> Answer:
        return garbled(1, flips=60)(asked, answer) if asked.rest == "0/000" else answer

    hub.spoil["tile"] = only_leaves
    assert problem_of(folder) == "garbage"
    assert not (folder.path / "evidence").exists()
    hub.spoil.clear()
    once(folder)
    assert signed_sizes(hub) == [10, 590]


def test_the_evidence_of_a_fork_proves_it_without_the_hub(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    hub.show(hub.log.fork(size=4))
    hub.publish(*(admit(n) for n in range(300)))
    assert problem_of(folder) == "fork"
    [evidence] = (folder.path / "evidence").iterdir()
    text = evidence.read_text()
    begun, _, proof = text.partition("by the proof under it:\n")[2].partition("\n\n")
    origin, size, other_root = parse_checkpoint_body(begun + "\n")
    found = parse_proof(proof.partition("--- verified before")[0].rstrip("\n") + "\n")
    assert isinstance(found, ConsistencyProof)
    shown = open_note(found.note, [hub.log.keys[0].public])
    assert (origin, size) == (hub.log.origin, 10)
    assert found.holds_for(Checkpoint(origin, size, other_root, "", {}), shown)
    assert other_root != read_record(folder.path).tree.root()


def test_a_checkpoint_by_another_key_is_not_signed_until_it_is_endorsed(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    old, new = hub.log.keys[0], LogKey(seed=2)
    hub.log.keys = [new]
    hub.publish(admit(20))
    assert problem_of(folder) == "signature"
    hub.endorsements[new.public.vkey] = old.endorse(new.public)
    once(folder)
    assert signed_sizes(hub) == [10, 11]
    # The witness itself remembers who handed over to whom, also when the hub forgets.
    newest = LogKey(seed=3)
    hub.log.keys, hub.endorsements = [newest], {newest.public.vkey: new.endorse(newest.public)}
    hub.publish(admit(21))
    once(folder)
    hub.endorsements.clear()
    once(folder)
    assert signed_sizes(hub) == [10, 11, 12]


def test_two_witnesses_on_one_folder_are_refused(folder: WitnessFolder) -> None:
    with opened(folder), pytest.raises(FolderBusyError), opened(folder):
        pass


def test_a_folder_that_was_copied_or_brought_back_signs_nothing(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    backup = folder.path.parent / "backup"
    shutil.copytree(folder.path, backup)
    hub.publish(admit(20))
    once(folder)
    # As if the record had been written an hour before the file came here.
    record = json.loads((backup / RECORD_NAME).read_text())
    (backup / RECORD_NAME).write_text(json.dumps({**record, "written_at": record["written_at"] - 3600}))
    with pytest.raises(FolderError, match="brought back"), opened(open_witness_folder(backup)):
        pass
    assert main(["witness", "run", str(backup), "--once"]) == 2
    assert signed_sizes(hub) == [10, 11]


def test_a_folder_older_than_what_the_hub_shows_of_it_says_so(folder: WitnessFolder, hub: HostileHub) -> None:
    once(folder)
    old = read_record(folder.path)
    hub.publish(admit(20))
    once(folder)
    write_record(folder.path, old)  # as an image of the whole disk would bring it back
    with pytest.raises(FolderError, match="own signature"):
        once(folder)
    assert read_record(folder.path) == old
    once(folder, accept_restored=True)
    assert read_record(folder.path).tree.size == 11
    once(folder)


def test_an_old_folder_that_goes_on_still_signs_no_fork_of_what_the_hub_shows(
    folder: WitnessFolder, hub: HostileHub
) -> None:
    once(folder)
    hub.show(hub.log.fork(size=9))
    hub.publish(admit(77), admit(78))
    with pytest.raises(LogRefusedError) as caught:
        once(folder, accept_restored=True)
    assert caught.value.problem == "fork"


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"tree": "AAAA", "checkpoint": null, "written_at": 1, "forked": false, "endorsed": [1]}'],
)
def test_a_damaged_record_signs_nothing(content: str, folder: WitnessFolder, hub: HostileHub) -> None:
    (folder.path / RECORD_NAME).write_text(content)
    with pytest.raises(FolderError, match="new key"):
        read_record(folder.path)
    (folder.path / RECORD_NAME).unlink()
    assert main(["witness", "run", str(folder.path), "--once"]) == 2
    assert hub.cosignatures == {}


def test_what_cannot_be_written_down_is_not_signed(
    folder: WitnessFolder, hub: HostileHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with opened(folder) as witnessing:
        monkeypatch.setattr("staydown_client.private_files.os.fsync", full)
        with pytest.raises(FolderError, match="Nothing was signed"):
            witnessing.once(Told())
    assert hub.cosignatures == {}


def test_init_prints_the_line_that_registers_the_witness(
    tmp_path: Path, hub: HostileHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAYDOWN_API_KEY", KEY_TEXT)
    path = tmp_path / "witness"
    assert main(["witness", "init", str(path), "--hub", hub.url, "--list", LIST]) == 0
    told = capsys.readouterr().out
    vkey = parse_vkey(told.split(" '")[1].split("'")[0])
    assert vkey == open_witness_folder(path).signing_key().public
    assert vkey.name == "hub.example/witness/platform"
    assert f"staydown-hub keys witness add {vkey.name} '{vkey.vkey}' --list {LIST}" in told
    assert hub.log.keys[0].public.vkey in told
    assert {each.name: each.stat().st_mode & 0o777 for each in path.iterdir()} == dict.fromkeys(
        ("key", "cosigner.key", "lock", "witness.toml", RECORD_NAME), 0o600
    )
    assert path.stat().st_mode & 0o777 == 0o700
    assert main(["witness", "init", str(path), "--hub", hub.url, "--list", LIST]) == 2
    assert main(["witness", "init", str(tmp_path / "other"), "--hub", hub.url, "--list", "unknown"]) == 2
    stranger = LogKey("another.example/national").public.vkey
    other = str(tmp_path / "other")
    assert main(["witness", "init", other, "--hub", hub.url, "--list", LIST, "--log-key", stranger]) == 2
    assert not (tmp_path / "other").exists()


def test_kill_9_at_any_moment_leaves_one_signed_history(folder: WitnessFolder, hub: HostileHub) -> None:
    """The hub publishes, and now and then shows a fork for a moment; the witness is killed and started again."""
    moments = random.Random(7)  # noqa: S311 - the same moments on every run
    honest = hub.log
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            hub.publish(admit(hub.log.size), admit(hub.log.size + 1))
            time.sleep(0.02)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(ROUNDS):
            with subprocess.Popen(
                [sys.executable, "-m", "staydown_client", "witness", "run", str(folder.path), "--json"],
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert json.loads(process.stdout.readline())["event"] == "countersigned"
                time.sleep(moments.uniform(0.0, 0.2))
                process.send_signal(signal.SIGKILL)
            record = read_record(folder.path)
            assert record.tree.root() == honest.root(record.tree.size)
            assert max(signed_sizes(hub)) <= record.tree.size
    finally:
        stop.set()
        publisher.join()
    hub.show(honest.fork(size=5))
    hub.publish(*(admit(n) for n in range(honest.size)))
    assert problem_of(folder) == "fork"
    for body, _ in hub.cosignatures:
        _, size, root = parse_checkpoint_body(body)
        assert root == honest.root(size)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("publish"), st.integers(1, 40)),
            st.tuples(st.just("hold"), st.integers(0, 60)),
            st.tuples(st.just("fork"), st.integers(0, 60)),
            st.tuples(st.just("honest"), st.just(0)),
            st.tuples(st.just("garble"), st.integers(0, 99)),
        ),
        max_size=12,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_hub_shows_one_history_is_signed(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory, hub: HostileHub
) -> None:
    hub.log, hub.held_at, hub.spoil, hub.cosignatures = MadeLog(), None, {}, {}
    hub.publish(*(admit(n) for n in range(3)))
    honest, shown = hub.log, [hub.log]
    folder = folder_of(tmp_path_factory.mktemp("property") / "witness", hub)
    for step, number in steps:
        hub.spoil = {}
        if step == "publish":
            hub.publish(*(admit(n) for n in range(number)))
        elif step == "hold":
            hub.held_at = number
        elif step == "fork":
            hub.show(hub.log.fork(size=number % (hub.log.size + 1), branch=hub.log.branch + 1))
            shown.append(hub.log)
            hub.publish(admit(1), admit(2))
        elif step == "honest":
            hub.show(honest)
            hub.held_at = None
        elif step == "garble":
            hub.spoil = dict.fromkeys(("checkpoint", "tile"), garbled(number))
        try:
            once(folder)
        except (HubError, FolderError):
            continue
    trees = [parse_checkpoint_body(body)[1:] for body, _ in hub.cosignatures]
    assert any(all(size <= log.size and log.root(size) == root for size, root in trees) for log in shown)
    assert max((size for size, _ in trees), default=0) <= read_record(folder.path).tree.size


def test_a_record_is_what_was_written(tmp_path: Path) -> None:
    tree = CompactRange()
    tree.append_many([bytes([n]) * 32 for n in range(9)])
    handed_over = (("a key", "a note\n"),)
    for signed in (
        Signed(CompactRange()),
        Signed(tree, "a note\n", is_forked=True, endorsed=handed_over),
        Signed(tree, "a note\n"),
    ):
        write_record(tmp_path, signed)
        assert read_record(tmp_path) == signed


def test_answers_that_end_in_another_order_change_nothing(folder: WitnessFolder, hub: HostileHub) -> None:
    hub.publish(*(admit(n) for n in range(20, 700)))
    hub.spoil["tile"] = reordered([0.05, 0.0, 0.02])
    once(folder)
    assert signed_sizes(hub) == [690]
