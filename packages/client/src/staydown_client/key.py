"""The API key: read from a file or the environment, kept out of every text that is shown or logged."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_VARIABLE: Final = "STAYDOWN_API_KEY"
_FORM = re.compile(r"sdk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{16,400}")
_MAX_FILE_BYTES = 4096


class ApiKey:
    """A key whose text shows only when asked for by name: `repr`, `str` and pickles hold nothing of it."""

    __slots__ = ("_secret",)

    def __init__(self, text: str, *, source: str) -> None:
        """Check the form of `text`; `source` says in the error where it came from."""
        if not _FORM.fullmatch(text):
            raise ConfigurationError(
                f"{source} does not hold an API key of the form sdk_..., as 'staydown-hub api-keys make' prints it."
            )
        self._secret = text

    def reveal(self) -> str:
        """Return the key itself, for the Authorization header or the folder's key file."""
        return self._secret

    def __repr__(self) -> str:
        return "ApiKey(hidden)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("An API key is not pickled: it would be written where nobody guards it.")


def key_from_file(path: Path) -> ApiKey:
    """Read a key file: one line. Raise `ConfigurationError` when it is missing or holds something else."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise ConfigurationError(f"The key file {path} cannot be read: {error.strerror}.") from error
    return ApiKey(data.decode("ascii", "replace").strip(), source=f"The key file {path}")


def find_key(key_file: Path | None, *, environment: Mapping[str, str] = os.environ) -> ApiKey:
    """Return the key from `key_file` when given, else from STAYDOWN_API_KEY."""
    if key_file is not None:
        return key_from_file(key_file)
    text = environment.get(KEY_VARIABLE, "").strip()
    if not text:
        raise ConfigurationError(f"No API key: set {KEY_VARIABLE}, or name a file that holds it with --key-file.")
    return ApiKey(text, source=KEY_VARIABLE)
