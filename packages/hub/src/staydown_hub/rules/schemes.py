"""Law packs: a scheme's codes, on which axes they lie, whether they qualify, and what other registers call them.

A pack is a TOML file. For each vocabulary that the hub knows, every code maps to terms of it or says why it does not.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from staydown_hub.rules.tables import BadTableError, Table

MAX_CODE_CHARACTERS: Final = 32
MAX_SCHEME_CHARACTERS: Final = 40
# Filters take no other categories, and neither does the database.
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CODES: Final = "letters, digits, ., _ and -, at most 32"
_NAMES: Final = "lower-case letters, digits and -, at most 40"


class BadSchemeError(BadTableError):
    """A law pack that cannot be used; the message begins with the file and the place in it."""


class UnknownCodeError(LookupError):
    """A code that no scheme has, or that several have: then the scheme must be named."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What another register or format calls things: the terms that codes can be mapped to."""

    slug: str
    name: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its values on the scheme's axes, and for each vocabulary its terms there or why it has none."""

    code: str
    qualifies: bool
    axes: Mapping[str, str]
    maps: Mapping[str, tuple[str, ...]]
    unmapped: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme of classification; its slug ends in its version, and its codes never change under that slug."""

    slug: str
    name: str
    axes: Mapping[str, tuple[str, ...]]
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A code with the slug of the scheme that it is said in."""

    scheme: str
    code: str
    qualifies: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The schemes and vocabularies of one hub; several schemes may have a code when it qualifies in all or in none."""

    vocabularies: tuple[Vocabulary, ...]
    schemes: tuple[Scheme, ...]

    def named(self, code: str, *, scheme: str | None = None) -> Named:
        """Return the code with its scheme, which must be named if several have it. Raises UnknownCodeError."""
        found = [
            Named(one.slug, known.code, known.qualifies)
            for one in self.schemes
            for known in one.codes
            if known.code == code and scheme in {None, one.slug}
        ]
        if not found:
            raise UnknownCodeError("No scheme of this hub has this code: GET schemes names those that it has.")
        if len(found) > 1:
            raise UnknownCodeError("Several schemes of this hub have this code: name the scheme too.")
        return found[0]

    def all_named(self) -> tuple[Named, ...]:
        """Return every code of every scheme."""
        return tuple(Named(one.slug, code.code, code.qualifies) for one in self.schemes for code in one.codes)


def read_vocabulary(text: str, *, file: str) -> Vocabulary:
    """Return the vocabulary that a file describes. Raises BadSchemeError."""
    table = _document(text, file)
    found = Vocabulary(
        slug=table.text("vocabulary", form=_NAME, hint=_NAMES), name=table.text("name"), terms=table.texts("terms")
    )
    table.finish()
    if not found.terms or len(set(found.terms)) < len(found.terms):
        table.refuse("terms", "is empty, or names one twice")
    return found


def read_scheme(text: str, *, file: str, vocabularies: Iterable[Vocabulary]) -> Scheme:
    """Return the scheme that a file describes. Raises BadSchemeError."""
    table, known = _document(text, file), tuple(vocabularies)
    slug, name = table.text("scheme", form=_NAME, hint=_NAMES), table.text("name")
    axes = _axes(table.table("axes"))
    lines = table.tables("codes", f"{file}: code")
    table.finish()
    codes = tuple(_code(one, axes=axes, vocabularies=known) for one in lines)
    if not any(one.qualifies for one in codes) or all(one.qualifies for one in codes):
        table.refuse("codes", "needs one that qualifies, and one that does not")
    if twice := _twice(one.code for one in codes):
        table.refuse("codes", f"names {twice} twice")
    return Scheme(slug=slug, name=name, axes=axes, codes=codes)


def catalogue(*, vocabularies: Iterable[Vocabulary], schemes: Iterable[Scheme]) -> Catalogue:
    """Put them together. Raises BadSchemeError for two of one name, and for a code that both qualifies and does not."""
    found = Catalogue(vocabularies=tuple(vocabularies), schemes=tuple(schemes))
    if twice := _twice([one.slug for one in found.vocabularies]):
        raise BadSchemeError(f"vocabulary {twice}: two files describe it: leave one out.")
    if twice := _twice([one.slug for one in found.schemes]):
        raise BadSchemeError(f"scheme {twice}: two files describe it: a new version has a name of its own.")
    answers: dict[str, Named] = {}
    for one in found.all_named():
        if answers.setdefault(one.code, one).qualifies != one.qualifies:
            schemes_of_code = f"{answers[one.code].scheme} and {one.scheme}"
            raise BadSchemeError(f"code {one.code}: {schemes_of_code} do not agree whether it qualifies.")
    return found


def _document(text: str, file: str) -> Table:
    try:
        return Table(file, tomllib.loads(text), error=BadSchemeError)
    except tomllib.TOMLDecodeError as error:
        raise BadSchemeError(f"{file}: this is not TOML: {error}.") from None


def _axes(table: Table) -> dict[str, tuple[str, ...]]:
    axes = {name: table.texts(name) for name in table.names()}
    for name, values in axes.items():
        if not _NAME.fullmatch(name) or not values or _twice(values):
            table.refuse(name, f"is not an axis: a name of {_NAMES}, and a list of different values")
    return axes


def _code(table: Table, *, axes: Mapping[str, tuple[str, ...]], vocabularies: tuple[Vocabulary, ...]) -> Code:
    code = table.text("code", form=_CODE, hint=_CODES)
    table.place = f"{table.place} ({code})"
    qualifies = table.truth("qualifies")
    given, maps, unmapped = table.table("axes"), table.table("maps"), table.table("unmapped")
    on_axes = {name: given.text(name, allowed=values) for name, values in axes.items() if name in given.names()}
    terms = {one.slug: _terms(maps, one) for one in vocabularies if one.slug in maps.names()}
    reasons = {one.slug: unmapped.text(one.slug) for one in vocabularies if one.slug in unmapped.names()}
    for one in (given, maps, unmapped, table):
        one.finish()
    for vocabulary in vocabularies:
        if (vocabulary.slug in terms) == (vocabulary.slug in reasons):
            table.refuse(f"maps.{vocabulary.slug}", f"or unmapped.{vocabulary.slug}: one of the two is needed")
    return Code(code=code, qualifies=qualifies, axes=on_axes, maps=terms, unmapped=reasons)


def _terms(table: Table, vocabulary: Vocabulary) -> tuple[str, ...]:
    terms = table.texts(vocabulary.slug)
    if not terms or not set(terms) <= set(vocabulary.terms):
        table.refuse(vocabulary.slug, f"names no term of the vocabulary {vocabulary.slug}, or one that it has not")
    return terms


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for one in names:
        if one in seen:
            return one
        seen.add(one)
    return None
