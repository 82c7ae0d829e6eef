"""The folder: made whole or not at all, closed to others, its settings read strictly."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import pytest
from staydown_client.choices import Choices, ChoicesFile
from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.folder import Folder, Settings, checked_list_name, make_folder, open_folder
from staydown_client.lock import held

from packages.client.tests.conftest import KEY, KEY_TEXT

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = Settings(hub="https://hub.example", list="national")


@pytest.fixture
def made(tmp_path: Path) -> Folder:
    return make_folder(tmp_path / "deep" / "filter", settings=SETTINGS, key=KEY)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_closed_to_others_and_has_its_settings_and_key(made: Folder) -> None:
    assert mode_of(made.path) == 0o700
    assert {path.name: mode_of(path) for path in made.path.iterdir()} == {
        "filter.toml": 0o600,
        "key": 0o600,
        "list.sqlite": 0o600,
        "sync.lock": 0o600,
        "filter-id": 0o600,
    }
    assert made.settings == SETTINGS
    assert ChoicesFile(made.settings_path).current() == Choices()
    assert made.key().reveal() == KEY_TEXT


def test_an_insecure_hub_stays_permitted(tmp_path: Path) -> None:
    settings = Settings(hub="http://hub.example", list="national", insecure=True)
    assert make_folder(tmp_path / "filter", settings=settings, key=KEY).settings == settings


def test_an_empty_folder_is_taken_and_closed(tmp_path: Path) -> None:
    (tmp_path / "filter").mkdir(mode=0o755)
    assert mode_of(make_folder(tmp_path / "filter", settings=SETTINGS, key=KEY).path) == 0o700


def test_no_parent_folder_changes_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "filter", settings=SETTINGS, key=KEY)
    assert mode_of(tmp_path) == 0o755


def test_what_exists_is_never_overwritten(made: Folder, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="already"):
        make_folder(made.path, settings=SETTINGS, key=KEY)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(FolderError, match="not an empty folder"):
        make_folder(tmp_path / "other", settings=SETTINGS, key=KEY)
    with pytest.raises(FolderError, match="not an empty folder"):
        make_folder(tmp_path / "other" / "file", settings=SETTINGS, key=KEY)


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be made"):
        make_folder(tmp_path / "file" / "filter", settings=SETTINGS, key=KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, *, list_name: str) -> None:
        assert (path.parent / "key").exists(), list_name
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("staydown_client.folder.create_store", fail)
    with pytest.raises(FolderError, match="No space left"):
        make_folder(tmp_path / "filter", settings=SETTINGS, key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_another_folder_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FolderError, match="staydown filter init"):
            open_folder(path)


def test_a_folder_or_key_open_to_others_is_refused_with_the_remedy(made: Folder) -> None:
    (made.path / "key").chmod(0o640)
    with pytest.raises(FolderError, match="chmod 600"):
        made.key()
    made.path.chmod(0o750)
    with pytest.raises(FolderError, match="chmod 700"):
        open_folder(made.path)


def test_another_users_folder_is_refused_except_to_root(made: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = made.path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(FolderError, match="belongs to another user"):
        open_folder(made.path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert open_folder(made.path) == made


def test_a_lock_that_cannot_be_opened_is_named(made: Folder) -> None:
    made.lock_path.unlink()
    made.lock_path.mkdir()
    with pytest.raises(FolderError, match=r"sync\.lock cannot be opened"), held(made.lock_path):
        pytest.fail("held a folder")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("hub = ", "not TOML"),
        ("\udcff", "not TOML"),
        ('list = "national"', "hub"),
        ('hub = 3\nlist = "national"', "hub"),
        ('hub = "http://hub.example"\nlist = "national"', "--insecure"),
        ('hub = "https://hub.example"', "list"),
        ('hub = "https://hub.example"\nlist = "../x"', "list"),
        ('hub = "https://hub.example"\nlist = "national"\ninsecure = 1', "insecure"),
        ('hub = "https://hub.example"\nlist = "national"\nmax_entries = 0', "max_entries"),
        ('hub = "https://hub.example"\nlist = "national"\nmax_entries = true', "max_entries"),
        ('hub = "https://hub.example"\nlist = "national"\npolicy = 1', "policy"),
        ('hub = "https://hub.example"\nlist = "national"\nkey = "x"', "key is not a setting"),
        ('hub = "https://hub.example"\nlist = "national"\n[policy]\nnear = "allow"', "policy.near"),
    ],
)
def test_bad_settings_are_refused_by_file_and_name(made: Folder, text: str, named: str) -> None:
    (made.path / "filter.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError, match=r"filter\.toml") as caught:
        open_folder(made.path)
    assert named in str(caught.value)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 65, None, "-a", "a\n"])
def test_a_lists_name_is_safe_in_an_address(name: object) -> None:
    with pytest.raises(ConfigurationError):
        checked_list_name(name)
