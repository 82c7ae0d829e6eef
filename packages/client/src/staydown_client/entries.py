"""List entries as columns: what the hub may put at a position, decoded fast and checked field by field.

An entry's text must be canonical JSON (sorted names, no spaces) of exactly the fields that its operation has: each is
decoded with its types, written again and compared byte for byte. The values are then checked a column at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias, get_args

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from staydown_client.errors import LogRefusedError
from staydown_client.policy import MIN_QUALITY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

ExactAlgorithm: TypeAlias = Literal["md5", "sha1", "sha256"]
Advice: TypeAlias = Literal["block", "hold"]
Kind: TypeAlias = Literal["picture", "video"]
Operation: TypeAlias = Literal["admit", "amend", "withdraw", "redact"]
Label: TypeAlias = tuple[tuple[str, ...], Advice]
"""What the list says of an item beside its fingerprints: category codes and advice."""

MAX_POSITION: Final = 2**40
# The hub takes 256 of an item from each organisation: room for 32 organisations that all vouch for all of theirs.
MAX_FINGERPRINTS: Final = 8192
MAX_ENTRY_BYTES: Final = 1024 * 1024
MAX_WORDS: Final = 32

EXACT_BYTES: Final[Mapping[ExactAlgorithm, int]] = {"md5": 16, "sha1": 20, "sha256": 32}
PDQ_BYTES: Final = 32
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
REDACTED: Final = len(OPERATIONS)
"""The code, beside the operations' places in OPERATIONS, of an entry whose text was taken away."""
ADMIT, AMEND, WITHDRAW, REDACT = range(len(OPERATIONS))

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CATEGORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DASHES: Final = (8, 13, 18, 23)
_UUID_LENGTH: Final = 36
_HEX_OF_UUID: Final = np.array([n for n in range(_UUID_LENGTH) if n not in _DASHES])
_MANY_WORDS: Final = 10_000
_PATH = re.compile(r"`\$(?:\.|(?=\[))([a-z_.\[\]0-9]*)`")


class _Fingerprint(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Fields in the order of the canonical text."""

    algorithm: Literal["md5", "pdq", "sha1", "sha256"]
    quality: int | UnsetType = UNSET
    value: str


class _Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Fields in the order of the canonical text; which of them are there depends on the operation."""

    admitted_by: list[str] | UnsetType = UNSET
    advice: Advice | UnsetType = UNSET
    at: str
    categories: list[str] | UnsetType = UNSET
    fingerprints: list[_Fingerprint] | UnsetType = UNSET
    item: str
    kind: Kind | UnsetType = UNSET
    operation: Operation
    positions: list[int] | UnsetType = UNSET


_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Labels:
    """The different labels met so far, each known by its number; a list has few."""

    texts: list[Label] = field(default_factory=list)
    _numbers: dict[Label, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._numbers = {label: number for number, label in enumerate(self.texts)}

    def number(self, label: Label) -> int:
        """Return the label's number, a new one for a new label."""
        number = self._numbers.setdefault(label, len(self.texts))
        if number == len(self.texts):
            self.texts.append(label)
        return number

    def known(self, label: Label) -> int | None:
        """Return the number of a label that was met before."""
        return self._numbers.get(label)


@dataclass(frozen=True, slots=True)
class Values:
    """Fingerprints of one algorithm: `values` is uint8 (k, size), `owners` int64 (k,) says whose each is."""

    values: NDArray[np.uint8]
    owners: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.owners)


@dataclass(frozen=True, slots=True)
class Entries:
    """A run of entries from position `first` on, as columns; owners of fingerprints count from 0 within the run.

    operations: uint8 (n,), places in OPERATIONS or REDACTED. items: uint64 (n, 2), the item's id in two halves; zero
    where the text was taken away. labels: int64 (n,), numbers in the `Labels` they were read with, -1 for none.
    videos: bool (n,). `pdq` holds each hash of an entry once, and only those good enough to be compared.
    `redactions`: the positions that a redact entry names, by its place.
    """

    first: int
    operations: NDArray[np.uint8]
    items: NDArray[np.uint64]
    labels: NDArray[np.int64]
    videos: NDArray[np.bool_]
    exact: dict[ExactAlgorithm, Values]
    pdq: Values
    redactions: dict[int, tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.operations)


class EntryReader:
    """Reads the texts of entries; keeps what repeats (labels, kinds of organisations) so that it is checked once."""

    def __init__(self, labels: Labels | None = None) -> None:
        self.labels = labels if labels is not None else Labels()
        self._kinds: set[tuple[str, ...]] = set()

    def read(self, bodies: Sequence[bytes | None], *, first: int) -> Entries:
        """Read entries from position `first` on, None where the text was taken away.

        Raise `LogRefusedError` (garbage) naming the position and the first field that is wrong, never its value.
        """
        run = _Run(first)
        for place, body in enumerate(bodies):
            if body is None:
                run.take_redacted()
            else:
                self._take(run, place, body)
        return run.columns()

    def _take(self, run: _Run, place: int, body: bytes) -> None:
        entry = _decoded(body, run.first + place)
        operation = entry.operation
        run.items.append(entry.item)
        run.moments.append(entry.at)
        run.operations.append(OPERATIONS.index(operation))
        if operation in ("admit", "amend"):
            self._take_listing(run, place, entry)
            return
        run.labels.append(-1)
        run.videos.append(False)
        extra = entry.positions if operation == "redact" else UNSET
        for name in ("admitted_by", "advice", "categories", "fingerprints", "kind", "positions"):
            if getattr(entry, name) is not UNSET and not (name == "positions" and extra is not UNSET):
                _refuse(run.first + place, name, "does not belong to this operation")
        if operation == "redact":
            run.redactions[place] = _checked_positions(extra, run.first + place)

    def _take_listing(self, run: _Run, place: int, entry: _Body) -> None:
        position = run.first + place
        fingerprints, categories, advice = entry.fingerprints, entry.categories, entry.advice
        if fingerprints is UNSET or categories is UNSET or advice is UNSET:
            missing = "fingerprints" if fingerprints is UNSET else "categories" if categories is UNSET else "advice"
            _refuse(position, missing, "is missing")
        if entry.admitted_by is UNSET or entry.kind is UNSET:
            _refuse(position, "kind" if entry.kind is UNSET else "admitted_by", "is missing")
        if entry.positions is not UNSET:
            _refuse(position, "positions", "does not belong to this operation")
        self._check_kinds(tuple(entry.admitted_by), position)
        run.labels.append(self._label((tuple(categories), advice), position))
        run.videos.append(entry.kind == "video")
        if not 1 <= len(fingerprints) <= MAX_FINGERPRINTS:
            _refuse(position, "fingerprints", f"must have 1 to {MAX_FINGERPRINTS} elements")
        seen: set[tuple[str, bool]] = set()
        for number, found in enumerate(fingerprints):
            algorithm = found.algorithm
            if algorithm != "pdq":
                if found.quality is not UNSET:
                    _refuse(position, f"fingerprints[{number}].quality", "belongs to pdq only")
                run.exact[algorithm].append(found.value)
                run.owners[algorithm].append(place)
            else:
                quality = found.quality
                if quality is UNSET or not 0 <= quality <= 100:  # noqa: PLR2004 - PDQ's own scale
                    _refuse(position, f"fingerprints[{number}].quality", "must be an integer from 0 to 100")
                once = (found.value, quality >= MIN_QUALITY)
                if once not in seen:
                    seen.add(once)
                    run.pdq.append(found.value)
                    run.pdq_owners.append(place)
                    run.qualities.append(quality)

    def _check_kinds(self, kinds: tuple[str, ...], position: int) -> None:
        if kinds not in self._kinds:
            _check_words(kinds, position, "admitted_by", pattern=_WORD, meaning="a kind of organisation")
            if len(self._kinds) > _MANY_WORDS:
                self._kinds.clear()
            self._kinds.add(kinds)

    def _label(self, label: Label, position: int) -> int:
        number = self.labels.known(label)
        if number is None:
            _check_words(label[0], position, "categories", pattern=_CATEGORY, meaning="a category code")
            number = self.labels.number(label)
        return number


class _Run:
    """What was read so far of a run, still as Python's own values."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.operations: list[int] = []
        self.items: list[str | None] = []
        self.moments: list[str] = []
        self.labels: list[int] = []
        self.videos: list[bool] = []
        self.exact: dict[ExactAlgorithm, list[str]] = {name: [] for name in EXACT_BYTES}
        self.owners: dict[ExactAlgorithm, list[int]] = {name: [] for name in EXACT_BYTES}
        self.pdq: list[str] = []
        self.pdq_owners: list[int] = []
        self.qualities: list[int] = []
        self.redactions: dict[int, tuple[int, ...]] = {}

    def take_redacted(self) -> None:
        self.operations.append(REDACTED)
        self.items.append(None)
        self.labels.append(-1)
        self.videos.append(False)

    def columns(self) -> Entries:
        self._check_moments()
        operations = np.array(self.operations, dtype=np.uint8)
        return Entries(
            first=self.first,
            operations=operations,
            items=self._items(operations),
            labels=np.array(self.labels, dtype=np.int64),
            videos=np.array(self.videos, dtype=np.bool_),
            exact={
                name: Values(self._from_hex(self.exact[name], size, self.owners[name]), _owners(self.owners[name]))
                for name, size in EXACT_BYTES.items()
            },
            pdq=self._comparable(),
            redactions=self.redactions,
        )

    def _comparable(self) -> Values:
        bits, owners = self._from_hex(self.pdq, PDQ_BYTES, self.pdq_owners), _owners(self.pdq_owners)
        good = np.array(self.qualities, dtype=np.int64) >= MIN_QUALITY
        return Values(bits[good], owners[good])

    def _check_moments(self) -> None:
        # One search over all of them: a position is looked for only when there is something to refuse.
        if all(map(_MOMENT.fullmatch, self.moments)):
            return
        texts = iter(self.moments)
        for place, operation in enumerate(self.operations):
            if operation != REDACTED and not _MOMENT.fullmatch(next(texts)):
                _refuse(self.first + place, "at", "must be a UTC time with six decimals")

    def _items(self, operations: NDArray[np.uint8]) -> NDArray[np.uint64]:
        texts = [text for text in self.items if text is not None]
        found = np.zeros((len(operations), 2), dtype=np.uint64)
        if not texts:
            return found
        try:
            joined = "".join(texts).encode("ascii")
            rows = np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), _UUID_LENGTH)
            digits = rows[:, _HEX_OF_UUID].tobytes().decode("ascii")
            value = bytes.fromhex(digits)
            fits = value.hex() == digits and bool((rows[:, _DASHES] == ord("-")).all())
        except ValueError:
            fits, value = False, b""
        if not fits or set(map(len, texts)) != {_UUID_LENGTH}:
            self._refuse_item()
        found[operations != REDACTED] = np.frombuffer(value, dtype=">u8").reshape(len(texts), 2)
        return found

    def _refuse_item(self) -> NoReturn:
        for place, text in enumerate(self.items):
            if text is not None and not _UUID.fullmatch(text):
                _refuse(self.first + place, "item", "must be a lower-case UUID")
        raise AssertionError("a column was refused and none of its values")

    def _from_hex(self, texts: list[str], size_bytes: int, owners: list[int]) -> NDArray[np.uint8]:
        joined = "".join(texts)
        try:
            value = bytes.fromhex(joined)
        except ValueError:
            value = b""
        if value.hex() != joined or set(map(len, texts)) - {2 * size_bytes}:
            digits = re.compile(rf"[0-9a-f]{{{2 * size_bytes}}}")
            wrong = next(number for number, text in enumerate(texts) if not digits.fullmatch(text))
            _refuse(self.first + owners[wrong], "fingerprints.value", f"must be {size_bytes} bytes in lower-case hex")
        return np.frombuffer(value, dtype=np.uint8).reshape(-1, size_bytes)


def _owners(places: list[int]) -> NDArray[np.int64]:
    return np.array(places, dtype=np.int64)


def _decoded(body: bytes, position: int) -> _Body:
    if len(body) > MAX_ENTRY_BYTES:
        _refuse(position, "entry", "is too long")
    try:
        entry = _decode(body)
    except msgspec.ValidationError as error:
        # The message may quote what came; the place does not.
        place = _PATH.search(str(error))
        unknown = " of a form this version does not know; is it time to update staydown-client?"
        _refuse(position, place[1] if place else "entry", f"is missing, or{unknown}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _refuse(position, "entry", "is not well-formed JSON")
    if _encode(entry) != body:
        _refuse(position, "entry", "is not written in the one form that entries have")
    return entry


def _checked_positions(positions: list[int] | UnsetType, position: int) -> tuple[int, ...]:
    if positions is UNSET:
        _refuse(position, "positions", "is missing")
    checked = tuple(positions)
    rising = all(low < high for low, high in pairwise(checked))
    if not checked or not rising or checked[0] < 0 or checked[-1] >= position:
        _refuse(position, "positions", "must be positions before this one, each once and in order")
    return checked


def _check_words(words: Collection[str], position: int, name: str, *, pattern: re.Pattern[str], meaning: str) -> None:
    if not 1 <= len(words) <= MAX_WORDS:
        _refuse(position, name, f"must have 1 to {MAX_WORDS} elements")
    for number, word in enumerate(words):
        if not pattern.fullmatch(word):
            _refuse(position, f"{name}[{number}]", f"must be {meaning}")


def _refuse(position: int, where: str, why: str) -> NoReturn:
    raise LogRefusedError(
        f"The hub's entry at position {position} was refused: {where} {why}. The list verified before stays in force.",
        problem="garbage",
    )
