"""List entries as typed values: what the hub may put at a position, checked field by field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import UUID

from staydown_client.wire import integer_at, list_at, object_at, refuse, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

ExactAlgorithm: TypeAlias = Literal["md5", "sha1", "sha256"]
Advice: TypeAlias = Literal["block", "hold"]
Kind: TypeAlias = Literal["picture", "video"]

MAX_POSITION: Final = 2**40
# The hub takes 256 of an item from each organisation: room for 32 organisations that all vouch for all of theirs.
MAX_FINGERPRINTS: Final = 8192
MAX_ENTRY_BYTES: Final = 1024 * 1024

_EXACT_BYTES: Final[Mapping[ExactAlgorithm, int]] = {"md5": 16, "sha1": 20, "sha256": 32}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]+")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CATEGORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_LISTED: Final = ("operation", "item", "kind", "fingerprints", "categories", "advice", "admitted_by", "at")
_WITHDRAWN: Final = ("operation", "item", "at")


@dataclass(frozen=True, slots=True)
class ExactFingerprint:
    """A digest of the whole file: equal or not."""

    algorithm: ExactAlgorithm
    value: bytes


@dataclass(frozen=True, slots=True)
class PdqFingerprint:
    """A PDQ hash: 32 bytes, and its quality from 0 to 100."""

    bits: bytes
    quality: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list says of an item while it is in force; of a video there is a PDQ for each frame that it names."""

    kind: Kind
    exact: tuple[ExactFingerprint, ...]
    pdq: tuple[PdqFingerprint, ...]
    categories: tuple[str, ...]
    advice: Advice


@dataclass(frozen=True, slots=True)
class Admit:
    """The item comes into force."""

    position: int
    item: UUID
    listing: Listing


@dataclass(frozen=True, slots=True)
class Amend:
    """The item stays in force; `listing` takes the place of all that was said before."""

    position: int
    item: UUID
    listing: Listing


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The item is no longer in force."""

    position: int
    item: UUID


Entry: TypeAlias = Admit | Amend | Withdraw


def operation_of(entry: Entry) -> str:
    """Return the entry's operation as the list words it."""
    return type(entry).__name__.lower()


def read_positioned_entry(value: object, where: str) -> Entry:
    """Read `{"position": n, "entry": {...}}`; raise `HubMisbehavedError` naming the first field that is wrong."""
    outer = object_at(value, where, fields=("position", "entry"))
    position = integer_at(outer["position"], f"{where}.position", low=0, high=MAX_POSITION)
    return _read_entry(outer["entry"], f"{where}.entry", position=position)


def _read_entry(value: object, where: str, *, position: int) -> Entry:
    operation = value.get("operation") if isinstance(value, dict) else None
    if operation == "withdraw":
        body = object_at(value, where, fields=_WITHDRAWN)
        _read_moment(body, where)
        return Withdraw(position=position, item=_read_item(body, where))
    if operation not in ("admit", "amend"):
        refuse(f"{where}.operation", "is not one this version knows; update staydown-client")
    body = object_at(value, where, fields=_LISTED)
    _read_moment(body, where)
    made = Admit if operation == "admit" else Amend
    return made(position=position, item=_read_item(body, where), listing=_read_listing(body, where))


def _read_item(body: dict[str, object], where: str) -> UUID:
    return UUID(text_at(body["item"], f"{where}.item", pattern=_UUID, meaning="a lower-case UUID"))


def _read_moment(body: dict[str, object], where: str) -> None:
    text_at(body["at"], f"{where}.at", pattern=_MOMENT, meaning="a UTC time with six decimals")


def _read_listing(body: dict[str, object], where: str) -> Listing:
    _read_words(body["admitted_by"], f"{where}.admitted_by", pattern=_WORD, meaning="a kind of organisation")
    exact, pdq = _read_fingerprints(body["fingerprints"], f"{where}.fingerprints")
    return Listing(
        kind=_read_kind(body["kind"], f"{where}.kind"),
        exact=exact,
        pdq=pdq,
        categories=_read_words(body["categories"], f"{where}.categories", pattern=_CATEGORY, meaning="a category code"),
        advice=_read_advice(body["advice"], f"{where}.advice"),
    )


def _read_words(value: object, where: str, *, pattern: re.Pattern[str], meaning: str) -> tuple[str, ...]:
    words = list_at(value, where, min_length=1, max_length=32)
    return tuple(text_at(word, f"{where}.{n}", pattern=pattern, meaning=meaning) for n, word in enumerate(words))


def _read_kind(value: object, where: str) -> Kind:
    if value == "picture":
        return "picture"
    if value == "video":
        return "video"
    return refuse(where, "must be picture or video")


def _read_advice(value: object, where: str) -> Advice:
    if value == "block":
        return "block"
    if value == "hold":
        return "hold"
    return refuse(where, "must be block or hold")


def _read_fingerprints(value: object, where: str) -> tuple[tuple[ExactFingerprint, ...], tuple[PdqFingerprint, ...]]:
    exact: list[ExactFingerprint] = []
    pdq: list[PdqFingerprint] = []
    for number, element in enumerate(list_at(value, where, min_length=1, max_length=MAX_FINGERPRINTS)):
        fingerprint = _read_fingerprint(element, f"{where}.{number}")
        if isinstance(fingerprint, PdqFingerprint):
            pdq.append(fingerprint)
        else:
            exact.append(fingerprint)
    return tuple(exact), tuple(pdq)


def _read_fingerprint(value: object, where: str) -> ExactFingerprint | PdqFingerprint:
    algorithm = value.get("algorithm") if isinstance(value, dict) else None
    if algorithm == "pdq":
        body = object_at(value, where, fields=("algorithm", "value", "quality"))
        bits = _read_hex(body["value"], f"{where}.value", size_bytes=32)
        return PdqFingerprint(bits=bits, quality=integer_at(body["quality"], f"{where}.quality", low=0, high=100))
    for known, size_bytes in _EXACT_BYTES.items():
        if algorithm == known:
            body = object_at(value, where, fields=("algorithm", "value"))
            return ExactFingerprint(known, _read_hex(body["value"], f"{where}.value", size_bytes=size_bytes))
    return refuse(f"{where}.algorithm", "is not one this version knows; update staydown-client")


def _read_hex(value: object, where: str, *, size_bytes: int) -> bytes:
    meaning = f"{2 * size_bytes} lower-case hexadecimal digits"
    text = text_at(value, where, pattern=_HEX, meaning=meaning)
    if len(text) != 2 * size_bytes:
        refuse(where, f"must be {meaning}")
    return bytes.fromhex(text)
