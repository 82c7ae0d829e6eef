"""What the commands print: results on standard output, one line each; complaints on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from staydown_client.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


def tell(text: str) -> None:
    """Print one line of result, at once."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def tell_json(value: Mapping[str, object]) -> None:
    """Print one JSON object on a line, at once."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print one line of complaint, after the command's name."""
    sys.stdout.flush()
    sys.stderr.write(f"staydown: {printable(text)}\n")
