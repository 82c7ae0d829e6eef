"""What the hub refuses, and that the command says it in a line with the right exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.members import LIST, Cast, Member

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.running_hub import RunningHub


def test_a_wrong_key_is_refused_everywhere(hub: RunningHub, refused_picture: Path, tmp_path: Path) -> None:
    stranger = Member(hub, "sdk_zzzzzzzz_" + "z" * 43)
    for words in (
        ("filter", "init", tmp_path / "filter", "--list", LIST),
        ("report", refused_picture, "--seen-at", "https://host.example"),
        ("assess", refused_picture, "--code", "TEST"),
    ):
        done = stranger.staydown(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert "401" in done.stderr
        assert "zzz" not in done.stderr
    assert stranger.call("GET", f"{hub.feed_url}/feed/v1/lists/{LIST}/checkpoint")[0] == 401
    assert not (tmp_path / "filter").exists()


def test_an_outsider_gets_no_list_and_reports_nothing(
    cast: Cast, hub: RunningHub, refused_picture: Path, tmp_path: Path
) -> None:
    done = cast.outsider.staydown("filter", "init", tmp_path / "filter", "--list", LIST)
    assert done.returncode in {1, 2}
    assert not (tmp_path / "filter").exists()
    assert cast.outsider.staydown("report", refused_picture, "--seen-at", "https://host.example").returncode == 1
    for what in ("keys", "checkpoint", "bundle/000", "tail?after=-1", "events?after=-1"):
        assert cast.outsider.call("GET", f"{hub.feed_url}/feed/v1/lists/{LIST}/{what}")[0] in {403, 404}


def test_a_platform_may_not_assess_and_a_monitor_without_that_scope_neither(cast: Cast, refused_picture: Path) -> None:
    for member in (cast.platform, cast.monitor):
        done = member.staydown("assess", refused_picture, "--code", "TEST")
        assert (done.returncode, done.stdout) == (1, "")
        assert "403" in done.stderr
    done = cast.monitor.staydown("report", refused_picture, "--seen-at", "https://host.example", "--code", "TEST")
    assert done.returncode == 1
    assert "403" in done.stderr


def test_a_list_that_does_not_exist_is_named_with_those_that_do(cast: Cast, tmp_path: Path) -> None:
    done = cast.platform.staydown("filter", "init", tmp_path / "filter", "--list", "nowhere")
    assert done.returncode == 2
    assert f"Lists it may follow: {LIST}." in done.stderr


def test_a_picture_that_nobody_reported_cannot_be_assessed(cast: Cast, refused_picture: Path) -> None:
    done = cast.police.staydown("assess", refused_picture, "--code", "TEST")
    assert (done.returncode, done.stdout) == (1, "")
    assert "staydown report" in done.stderr


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--seen-at", "ftp://host.example/x"), "sightings.0.url"),
        (("--seen-at", "https://host.example/" + "x" * 10_000), "sightings.0.url"),
        (("--seen-at", "https://host.example", "--code", "Z9"), "assessment.code"),
    ],
)
def test_a_bad_field_is_named_in_the_complaint(
    cast: Cast, words: tuple[str, ...], field: str, refused_picture: Path
) -> None:
    done = cast.centre.staydown("report", refused_picture, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert field in done.stderr
    assert "host.example" not in done.stderr
