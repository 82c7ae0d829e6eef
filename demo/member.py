"""A member at its own premises: the `staydown` command with that member's key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STAYDOWN = Path(sys.executable).parent / "staydown"


@dataclass(frozen=True, slots=True)
class Member:
    """One organisation of the demo with what its import printed: its key, and a person to sign in."""

    slug: str
    name: str
    key: str
    hub_url: str
    sign_in: tuple[str, str] | None = None

    def staydown(self, *words: str) -> str:
        """Run the `staydown` command as this member and return what it prints; the key travels by environment."""
        environment = {**os.environ, "STAYDOWN_HUB": self.hub_url, "STAYDOWN_API_KEY": self.key}
        done = subprocess.run([_STAYDOWN, *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MemberError(f"staydown {words[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def report(self, picture: Path, *, seen_at: str, code: str) -> dict[str, Any]:
        """Report a picture with where it was seen and this organisation's assessment; only fingerprints leave."""
        return _lines(self.staydown("report", str(picture), "--seen-at", seen_at, "--code", code, "--json"))[0]

    def assess(self, *found: Path, code: str) -> list[dict[str, Any]]:
        """Assess the items that these pictures' fingerprints find; return the answers in their order."""
        return _lines(self.staydown("assess", *map(str, found), "--code", code, "--json"))


class MemberError(RuntimeError):
    """The `staydown` command refused; the message is what it said."""


def _lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]
