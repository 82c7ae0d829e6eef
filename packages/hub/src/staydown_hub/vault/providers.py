"""Where the ring is kept is a plug-in: files by default, anything else by an installed package's entry point."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, cast

from staydown_hub.config import environment
from staydown_hub.config.environment import BadSettingError
from staydown_hub.vault.rings import FileRing, RingStore

GROUP: Final = "staydown_hub.key_rings"
FILES: Final = "file"

# What an entry point names: called once a process, with the ring's folder.
Provider = Callable[[Path], RingStore]


def ring_folder() -> Path:
    """Return the ring's folder: outside the database, and to be backed up apart from it."""
    given = environment.text("STAYDOWN_RING_FOLDER")
    return Path(given).absolute() if given else environment.home() / "ring"


def ring_store() -> RingStore:
    """Return the ring that STAYDOWN_RING_PROVIDER names. Raises BadSettingError when it is not installed."""
    return _store(environment.text("STAYDOWN_RING_PROVIDER", FILES), ring_folder())


@cache
def _store(name: str, folder: Path) -> RingStore:
    if name == FILES:
        return FileRing(folder)
    return cast("Provider", _installed(name).load())(folder)


def _installed(name: str) -> EntryPoint:
    known = {one.name: one for one in entry_points(group=GROUP)}
    if name not in known:
        named = ", ".join(sorted({FILES, *known}))
        raise BadSettingError(f"STAYDOWN_RING_PROVIDER must be one of those that are installed: {named}.")
    return known[name]
