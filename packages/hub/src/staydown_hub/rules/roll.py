"""The roll of organisations as a TOML file gives it: read strictly, with every mistake named by its place."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from staydown_hub.rules.access import KINDS, scopes_beyond_kind
from staydown_hub.rules.people import ROLES, Role, role_called
from staydown_hub.rules.tables import BadTableError, Table

_SLUG: Final = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")
_DOMAIN: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MAIL: Final = re.compile(r"(?=.{3,254}\Z)[A-Za-z0-9._%+-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


class BadRollError(BadTableError):
    """The file cannot be read; the message begins with the place, such as ``organisation 2, people 1: email``."""


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """That a person was trained; ``expires`` is the first day without the right."""

    course: str
    issued: date
    expires: date


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person to be made, with their certificates."""

    email: str
    role: Role
    certificates: tuple[CertificateLine, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key to be made; ``person`` is the e-mail of whom it acts for, empty when it names nobody."""

    name: str
    scopes: tuple[str, ...]
    person: str = ""


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    """An organisation to be made, with its people and keys."""

    slug: str
    name: str
    kind: str
    domains: tuple[str, ...]
    abuse_mail: str
    people: tuple[PersonLine, ...]
    keys: tuple[KeyLine, ...]


def read_roll(text: str) -> tuple[OrganisationLine, ...]:
    """Return the organisations of a TOML file. Raises BadRollError."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRollError(f"This is not TOML: {error}.") from None
    table = Table("the file", document, error=BadRollError)
    lines = tuple(_organisation(one) for one in table.tables("organisation", "organisation"))
    table.finish()
    slugs = [line.slug for line in lines]
    if len(set(slugs)) < len(slugs):
        raise BadRollError("Two organisations have the same slug: give each its own.")
    return lines


def organisation_line(fields: Mapping[str, Any]) -> OrganisationLine:
    """Return one organisation from the fields that its table in a file would have. Raises BadRollError."""
    return _organisation(Table("the organisation", fields, error=BadRollError))


def _organisation(table: Table) -> OrganisationLine:
    kind = table.text("kind", allowed=KINDS)
    line = OrganisationLine(
        slug=table.text("slug", form=_SLUG, hint="lower-case letters, digits, - and _"),
        name=table.text("name"),
        kind=kind,
        domains=table.texts("domains", form=_DOMAIN, hint="host names in lower case"),
        abuse_mail=table.text("abuse_mail", form=_MAIL, hint="an e-mail address", default=""),
        people=tuple(_person(one) for one in table.tables("people", f"{table.place}, people")),
        keys=tuple(_key(one, kind) for one in table.tables("keys", f"{table.place}, keys")),
    )
    table.finish()
    return line


def _person(table: Table) -> PersonLine:
    line = PersonLine(
        email=table.text("email", form=_MAIL, hint="an e-mail address").lower(),
        role=role_called(table.text("role", allowed=ROLES, default="assessor")),
        certificates=tuple(_certificate(one) for one in table.tables("certificates", f"{table.place}, certificates")),
    )
    table.finish()
    return line


def _certificate(table: Table) -> CertificateLine:
    course = table.text("course")
    issued, expires = _day(table, "issued"), _day(table, "expires")
    table.finish()
    if issued >= expires:
        table.refuse("expires", "is no later than issued")
    return CertificateLine(course, issued, expires)


def _day(table: Table, name: str) -> date:
    text = table.text(name, form=_DAY, hint="a day such as 2026-01-31, in quotes")
    try:
        return date.fromisoformat(text)
    except ValueError:
        table.refuse(name, "is no day of the calendar")


def _key(table: Table, kind: str) -> KeyLine:
    line = KeyLine(
        name=table.text("name"),
        scopes=table.texts("scopes"),
        person=table.text("person", form=_MAIL, hint="an e-mail address", default="").lower(),
    )
    table.finish()
    if beyond := scopes_beyond_kind(kind=kind, wanted=frozenset(line.scopes)):
        table.refuse("scopes", f"an organisation of kind {kind} can never hold {', '.join(sorted(beyond))}")
    return line
