"""Text from outside (file names, a hub's messages) made safe to show on one line of a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return `text` with every control, separator or undecodable character written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
