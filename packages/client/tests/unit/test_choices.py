"""The platform's choices follow their file; a wrong one changes nothing and says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from staydown_client.choices import POLICY_NAME, Choices, ChoicesFile, read_choices
from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.local.flood import FloodSettings
from staydown_client.local.outbox import MatchSettings
from staydown_client.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, text: str) -> None:
    """Put a whole file in place at once, as an editor does."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "filter.toml"
    write(path, 'hub = "https://hub.example"\n[policy]\nnear = "hold"\n')
    return path


def test_a_changed_file_is_followed(settings: Path) -> None:
    choices = ChoicesFile(settings)
    assert choices.current().policy == Policy(near="hold")
    write(settings, "[policy]\nmax_distance_bits = 9\n[flood]\nenabled = false\n[matches]\nreport = false\n")
    assert choices.follow_now() == Choices(
        Policy(max_distance_bits=9), FloodSettings(enabled=False), MatchSettings(report=False)
    )


def test_a_change_counts_within_a_second_without_being_asked(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staydown_client.choices._LOOK_EVERY_S", 0.0)
    choices = ChoicesFile(settings)
    write(settings, "")
    assert choices.current() == Choices()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[policy]\nnear = "allow"', "policy.near"),
        ("[flood]\nshare = 2", "flood.share"),
        ("[matches]\nsend = 1", "matches.send"),
        ("[policy", "not TOML"),
        ("policy = 3", "policy must be a table"),
    ],
)
def test_a_bad_file_leaves_the_last_good_choices_and_says_what_is_wrong(settings: Path, text: str, named: str) -> None:
    choices = ChoicesFile(settings)
    write(settings, text)
    assert choices.follow_now().policy == Policy(near="hold")
    assert choices.problem is not None
    assert named in choices.problem
    write(settings, "[policy]\n")
    assert choices.follow_now().policy == Policy()
    assert choices.problem is None


def test_a_file_that_went_away_leaves_the_last_good_choices(settings: Path) -> None:
    choices = ChoicesFile(settings)
    settings.unlink()
    assert choices.follow_now().policy == Policy(near="hold")
    assert choices.problem is not None


def test_policy_toml_takes_the_place_of_the_tables_in_filter_toml(settings: Path) -> None:
    choices = ChoicesFile(settings)
    own = settings.with_name(POLICY_NAME)
    write(own, "[policy]\nmin_quality = 60\n")
    assert choices.follow_now().policy == Policy(min_quality=60)
    write(own, 'hub = "https://hub.example"\n')
    assert choices.follow_now().policy == Policy(min_quality=60)
    assert "hub is not a table" in str(choices.problem)
    own.unlink()
    assert choices.follow_now().policy == Policy(near="hold")


def test_what_is_wrong_from_the_start_is_refused(settings: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderError):
        ChoicesFile(tmp_path / "missing.toml")
    write(settings, "[policy]\nexact = 1\n")
    with pytest.raises(ConfigurationError, match=r"policy\.exact"):
        ChoicesFile(settings)


def test_a_policy_given_in_code_stays(settings: Path) -> None:
    choices = ChoicesFile(settings, policy=Policy(exact="hold"))
    write(settings, "[flood]\nshare = 0.5\n")
    assert choices.follow_now() == Choices(Policy(exact="hold"), FloodSettings(share=0.5))


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [
        ("flood", "enabled", 1),
        ("flood", "share", 0),
        ("flood", "share", True),
        ("flood", "window_s", -1),
        ("flood", "min_matches", 0),
        ("flood", "hold_for_s", "day"),
        ("matches", "report", "yes"),
        ("matches", "reference", None),
        ("matches", "time_step_s", 0),
        ("matches", "time_step_s", 86_401),
        ("matches", "max_waiting", 0),
    ],
)
def test_a_bad_setting_is_refused_by_name(table: str, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"{table}\.{name}"):
        read_choices({table: {name: value}})


def test_every_setting_is_read() -> None:
    tables: dict[str, dict[str, object]] = {
        "flood": {"enabled": False, "share": 0.5, "window_s": 60, "min_matches": 3, "hold_for_s": 5},
        "matches": {"report": False, "reference": False, "time_step_s": 3600, "max_waiting": 7},
    }
    assert tables["flood"].keys() == FloodSettings.__dataclass_fields__.keys()
    assert tables["matches"].keys() == MatchSettings.__dataclass_fields__.keys()
    found = read_choices(tables)
    assert found.flood == FloodSettings(enabled=False, share=0.5, window_s=60.0, min_matches=3, hold_for_s=5.0)
    assert found.matches == MatchSettings(report=False, reference=False, time_step_s=3600, max_waiting=7)
