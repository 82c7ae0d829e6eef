"""The hub's API as this client uses it: each call checks what comes back before it is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args
from uuid import UUID

from staydown_client.address import checked_hub_address
from staydown_client.errors import ConfigurationError, HubMisbehavedError, HubRefusedError
from staydown_client.wire import boolean_at, integer_at, known_fields_at, list_at, refuse, text_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from staydown_client.publish import Publication
    from staydown_client.transport import Transport

Status: TypeAlias = Literal["open", "waiting", "admitted", "disputed", "withdrawn"]

_STATUSES: Final[tuple[Status, ...]] = get_args(Status)
_SHORT = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_ADDRESS = re.compile(r"[!-~]{1,2000}")
_ORIGIN = re.compile(r"[!-~]{0,255}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_LISTS = 10_000
_MAX_KEYS = 100


@dataclass(frozen=True, slots=True)
class Member:
    """Whose key this is, and where the feed is."""

    organisation: str
    scopes: tuple[str, ...]
    feed: str


@dataclass(frozen=True, slots=True)
class ListOffered:
    """A list that this key may follow: its short name, its log's name and the keys that sign it.

    The last two are empty while the hub has not opened the list's log yet.
    """

    slug: str
    origin: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an item stands: `entries` are the lists that hold it, with positions."""

    item: UUID
    status: Status
    entries: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the hub answers to a report. `known`: somebody reported the item before.

    All but `item` is None for a key that may not read: the hub tells it no more than that the report was taken.
    """

    item: UUID
    standing: Standing | None = None
    known: bool | None = None
    sightings: int | None = None


class Hub:
    """The hub at one address, with one key."""

    def __init__(self, transport: Transport, *, insecure: bool = False) -> None:
        self._transport = transport
        self._insecure = insecure

    def me(self) -> Member:
        """Ask whose key this is."""
        body = known_fields_at(self._transport.get("/api/v1/me"), "me", fields=("organisation", "scopes", "feed_url"))
        organisation = known_fields_at(body["organisation"], "organisation", fields=("slug",))
        return Member(
            organisation=_short(organisation["slug"], "organisation.slug"),
            scopes=tuple(_short(scope, "scopes") for scope in list_at(body["scopes"], "scopes", max_length=100)),
            feed=self._feed(body["feed_url"]),
        )

    def lists(self) -> tuple[ListOffered, ...]:
        """Return the lists that this key may follow."""
        body = known_fields_at(self._transport.get("/api/v1/lists"), "answer", fields=("lists",))
        return tuple(_list(each) for each in list_at(body["lists"], "lists", max_length=_MAX_LISTS))

    def report(self, publication: Publication, *, seen_at: Sequence[str], code: str | None) -> Receipt:
        """Report an item by its fingerprints, with the addresses where it was seen and this member's assessment."""
        body: dict[str, object] = {
            "kind": publication.kind,
            "fingerprints": publication.fingerprints,
            "sightings": [{"url": address} for address in seen_at],
        }
        if code is not None:
            body["assessment"] = {"code": code}
        return self.receipt_in(self._transport.post("/api/v1/reports", body))

    def send_batch(self, lines: Sequence[bytes]) -> list[bytes]:
        """Send reports, one a line, and return the lines of the answer; see `batch.report_lines`."""
        return self._transport.post_lines("/api/v1/reports/batch", lines).splitlines()

    @staticmethod
    def receipt_in(answer: object) -> Receipt:
        """Return what the hub answers to a report that it took."""
        taken = known_fields_at(answer, "answer", fields=("item",))
        if not {"known", "standing", "sightings"} & set(answer if isinstance(answer, dict) else ()):
            return Receipt(item=_item(taken["item"]))
        fields = known_fields_at(answer, "answer", fields=("item", "known", "standing", "sightings"))
        return Receipt(
            item=_item(fields["item"]),
            standing=_standing(fields),
            known=boolean_at(fields["known"], "known"),
            sightings=integer_at(fields["sightings"], "sightings", low=0, high=2**40),
        )

    def assess(self, publication: Publication, *, code: str) -> Standing:
        """Give this member's assessment of a known item, found by its fingerprints."""
        body = {"kind": publication.kind, "fingerprints": publication.fingerprints, "code": code}
        answer = self._transport.post("/api/v1/assessments", body)
        return _standing(known_fields_at(answer, "answer", fields=("item", "standing")))

    def _feed(self, value: object) -> str:
        address = text_at(value, "feed_url", pattern=_ADDRESS, meaning="an address")
        try:
            return checked_hub_address(address, insecure=self._insecure)
        except ConfigurationError as error:
            raise HubMisbehavedError(f"The hub's feed_url was refused. {error}") from error


def _list(value: object) -> ListOffered:
    each = known_fields_at(value, "lists", fields=("slug", "origin", "keys"))
    keys = list_at(each["keys"], "lists.keys", max_length=_MAX_KEYS)
    return ListOffered(
        slug=_short(each["slug"], "lists.slug"),
        origin=text_at(each["origin"], "lists.origin", pattern=_ORIGIN, meaning="a log's name"),
        keys=tuple(text_at(key, "lists.keys", pattern=_ADDRESS, meaning="a key") for key in keys),
    )


def is_unknown_item(error: HubRefusedError) -> bool:
    """Say whether the hub refused because nobody reported the item yet."""
    return error.code == "unknown_item"


def _standing(fields: dict[str, object]) -> Standing:
    standing = known_fields_at(fields["standing"], "standing", fields=("status", "entries"))
    status = next((known for known in _STATUSES if known == standing["status"]), None)
    if status is None:
        refuse("standing.status", "is not one this version knows; update staydown-client")
    return Standing(
        item=_item(fields["item"]),
        status=status,
        entries=tuple(_entry(each) for each in list_at(standing["entries"], "standing.entries", max_length=_MAX_LISTS)),
    )


def _item(value: object) -> UUID:
    return UUID(text_at(value, "item", pattern=_UUID, meaning="a lower-case UUID"))


def _entry(value: object) -> tuple[str, int]:
    entry = known_fields_at(value, "standing.entries", fields=("list", "position"))
    position = integer_at(entry["position"], "standing.entries.position", low=0, high=2**40)
    return _short(entry["list"], "standing.entries.list"), position


def _short(value: object, where: str) -> str:
    return text_at(value, where, pattern=_SHORT, meaning="a short text")
