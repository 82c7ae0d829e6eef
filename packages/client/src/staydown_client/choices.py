"""All that a platform chooses, read from its folder and read again when the file changes."""

from __future__ import annotations

import threading
import time
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError, FolderError
from staydown_client.local.flood import FloodSettings, read_flood
from staydown_client.local.outbox import MatchSettings, read_matches
from staydown_client.policy import Policy, read_policy
from staydown_client.tables import table_at

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POLICY_NAME: Final = "policy.toml"
TABLES: Final = ("policy", "flood", "matches")
_LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Choices:
    """The tables `[policy]`, `[flood]` and `[matches]`."""

    policy: Policy = field(default_factory=Policy)
    flood: FloodSettings = field(default_factory=FloodSettings)
    matches: MatchSettings = field(default_factory=MatchSettings)


def read_choices(tables: Mapping[str, object]) -> Choices:
    """Read the three tables, each of which may be absent; raise `ConfigurationError` naming what is wrong."""
    return Choices(
        policy=read_policy(table_at(tables.get("policy", {}), "policy")),
        flood=read_flood(table_at(tables.get("flood", {}), "flood")),
        matches=read_matches(table_at(tables.get("matches", {}), "matches")),
    )


class ChoicesFile:
    """The choices in policy.toml, or where there is none in filter.toml; followed while they change.

    A file that cannot be read any more, or is wrong, leaves the last good choices in force and is told in `problem`.
    """

    def __init__(self, settings_path: Path, *, policy: Policy | None = None) -> None:
        """Read them; raise `ConfigurationError` or `FolderError`. `policy` takes the place of the file's."""
        self._paths = (settings_path.with_name(POLICY_NAME), settings_path)
        self._policy = policy
        self._lock = threading.Lock()
        self._seen = self._look()
        self._choices = self._read()
        self._problem: str | None = None
        self._next_look = time.monotonic() + _LOOK_EVERY_S

    @property
    def problem(self) -> str | None:
        """What is wrong with the file as it is now, naming the setting; None when its choices are in force."""
        return self._problem

    def current(self) -> Choices:
        """Return the choices in force, at most half a second behind the file."""
        now = time.monotonic()
        if now >= self._next_look:
            with self._lock:
                if now >= self._next_look:
                    self._next_look = now + _LOOK_EVERY_S
                    self._follow()
        return self._choices

    def follow_now(self) -> Choices:
        """Return the choices of the file as it is at this moment."""
        with self._lock:
            self._follow()
        return self._choices

    def _follow(self) -> None:
        seen = self._look()
        if seen == self._seen:
            return
        try:
            self._choices = self._read()
            self._problem = None
        except (ConfigurationError, FolderError) as error:
            self._problem = f"{error} The last good policy stays in force."
        self._seen = seen

    def _look(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_identity(path) for path in self._paths)

    def _read(self) -> Choices:
        own, settings = self._paths
        path = own if own.exists() else settings
        tables = _load(path)
        if path == own:
            _refuse_others(tables, path)
        try:
            choices = read_choices(tables)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error
        return choices if self._policy is None else replace(choices, policy=self._policy)


def _load(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from error
    except OSError as error:
        raise FolderError(f"{path} cannot be read: {error.strerror}.") from error


def _refuse_others(tables: Mapping[str, object], path: Path) -> None:
    for name in tables:
        if name not in TABLES:
            raise ConfigurationError(f"{path}: {name} is not a table here; there are {', '.join(TABLES)}.")


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
