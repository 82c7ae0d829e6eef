"""Where signing keys are kept is a plug-in: files by default, anything else by an installed package's entry point."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, cast

from staydown_hub.config import environment
from staydown_hub.config.environment import BadSettingError
from staydown_hub.sealing.keys import FileKeys, KeyStore

GROUP: Final = "staydown_hub.signing_keys"
FILES: Final = "file"

# What an entry point names: called once, with the signing folder and the origin (the logs' name without the list).
Provider = Callable[[Path, str], KeyStore]


def key_store(folder: Path, origin: str) -> KeyStore:
    """Return the store that STAYDOWN_SIGNING_PROVIDER names. Raises BadSettingError when it is not installed."""
    name = environment.text("STAYDOWN_SIGNING_PROVIDER", FILES)
    if name == FILES:
        return FileKeys(folder, origin=origin)
    return cast("Provider", _installed(name).load())(folder, origin)


def _installed(name: str) -> EntryPoint:
    known = {one.name: one for one in entry_points(group=GROUP)}
    if name not in known:
        named = ", ".join(sorted({FILES, *known}))
        raise BadSettingError(f"STAYDOWN_SIGNING_PROVIDER must be one of those that are installed: {named}.")
    return known[name]
