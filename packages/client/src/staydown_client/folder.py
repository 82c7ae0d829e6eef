"""A filter's folder: its settings, its key and who may open it. It holds opaque ids and fingerprints, nothing else."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from staydown_client.address import checked_hub_address
from staydown_client.choices import TABLES, read_choices
from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.key import ApiKey, key_from_file
from staydown_client.log_settings import log_text, read_log
from staydown_client.private_files import built_beside, check_private, is_file, write_private
from staydown_client.store import create_store

if TYPE_CHECKING:
    import os

    from staydown_client.log.trust import Trust

SETTINGS_NAME: Final = "filter.toml"
KEY_NAME: Final = "key"
STORE_NAME: Final = "list.sqlite"
LOCK_NAME: Final = "sync.lock"
ID_NAME: Final = "filter-id"
MAX_ENTRIES: Final = 100_000_000
"""A longer list is not followed unless filter.toml permits it: whoever signs a list could fill the disk with it."""

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TEMPLATE: Final = """\
# A Staydown filter: which list it follows, and what follows from a match.
# Reference: docs/reference/staydown.md

hub = "{hub}"
list = "{list}"
insecure = {insecure}  # true: plain http to another machine is permitted
max_entries = {max_entries}  # a longer list is refused: it could fill the disk

[policy]
exact = "block"           # or "hold": a person looks first
near = "block"            # or "hold"
max_distance_bits = 31    # of PDQ's 256 bits, 0 to 31
featureless = "unchecked" # or "allow": pictures with too few features for a near match
every_frame = false       # or true: every frame of videos and not keyframes alone, ten times slower
# max_list_age_s = 86400  # when the list is older, what it does not hold is "unchecked" instead of "allow"
# [[policy.rules]]        # what follows by category, list and distance, [flood] and [matches]: docs/reference/policy.md

"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What filter.toml says, checked."""

    hub: str
    list: str
    insecure: bool = False
    log: Trust | None = None
    max_entries: int = MAX_ENTRIES

    def trusted(self) -> Trust:
        """Return whose signatures are believed; raise `ConfigurationError` when the settings do not say."""
        if self.log is None:
            raise ConfigurationError(
                "filter.toml has no [log] table with the list's origin and keys, so nothing could be verified. Make a "
                "new folder: staydown filter init."
            )
        return self.log


@dataclass(frozen=True, slots=True)
class Folder:
    """An existing filter folder, closed to others, with its settings read."""

    path: Path
    settings: Settings

    @property
    def store_path(self) -> Path:
        """Where the list is kept."""
        return self.path / STORE_NAME

    @property
    def settings_path(self) -> Path:
        """Where the settings are."""
        return self.path / SETTINGS_NAME

    @property
    def lock_path(self) -> Path:
        """What the one process that syncs holds locked."""
        return self.path / LOCK_NAME

    def filter_id(self) -> str:
        """Return the random name by which the hub tells this filter from others; made on first use."""
        path = self.path / ID_NAME
        try:
            found = path.read_text(encoding="ascii").strip()
            return str(UUID(found))
        except FileNotFoundError:
            made = str(uuid4())
            write_private(path, made + "\n")
            return made
        except (OSError, ValueError) as error:
            raise FolderError(f"{path} cannot be read; remove it, and another is made.") from error

    def key(self) -> ApiKey:
        """Return the key; raise when others could read or change it."""
        path = self.path / KEY_NAME
        check_private(path, f"chmod 600 {path}")
        return key_from_file(path)


def checked_list_name(name: object) -> str:
    """Return `name` when it can be a list's short name."""
    if not isinstance(name, str) or not _SLUG.fullmatch(name):
        raise ConfigurationError("A list's name is up to 64 letters, digits, '-' and '_'.")
    return name


def open_folder(path: str | os.PathLike[str]) -> Folder:
    """Open the filter folder at `path`; raise `FolderError` or `ConfigurationError` saying what is wrong with it."""
    folder = Path(path)
    if not is_file(folder / SETTINGS_NAME):
        raise FolderError(
            f"{folder} is not a filter's folder. Make one: staydown filter init {folder} --hub URL --list NAME"
        )
    check_private(folder, f"chmod 700 {folder}")
    return Folder(path=folder.absolute(), settings=_read_settings(folder / SETTINGS_NAME))


def require_absent(path: str | os.PathLike[str]) -> Path:
    """Return the path where a folder can be made: nothing is there, or an empty folder."""
    folder = Path(path).absolute()
    if is_file(folder / SETTINGS_NAME):
        raise FolderError(f"{folder} is a filter's folder already; sync it, or choose another.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder} exists and is not an empty folder; choose another.")
    return folder


def make_folder(path: str | os.PathLike[str], *, settings: Settings, key: ApiKey) -> Folder:
    """Make a filter folder with mode 0700, whole or not at all."""
    folder = require_absent(path)
    with built_beside(folder) as draft:
        write_private(draft / KEY_NAME, key.reveal() + "\n")
        create_store(draft / STORE_NAME, list_name=settings.list)
        # Made here, so that it belongs to the folder's owner even when root is the first to sync.
        write_private(draft / LOCK_NAME, "")
        write_private(draft / ID_NAME, f"{uuid4()}\n")
        write_private(draft / SETTINGS_NAME, _settings_text(settings))
    return open_folder(folder)


def _settings_text(settings: Settings) -> str:
    # Checked addresses and names hold no quote and no backslash, so they are TOML strings as they are.
    text = _TEMPLATE.format(
        hub=settings.hub,
        list=settings.list,
        insecure=str(settings.insecure).lower(),
        max_entries=settings.max_entries,
    )
    return text + (log_text(settings.log) if settings.log is not None else "")


def _read_settings(path: Path) -> Settings:
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from error
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return _settings_from(table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _settings_from(table: dict[str, object]) -> Settings:
    known = ("hub", "list", "insecure", "max_entries", "log", *TABLES)
    unknown = sorted(table.keys() - set(known))
    if unknown:
        raise ConfigurationError(f"{unknown[0]} is not a setting; there are {', '.join(known)}.")
    hub, insecure = table.get("hub"), table.get("insecure", False)
    if not isinstance(hub, str):
        raise ConfigurationError("hub must be an address, such as https://hub.example.")
    if not isinstance(insecure, bool):
        raise ConfigurationError("insecure must be true or false.")
    log = table.get("log")
    if log is not None and not isinstance(log, dict):
        raise ConfigurationError("log must be a table.")
    read_choices(table)  # wrong ones are refused when the folder is opened, not at the first upload
    return Settings(
        hub=checked_hub_address(hub, insecure=insecure),
        list=checked_list_name(table.get("list")),
        insecure=insecure,
        log=None if log is None else read_log(log),
        max_entries=_checked_max_entries(table.get("max_entries", MAX_ENTRIES)),
    )


def _checked_max_entries(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ConfigurationError("max_entries must be a whole number of entries, 1 or more.")
    return value
