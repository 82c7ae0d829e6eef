"""Strict reading of a settings file's tables: a typed value, or an error that names the setting."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeGuard, TypeVar

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Word = TypeVar("Word", bound=str)
_MAX_TEXTS: Final = 100


def refuse_unknown(table: Mapping[str, object], where: str, *, known: Collection[str]) -> None:
    """Raise for a setting that there is not: a slip of the pen must not leave a default in force unseen."""
    for name in table:
        if name not in known:
            raise ConfigurationError(f"{where}.{name} is not a setting; there are {', '.join(known)}.")


def table_at(value: object, where: str) -> Mapping[str, object]:
    """Return the table at `where`."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table.")
    return value


def boolean_at(value: object, where: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} must be true or false.")
    return value


def whole_number_at(value: object, where: str, *, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`; true and 3.0 are none."""
    if type(value) is not int or not low <= value <= high:
        raise ConfigurationError(f"{where} must be a whole number from {low} to {high}.")
    return value


def seconds_at(value: object, where: str) -> float:
    """Return a finite number of seconds above 0."""
    if not _is_number(value) or not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"{where} must be a number of seconds above 0.")
    return float(value)


def share_at(value: object, where: str) -> float:
    """Return a share: above 0, at most 1."""
    if not _is_number(value) or not 0 < value <= 1:
        raise ConfigurationError(f"{where} must be a share above 0 and at most 1, such as 0.2.")
    return float(value)


def one_of(value: object, where: str, words: tuple[Word, ...]) -> Word:
    """Return the one of `words` that `value` is."""
    for word in words:
        if value == word:
            return word
    raise ConfigurationError(f"{where} must be " + " or ".join(f'"{word}"' for word in words) + ".")


def texts_at(value: object, where: str) -> tuple[str, ...]:
    """Return an array of one text or more; an empty one is refused, for left out it would speak of all."""
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_TEXTS:
        raise ConfigurationError(f'{where} must be an array of 1 to {_MAX_TEXTS} texts, such as ["A1", "A2"].')
    if not all(isinstance(text, str) for text in value):
        raise ConfigurationError(f"{where} must hold texts only.")
    return tuple(value)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
