"""Reading a TOML table strictly: each field is taken once, what is left over is a mistake, and all have a place."""

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

_LONGEST: Final = 254


class BadTableError(ValueError):
    """A file that cannot be used; the message begins with the place, such as ``organisation 2, people 1: email``."""


class Table:
    """One table of a file; ``place`` is how its mistakes are named, ``error`` the type that they are raised as."""

    def __init__(self, place: str, fields: Mapping[str, Any], *, error: type[BadTableError] = BadTableError) -> None:
        self.place = place
        self._left = dict(fields)
        self._error = error

    def refuse(self, name: str, message: str) -> NoReturn:
        """Raise the table's error for this field."""
        raise self._error(f"{self.place}: {name}: {message}.")

    def text(
        self,
        name: str,
        *,
        form: re.Pattern[str] | None = None,
        hint: str = "",
        allowed: tuple[str, ...] = (),
        default: str | None = None,
    ) -> str:
        """Return a short line of text of this form, or one of those allowed."""
        value = self._left.pop(name, default)
        if (
            not isinstance(value, str)
            or (value == "" and default != "")
            or len(value) > _LONGEST
            or not value.isprintable()
        ):
            self.refuse(name, "is missing, or not a short line of text")
        if allowed and value not in allowed:
            self.refuse(name, f"is none of {', '.join(allowed)}")
        if form and value != default and not form.fullmatch(value):
            self.refuse(name, f"does not consist of {hint}")
        return value

    def texts(self, name: str, *, form: re.Pattern[str] | None = None, hint: str = "") -> tuple[str, ...]:
        """Return a list of texts, each of this form; an empty one when the field is not there."""
        values = self._left.pop(name, [])
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            self.refuse(name, "is not a list of texts")
        if form and not all(form.fullmatch(one) for one in values):
            self.refuse(name, f"does not consist of {hint}")
        return tuple(values)

    def truth(self, name: str) -> bool:
        """Return true or false, which must be said."""
        value = self._left.pop(name, None)
        if not isinstance(value, bool):
            self.refuse(name, "is missing, or neither true nor false")
        return value

    def table(self, name: str) -> "Table":
        """Return a table inside this one, empty when it is not there."""
        value = self._left.pop(name, {})
        if not isinstance(value, dict):
            self.refuse(name, f"is written as a table [{name}]")
        return Table(f"{self.place}, {name}", value, error=self._error)

    def tables(self, name: str, place: str) -> list["Table"]:
        """Return an array of tables; each is named by ``place`` and its number from 1."""
        values = self._left.pop(name, [])
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            self.refuse(name, f"is written as [[{name}]] tables")
        return [Table(f"{place} {number}", one, error=self._error) for number, one in enumerate(values, start=1)]

    def names(self) -> tuple[str, ...]:
        """Return the names of the fields that were not taken yet, in the file's order."""
        return tuple(self._left)

    def finish(self) -> None:
        """Refuse what is left over."""
        for name in sorted(self._left):
            self.refuse(name, "is not a field here")
