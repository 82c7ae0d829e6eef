"""A witness's folder: its settings, its two keys, and the record of what it signed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from staydown_client.address import checked_hub_address
from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.folder import checked_list_name
from staydown_client.key import ApiKey, key_from_file
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.keys import WitnessKey
from staydown_client.log_settings import log_text, read_log
from staydown_client.private_files import built_beside, check_private, is_file, write_private
from staydown_client.witness.record import Signed, write_record

if TYPE_CHECKING:
    import os

    from staydown_client.log.trust import Trust

SETTINGS_NAME: Final = "witness.toml"
KEY_NAME: Final = "key"
SIGNING_KEY_NAME: Final = "cosigner.key"
LOCK_NAME: Final = "lock"
_NAMES: Final = ("hub", "list", "insecure", "log")
_TEMPLATE: Final = """\
# A Staydown witness: which list it watches. Reference: docs/reference/staydown.md

hub = "{hub}"
list = "{list}"
insecure = {insecure}  # true: plain http to another machine is permitted

"""


@dataclass(frozen=True, slots=True)
class WitnessFolder:
    """An existing witness's folder, closed to others, with its settings read."""

    path: Path
    hub: str
    list: str
    insecure: bool
    trust: Trust

    @property
    def lock_path(self) -> Path:
        """What the one process that signs holds locked."""
        return self.path / LOCK_NAME

    def key(self) -> ApiKey:
        """Return the API key."""
        path = self.path / KEY_NAME
        check_private(path, f"chmod 600 {path}")
        return key_from_file(path)

    def signing_key(self) -> WitnessKey:
        """Return the private key that countersigns."""
        path = self.path / SIGNING_KEY_NAME
        check_private(path, f"chmod 600 {path}")
        return WitnessKey.from_text(path.read_text(encoding="utf-8").strip())


def make_witness_folder(
    path: str | os.PathLike[str], *, hub: str, list_name: str, insecure: bool, trust: Trust, keys: tuple[ApiKey, str]
) -> WitnessFolder:
    """Make a folder with mode 0700, whole or not at all. `keys`: the API key, and the name of the witness's own."""
    folder = require_absent(path)
    with built_beside(folder) as draft:
        write_private(draft / KEY_NAME, keys[0].reveal() + "\n")
        write_private(draft / SIGNING_KEY_NAME, WitnessKey.make(keys[1]).reveal() + "\n")
        write_private(draft / LOCK_NAME, "")
        settings = _TEMPLATE.format(hub=hub, list=list_name, insecure=str(insecure).lower())
        write_private(draft / SETTINGS_NAME, settings + log_text(trust))
        write_record(draft, Signed(CompactRange()))
    return open_witness_folder(folder)


def require_absent(path: str | os.PathLike[str]) -> Path:
    """Return the path where a folder can be made: nothing is there, or an empty folder."""
    folder = Path(path).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder} exists and is not an empty folder; choose another.")
    return folder


def open_witness_folder(path: str | os.PathLike[str]) -> WitnessFolder:
    """Open a witness's folder; raise `FolderError` or `ConfigurationError` saying what is wrong with it."""
    folder = Path(path).absolute()
    settings = folder / SETTINGS_NAME
    if not is_file(settings):
        raise FolderError(
            f"{folder} is not a witness's folder. Make one: staydown witness init {folder} --hub URL --list NAME"
        )
    check_private(folder, f"chmod 700 {folder}")
    try:
        table = tomllib.loads(settings.read_text(encoding="utf-8"))
        return _folder_from(folder, table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{settings} is not TOML: {error}.") from error
    except OSError as error:
        raise FolderError(f"{settings} cannot be read: {error.strerror}.") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{settings}: {error}") from error


def _folder_from(folder: Path, table: dict[str, object]) -> WitnessFolder:
    unknown = sorted(table.keys() - set(_NAMES))
    if unknown:
        raise ConfigurationError(f"{unknown[0]} is not a setting; there are {', '.join(_NAMES)}.")
    hub, insecure, log = table.get("hub"), table.get("insecure", False), table.get("log")
    if not isinstance(hub, str):
        raise ConfigurationError("hub must be an address, such as https://hub.example.")
    if not isinstance(insecure, bool):
        raise ConfigurationError("insecure must be true or false.")
    if not isinstance(log, dict):
        raise ConfigurationError("there must be a table [log] with the list's origin and keys.")
    return WitnessFolder(
        path=folder,
        hub=checked_hub_address(hub, insecure=insecure),
        list=checked_list_name(table.get("list")),
        insecure=insecure,
        trust=read_log(log),
    )
