"""ARCHITECTURE.md names the tests that hold each invariant: every one of them is there."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAMED = re.compile(r"`((?:packages|tests)/[\w/]+\.py)?::(\w+)`")


def _named_tests() -> Iterator[tuple[str, str]]:
    file = ""
    for found in _NAMED.finditer((ROOT / "ARCHITECTURE.md").read_text()):
        file = found[1] or file
        yield file, found[2]


def test_every_test_that_is_named_exists() -> None:
    named = list(_named_tests())
    assert len(named) >= 15
    assert [(file, test) for file, test in named if f"def {test}(" not in (ROOT / file).read_text()] == []


def test_every_invariant_names_a_test() -> None:
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("| invariant | held by |")[2].partition("\n\n")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("| --")]
    assert [row[2:4] for row in rows[:7]] == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    assert [row for row in rows if not _NAMED.search(row)] == []
