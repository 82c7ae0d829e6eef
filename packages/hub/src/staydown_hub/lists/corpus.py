"""The safe corpus as files: the one that the hub ships, and those that its operator adds."""

import csv
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Final

from staydown_hub.lists.errors import BadCorpusError
from staydown_hub.rules.fingerprints import ALGORITHMS, MAX_QUALITY, VALUE_BYTES, Fingerprint

COLUMNS: Final = ("algorithm", "value", "quality", "source")
_MAX_SOURCE_CHARACTERS: Final = 100


def shipped() -> dict[str, list[Fingerprint]]:
    """Return what the hub ships: fingerprints of ordinary photographs and of blank pictures, by their source."""
    with resources.files("staydown_hub.lists").joinpath("safe_corpus.csv").open(encoding="utf-8") as lines:
        return read(lines)


def read(lines: Iterable[str]) -> dict[str, list[Fingerprint]]:
    """Return the fingerprints of a CSV file by their source. Raises BadCorpusError, which names line and field."""
    found: dict[str, list[Fingerprint]] = {}
    for number, row in _rows(lines):
        source = (row["source"] or "").strip()
        if not 0 < len(source) <= _MAX_SOURCE_CHARACTERS or not source.isprintable():
            raise BadCorpusError(number, "source", f"is missing, or longer than {_MAX_SOURCE_CHARACTERS} characters")
        found.setdefault(source, []).append(_fingerprint(number, row))
    return found


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise BadCorpusError(1, "header", f"is not {','.join(COLUMNS)}")
    for row in reader:
        if None in row or None in row.values():
            raise BadCorpusError(reader.line_num, "line", f"has not {len(COLUMNS)} fields")
        yield reader.line_num, row


def _fingerprint(number: int, row: dict[str, str]) -> Fingerprint:
    for algorithm in ALGORITHMS:
        if algorithm == row["algorithm"]:
            try:
                value = bytes.fromhex(row["value"])
            except ValueError:
                value = b""
            if len(value) != VALUE_BYTES[algorithm] or value.hex() != row["value"]:
                raise BadCorpusError(number, "value", f"is not {2 * VALUE_BYTES[algorithm]} lower-case hex digits")
            return Fingerprint(algorithm, value, _quality(number, row))
    raise BadCorpusError(number, "algorithm", f"is none of {', '.join(ALGORITHMS)}")


def _quality(number: int, row: dict[str, str]) -> int | None:
    given = row["quality"]
    is_number = given.isascii() and given.isdigit() and int(given) <= MAX_QUALITY
    if (row["algorithm"] == "pdq") != is_number or (given and not is_number):
        raise BadCorpusError(number, "quality", f"is a number up to {MAX_QUALITY} for pdq, and empty for all else")
    return int(given) if is_number else None
