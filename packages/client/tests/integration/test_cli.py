"""The command `staydown` as its users meet it: a real process, its output, its complaints and its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from staydown_client.sync import opened

from packages.client.tests.conftest import (
    KEY_TEXT,
    LIST,
    Body,
    LoopbackHub,
    admit,
    copy_of,
    flat_picture,
    photograph,
    withdraw,
)

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.folder import Folder

STAYDOWN = [sys.executable, "-m", "staydown_client.cli.main"]


def staydown(
    *arguments: str | Path, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("STAYDOWN")}
    return subprocess.run(
        [*STAYDOWN, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**clean, **(environment or {})},
        cwd=cwd,
        timeout=60,
        check=False,
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def synced(folder: Folder, hub: LoopbackHub, cat_wire: list[Body]) -> Folder:
    """Make a folder whose list holds the cat at position 0."""
    hub.publish(admit(1, *cat_wire))
    with opened(folder) as syncing:
        syncing.catch_up(lambda _progress: None)
    return folder


def test_a_newcomer_makes_a_folder_syncs_it_and_checks_a_file(
    tmp_path: Path, hub: LoopbackHub, cat: Path, cat_wire: list[Body]
) -> None:
    hub.publish(admit(1, *cat_wire))
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(copy_of(cat))
    made = staydown(
        "filter", "init", "filter", "--hub", hub.url, "--list", LIST,
        environment={"STAYDOWN_API_KEY": KEY_TEXT}, cwd=tmp_path,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    said, key = made.stdout.splitlines()
    assert said == "Made filter. Next: staydown filter sync filter"
    assert key.startswith("The hub says that this key signs the list.")
    synced = staydown("filter", "sync", "filter", cwd=tmp_path)
    assert (synced.returncode, synced.stdout) == (0, "Up to date: the list has 1 positions; 1 were new.\n")
    checked = staydown("filter", "check", "copy.jpg", photograph("coffee.png"), "--folder", "filter", cwd=tmp_path)
    first, second = checked.stdout.splitlines()
    assert first.startswith("copy.jpg: block (list national, position 0, A1, pdq, ")
    assert second.endswith("coffee.png: allow")
    assert (checked.returncode, checked.stderr) == (1, "")


def test_all_allowed_is_status_0_and_the_folder_may_come_from_the_environment(synced: Folder) -> None:
    done = staydown(
        "filter", "check", photograph("coffee.png"), photograph("coins.png"),
        environment={"STAYDOWN_FILTER": str(synced.path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_json_gives_one_object_for_each_file_in_order(synced: Folder, cat: Path, tmp_path: Path) -> None:
    names = [cat, photograph("coffee.png"), tmp_path / "missing.jpg"]
    done = staydown("filter", "check", *names, "--folder", synced.path, "--json")
    found = lines(done.stdout)
    assert [each["file"] for each in found] == [str(name) for name in names]
    assert [each["action"] for each in found] == ["block", "allow", "unchecked"]
    told = {"file", "action", "reasons", "problems", "list_position", "list_age_s", "overruled", "degraded"}
    assert set(found[0]) == told
    [reason] = found[0]["reasons"]
    assert reason.pop("algorithm") in {"md5", "sha1", "sha256"}
    assert reason == {"list": LIST, "position": 0, "categories": ["A1"], "distance_bits": 0}
    assert [problem["code"] for problem in found[2]["problems"]] == ["missing"]
    assert done.returncode == 2


def test_bad_files_get_a_line_each_and_the_others_are_checked_all_the_same(
    synced: Folder, cat: Path, tmp_path: Path
) -> None:
    bad = {
        "damaged.png": cat.read_bytes()[:5000],
        "empty.jpg": b"",
        "text.txt": b"no picture",
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = [*(tmp_path / name for name in bad), tmp_path / "folder", tmp_path / "pipe", tmp_path / "missing.jpg"]
    done = staydown("filter", "check", *names, cat, "--folder", synced.path)
    assert done.returncode == 2
    results = done.stdout.splitlines()
    assert len(results) == len(names) + 1
    assert all(": unchecked (" in result for result in results[:-1])
    assert ": block (" in results[-1]
    complaints = done.stderr.splitlines()
    assert len(complaints) == len(names)
    for complaint, path in zip(complaints, names, strict=True):
        assert complaint.startswith(f"staydown: {path} ")
    for complaint, what in zip(
        complaints, ["", "is empty", "no type", "is a folder", "not a regular file", "is missing"], strict=True
    ):
        assert what in complaint


def test_a_file_over_a_limit_is_unchecked_but_no_bad_file(synced: Folder, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.new("1", (12_000, 12_000)).save(large)
    done = staydown("filter", "check", large, "--folder", synced.path)
    assert (done.returncode, done.stdout) == (1, f"{large}: unchecked (limit)\n")
    assert done.stderr.startswith(f"staydown: {large} was not decoded whole. (")


def test_a_picture_without_features_is_unchecked_but_no_bad_file(synced: Folder, tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    flat.write_bytes(flat_picture())
    done = staydown("filter", "check", flat, "--folder", synced.path)
    assert (done.returncode, done.stdout, done.stderr) == (1, f"{flat}: unchecked (featureless)\n", "")


def test_a_folder_that_was_never_synced_says_so_once(folder: Folder, cat: Path) -> None:
    done = staydown("filter", "check", cat, photograph("coffee.png"), "--folder", folder.path)
    assert done.returncode == 1
    assert done.stdout.count("unchecked (never_synced)") == 2
    assert done.stderr.count("staydown filter sync") == 1


def test_a_file_name_cannot_break_the_line_or_move_the_cursor(synced: Folder, tmp_path: Path) -> None:
    name = os.fsdecode(b"a\nb\x1b[2J\xff.jpg")
    (tmp_path / name).write_bytes(b"")
    done = staydown("filter", "check", tmp_path / name, "--folder", synced.path)
    assert done.stdout.count("\n") == done.stderr.count("\n") == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert staydown("filter", "check", tmp_path / name, "--folder", synced.path, "--json").stdout.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["filter", "check"],
        ["filter", "check", "--nonsense", "x"],
        ["filter", "check", "x.jpg"],
        ["filter", "check", "x.jpg", "--folder", "nowhere"],
        ["filter", "sync"],
        ["filter", "sync", "nowhere"],
        ["filter", "init", "new", "--list", "national"],
        ["filter", "init", "new", "--list", "national", "--hub", "https://hub.example"],
        ["filter", "init", "new", "--list", "a/b", "--hub", "https://hub.example"],
        ["filter", "init", "new", "--list", "national", "--hub", "http://hub.example"],
        ["report", "x.jpg"],
        ["report", "x.jpg", "--seen-at", "https://host.example"],
        ["assess", "x.jpg", "--code", "A1", "--hub", "http://hub.example"],
        ["nonsense"],
    ],
)
def test_bad_usage_is_status_2_with_a_line_that_says_what_to_do(arguments: list[str], tmp_path: Path) -> None:
    done = staydown(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "staydown" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_explains_every_command() -> None:
    top = staydown()
    assert (top.returncode, top.stdout) == (0, staydown("--help").stdout)
    for word in ("filter", "fingerprint", "report", "assess", "STAYDOWN_API_KEY", "exit status"):
        assert word in top.stdout
    assert "sync" in staydown("filter").stdout
    assert "unchecked" in staydown("filter", "check", "--help").stdout


def test_init_asks_the_hub_first_and_leaves_nothing_when_it_says_no(tmp_path: Path, hub: LoopbackHub) -> None:
    def init(list_name: str, key: str) -> subprocess.CompletedProcess[str]:
        return staydown(
            "filter", "init", "filter", "--list", list_name,
            environment={"STAYDOWN_API_KEY": key, "STAYDOWN_HUB": hub.url}, cwd=tmp_path,
        )  # fmt: skip

    wrong_list = init("regional", KEY_TEXT)
    assert (wrong_list.returncode, wrong_list.stdout) == (2, "")
    assert wrong_list.stderr.endswith("Lists it may follow: national.\n")
    wrong_key = init(LIST, KEY_TEXT + "x")
    assert wrong_key.returncode == 1
    assert "Unknown key" in wrong_key.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_may_come_from_a_file_and_never_shows(tmp_path: Path, hub: LoopbackHub) -> None:
    (tmp_path / "secret").write_text(KEY_TEXT + "\n")
    done = staydown("filter", "init", "filter", "--hub", hub.url, "--list", LIST, "--key-file", "secret", cwd=tmp_path)
    assert done.returncode == 0
    assert KEY_TEXT not in done.stdout + done.stderr
    assert (tmp_path / "filter" / "key").read_text().strip() == KEY_TEXT


def test_a_second_init_on_the_same_folder_is_refused(synced: Folder, hub: LoopbackHub) -> None:
    done = staydown(
        "filter", "init", synced.path, "--hub", hub.url, "--list", LIST, environment={"STAYDOWN_API_KEY": KEY_TEXT}
    )
    assert done.returncode == 2
    assert "already" in done.stderr


def follow(folder: Folder, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*STAYDOWN, "filter", "sync", str(folder.path), "--follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_follow_tells_what_arrives_and_a_second_one_is_refused(
    folder: Folder, hub: LoopbackHub, cat: Path, cat_wire: list[Body]
) -> None:
    with follow(folder) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "Up to date: the list has 0 positions; 0 were new.\n"
        second = staydown("filter", "sync", folder.path)
        assert second.returncode == 2
        assert f"Another sync works on {folder.path} already (process {process.pid})" in second.stderr
        assert staydown("filter", "check", cat, "--folder", folder.path).returncode == 0
        hub.publish(admit(1, *cat_wire))
        assert process.stdout.readline() == "Applied position 0: admit.\n"
        assert staydown("filter", "check", cat, "--folder", folder.path).returncode == 1
        hub.publish(withdraw(1))
        assert process.stdout.readline() == "Applied position 1: withdraw.\n"
        assert staydown("filter", "check", cat, "--folder", folder.path).returncode == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        assert process.stderr.read() == ""


def test_follow_as_json_tells_trouble_too(folder: Folder, hub: LoopbackHub) -> None:
    hub.answers[f"/feed/v1/lists/{LIST}/events"] = lambda handler: handler.answer({}, status=503)
    with follow(folder, "--json") as process:
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.kill()
    assert told[0] == {"event": "caught_up", "position": -1, "applied": 0}
    assert (told[1]["event"], set(told[1])) == ("trouble", {"event", "message", "retry_in_s"})


def test_metrics_are_kept_while_following(folder: Folder, hub: LoopbackHub, tmp_path: Path) -> None:
    hub.publish(admit(1))
    path = tmp_path / "staydown.prom"
    with follow(folder, "--metrics", str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert "staydown_list_refused 0\n" in path.read_text()
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    text = path.read_text()
    for line in ("staydown_list_position 0", "staydown_ready 1", 'staydown_list_problem{problem="witnesses"} 0'):
        assert f"{line}\n" in text
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir() if "prom" in each.name] == ["staydown.prom"]


def test_metrics_that_cannot_be_kept_are_refused_at_once(folder: Folder, tmp_path: Path) -> None:
    done = staydown("filter", "sync", folder.path, "--follow", "--metrics", tmp_path / "none" / "x.prom")
    assert (done.returncode, done.stdout) == (2, "")
    assert "metrics cannot be written" in done.stderr
    assert "--follow" in staydown("filter", "sync", folder.path, "--metrics", tmp_path / "x.prom").stderr


def test_a_sync_without_a_hub_is_status_1_with_a_line(folder: Folder, hub: LoopbackHub) -> None:
    hub.shutdown()
    hub.server_close()
    done = staydown("filter", "sync", folder.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"staydown: The hub at {hub.url} cannot be reached: nothing listens there, or the network is down.\n"
    )


def test_a_reader_that_goes_away_is_no_complaint(synced: Folder, cat: Path) -> None:
    command = [*STAYDOWN, "filter", "check", *[str(cat)] * 20, "--folder", str(synced.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 141
        assert process.stderr.read() == ""


def test_an_interrupted_check_is_quiet(synced: Folder, cat: Path) -> None:
    command = [*STAYDOWN, "filter", "check", *[str(cat)] * 500, "--folder", str(synced.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == ""


def test_fingerprints_are_shown_and_given_in_the_hubs_form(cat: Path, cat_wire: list[Body], tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    shown = staydown("fingerprint", cat)
    assert shown.returncode == 0
    assert f"{cat}: image/png 451x300\n" in shown.stdout
    assert all(fingerprint["value"] in shown.stdout for fingerprint in cat_wire)
    given = staydown("fingerprint", "--json", tmp_path / "missing.jpg", tmp_path / "empty.jpg", cat)
    assert given.returncode == 2
    empty, whole = lines(given.stdout)
    assert [problem["code"] for problem in empty["problems"]] == ["empty"]
    assert [fingerprint["algorithm"] for fingerprint in empty["fingerprints"]] == ["md5", "sha1", "sha256"]
    assert (whole["kind"], whole["fingerprints"], whole["problems"]) == ("picture", cat_wire, [])
    assert len(given.stderr.splitlines()) == 2
