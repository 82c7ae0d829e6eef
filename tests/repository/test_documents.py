"""The documents' links lead somewhere, and the commands they show exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md")]
)
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[-\w]*)?\)")
_COMMAND = re.compile(r"^\s*(?:\$ )?\./staydown ([a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_commands_shown_are_those_of_the_help() -> None:
    shown = {word for document in DOCUMENTS for word in _COMMAND.findall(document.read_text())}
    help_text = subprocess.run([ROOT / "staydown", "--help"], capture_output=True, text=True, check=True).stdout
    assert len(shown) >= 8
    assert {word for word in shown if f"./staydown {word}" not in help_text} == set()
