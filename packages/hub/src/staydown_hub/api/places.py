"""Where an item was seen, as it travels: a URL, a file-sharing hash or a platform's object, and when; and its peers."""

from datetime import UTC, datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from staydown_hub.api.schemas import Strict
from staydown_hub.api.values import Instant
from staydown_hub.registry.sightings import Seen
from staydown_hub.rules.addresses import (
    MAX_HOST_CHARACTERS,
    MAX_OBJECT_CHARACTERS,
    MAX_URL_CHARACTERS,
    Address,
    parse_address,
    parse_ed2k,
    parse_infohash,
    parse_object,
)
from staydown_hub.rules.peers import MAX_PORT, Peer, parse_peer

MAX_SIGHTINGS: Final = 100
_ANY_INSTANT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def _check_url(text: str) -> str:
    parse_address(text)
    return text


def _check_infohash(text: str) -> str:
    parse_infohash(text)
    return text


def _check_ed2k(text: str) -> str:
    parse_ed2k(text)
    return text


Url = Annotated[str, Field(max_length=MAX_URL_CHARACTERS), AfterValidator(_check_url)]
Infohash = Annotated[
    str,
    Field(description="40 hex or 32 base32 digits (v1), 64 hex (v2)."),
    AfterValidator(_check_infohash),
]
Ed2k = Annotated[str, Field(description="32 hex digits."), AfterValidator(_check_ed2k)]


class ObjectForm(Strict):
    """A platform's own name of an object: `platform` is the platform's host."""

    platform: Annotated[str, Field(max_length=MAX_HOST_CHARACTERS)]
    id: Annotated[str, Field(max_length=MAX_OBJECT_CHARACTERS)]

    @field_validator("id")
    @classmethod
    def _check_object(cls, identifier: str, info: ValidationInfo) -> str:
        if "platform" in info.data:
            parse_object(platform=info.data["platform"], identifier=identifier)
        return identifier


class SightingForm(Strict):
    """Where an item was seen, by exactly one of `url`, `infohash`, `ed2k` and `object`; `seen_at` is now by default.

    A `url` begins with http or https; its host may be an onion service (version 3).
    """

    url: Url | None = None
    infohash: Infohash | None = None
    ed2k: Ed2k | None = None
    object: ObjectForm | None = None
    seen_at: Instant | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(one is not None for one in (self.url, self.infohash, self.ed2k, self.object)) != 1:
            raise ValueError("Say where it was seen by one of url, infohash, ed2k and object.")
        return self

    def address(self) -> Address:
        """Return the address in its one spelling."""
        if self.infohash is not None:
            return parse_infohash(self.infohash)
        if self.ed2k is not None:
            return parse_ed2k(self.ed2k)
        if self.object is not None:
            return parse_object(platform=self.object.platform, identifier=self.object.id)
        return parse_address(self.url or "")

    def seen(self) -> Seen:
        """Return it as services know it."""
        return Seen(self.address(), self.seen_at)


class PeerForm(Strict):
    """Whose machine shared the item, and when: kept encrypted, shown to police alone, deleted when its time is up."""

    at: Instant
    address: Annotated[str, Field(max_length=45, description="IPv4 or IPv6.")]
    port: Annotated[int, Field(ge=1, le=MAX_PORT)]

    @field_validator("address")
    @classmethod
    def _check_address(cls, address: str) -> str:
        parse_peer(at=_ANY_INSTANT, address=address, port=1)
        return address

    def plain(self) -> Peer:
        """Return it as the rules know it."""
        return parse_peer(at=self.at, address=self.address, port=self.port)
