"""Files named on a command line: what is wrong with one, in a line that says what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from staydown_client.cli.output import complain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REMEDIES: Final[Mapping[str, str]] = {
    "empty": "is empty. Was it copied or uploaded whole?",
    "unsupported": "is of no type that can be decoded here. Only its exact fingerprints were made.",
    "damaged": "is damaged and cannot be decoded. Try an intact copy.",
    "truncated": "ends too early. Try a whole copy.",
    "limit": "was not decoded whole.",
    "missing": "is missing. Check its name.",
    "special": "is not a regular file. Name a file.",
    "folder": "is a folder. Name the files in it.",
    "unreadable": "cannot be read. Check its permissions.",
}

KNOWN_CODES: Final = frozenset(_REMEDIES)


def problem_code(error: OSError) -> str:
    """Return our word for why a path could not be read."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return "missing"
    if error.errno == errno.EISDIR:
        return "folder"
    # staydown_match's own refusal of devices and pipes has no number.
    return "special" if error.errno is None else "unreadable"


def complain_of(path: Path, code: str, detail: str = "") -> None:
    """Say in one line which file is bad and what to do."""
    remedy = _REMEDIES.get(code, "cannot be checked.")
    complain(f"{path} {remedy}" + (f" ({detail})" if detail else ""))
