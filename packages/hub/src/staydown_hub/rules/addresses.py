"""Where an item was seen, in its one spelling: web addresses, hidden services, file-sharing hashes, platform objects.

The same place written in two ways must be one sighting, and two places must never become one. So only that is changed
which every reader takes for the same, and tracking parameters, which lead back to whoever reported. Never changed: http
or https, `www.`, the letter case of path and query, the order and repetition of parameters, a closing slash, and what
follows `#` (on some hosts it is the key without which nobody sees anything).
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final, Literal, get_args
from urllib.parse import SplitResult, quote, unquote, urlsplit

from staydown_hub.rules.hosts import (
    MAX_HOST_CHARACTERS,
    BadHostError,
    canonical_ipv6,
    canonical_name,
    is_hidden_service,
)

__all__ = ["MAX_HOST_CHARACTERS", "Address", "BadAddressError", "SightingKind", "parse_address"]

SightingKind = Literal["web", "hidden_service", "infohash_v1", "infohash_v2", "ed2k", "object"]
KINDS: Final[tuple[SightingKind, ...]] = get_args(SightingKind)

# Only the open web: the hub enters no hidden network, joins no swarm, and asks no platform behind its door.
ACTED_ON: Final[frozenset[str]] = frozenset({"web"})
KIND_NAMES: Final[dict[str, str]] = {
    "hidden_service": "hidden service",
    "infohash_v1": "BitTorrent, version 1",
    "infohash_v2": "BitTorrent, version 2",
    "ed2k": "eDonkey",
    "object": "object of a platform",
}

MAX_URL_CHARACTERS: Final = 2048
# Counted as they are read: percent-encoding makes up to twelve of one.
_MAX_ESCAPED_CHARACTERS: Final = 12 * MAX_URL_CHARACTERS
_TOO_LONG: Final = f"A URL has at most {MAX_URL_CHARACTERS:,} characters."
MAX_OBJECT_CHARACTERS: Final = 200
# Readers differ on how they take these: refused instead of guessed at.
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# All of ASCII that stands for itself in a path or query; the rest is percent-encoded, as browsers send it.
_PLAIN: Final = "!$%&'()*+,-./:;=?@[]_~#"
# fmt: off
_TRACKERS: Final = frozenset({
    "_ga", "_gl", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "_openstat", "dclid", "fbclid", "gbraid", "gclid",
    "gclsrc", "hsctatracking", "igsh", "igshid", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "msclkid", "oly_anon_id",
    "oly_enc_id", "s_cid", "srsltid", "ttclid", "twclid", "vero_id", "wbraid", "wickedid", "yclid", "ysclid",
})
# fmt: on
_TRACKER_START: Final = "utm_"
_HEX: Final = re.compile(r"[0-9a-f]+")
_V1_HEX_DIGITS: Final = 40
_V1_BASE32_DIGITS: Final = 32
_V2_HEX_DIGITS: Final = 64
_V2_MULTIHASH_START: Final = "1220"  # SHA-256, 32 bytes: how magnet links write a version 2 hash
_ED2K_HEX_DIGITS: Final = 32
_OBJECT: Final = re.compile(r"[\x21-\x7e]+")


class BadAddressError(ValueError):
    """What cannot be a sighting's address; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address in its one spelling; ``host`` is in lower-case ASCII, None where there is none."""

    kind: SightingKind
    text: str = field(repr=False)
    host: str | None = field(repr=False)


def is_acted_on(kind: SightingKind) -> bool:
    """Tell whether removal is asked for at such an address, and whether it is looked at again."""
    return kind in ACTED_ON


def parse_address(url: str) -> Address:
    """Check a URL and return it in its one spelling. Raises BadAddressError."""
    if len(url) > _MAX_ESCAPED_CHARACTERS:
        raise BadAddressError(_TOO_LONG)
    if _UNSAFE.search(url):
        raise BadAddressError("A URL has no spaces, backslashes or control characters: percent-encode them.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddressError("This is no URL that can be taken apart: check its host and port.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadAddressError("A URL begins with http:// or https://.")
    if "@" in parts.netloc:
        raise BadAddressError("A URL holds no user name or password: leave out what stands before the @.")
    if port == 0 or parts.netloc.endswith(":"):
        raise BadAddressError("A URL's port is a number from 1 to 65535, or is left out.")
    host = _host(parts)
    text = _spelled(parts, host=host, port=port)
    if len(unquote(text)) > MAX_URL_CHARACTERS:
        raise BadAddressError(_TOO_LONG)
    return Address("hidden_service" if is_hidden_service(host) else "web", text, host)


def parse_infohash(text: str) -> Address:
    """Check a BitTorrent infohash: version 1 (40 hex or 32 base32 digits) or 2 (64 hex digits, 1220 may stand before).

    Raises BadAddressError.
    """
    plain = text.lower()
    if len(plain) == _V1_BASE32_DIGITS:
        try:
            plain = base64.b32decode(plain.upper()).hex()
        except binascii.Error:
            raise BadAddressError("An infohash of 32 digits is in base32.") from None
    if len(plain) == _V2_HEX_DIGITS + len(_V2_MULTIHASH_START):
        plain = plain.removeprefix(_V2_MULTIHASH_START)
    if not _HEX.fullmatch(plain) or len(plain) not in {_V1_HEX_DIGITS, _V2_HEX_DIGITS}:
        raise BadAddressError("An infohash has 40 hex digits (version 1) or 64 (version 2), and nothing around it.")
    return Address("infohash_v1" if len(plain) == _V1_HEX_DIGITS else "infohash_v2", plain, None)


def parse_ed2k(text: str) -> Address:
    """Check an ed2k hash: 32 hex digits; a link's file name and size are left out. Raises BadAddressError."""
    plain = text.lower()
    if len(plain) != _ED2K_HEX_DIGITS or not _HEX.fullmatch(plain):
        raise BadAddressError("An ed2k hash has 32 hex digits: leave the rest of the link out.")
    return Address("ed2k", plain, None)


def parse_object(*, platform: str, identifier: str) -> Address:
    """Check a platform's own name of an object; ``platform`` is its host. The identifier is never changed.

    Raises BadAddressError.
    """
    try:
        host = canonical_name(platform)
    except BadHostError:
        raise BadAddressError("A platform is named by its host, such as photos.example.") from None
    if len(identifier) > MAX_OBJECT_CHARACTERS or not _OBJECT.fullmatch(identifier):
        raise BadAddressError(f"An object's identifier has 1 to {MAX_OBJECT_CHARACTERS} ASCII characters, no spaces.")
    if "://" in identifier:
        raise BadAddressError("An object's identifier is no URL: report that as `url`.")
    return Address("object", f"{host} {identifier}", host)


def _host(parts: SplitResult) -> str:
    name = parts.hostname or ""
    if not name:
        raise BadAddressError("A URL names a host.")
    try:
        return canonical_ipv6(name) if "[" in parts.netloc else canonical_name(name)
    except BadHostError as error:
        raise BadAddressError(str(error)) from None


def _spelled(parts: SplitResult, *, host: str, port: int | None) -> str:
    written = f"[{host}]" if ":" in host else host
    place = written if port in {None, _DEFAULT_PORTS[parts.scheme]} else f"{written}:{port}"
    path = _without_dots(_escaped(parts.path)) or "/"
    query = _without_trackers(_escaped(parts.query))
    fragment = _in_ascii(parts.fragment, safe=_PLAIN + '"<>^`{|}')
    return f"{parts.scheme}://{place}{path}{'?' * bool(query)}{query}{'#' * bool(fragment)}{fragment}"


def _escaped(text: str) -> str:
    """Return a path or query with its percent-encoding in one spelling (RFC 3986, 6.2.2)."""
    ascii_text = _in_ascii(text, safe=_PLAIN)
    if _STRAY_PERCENT.search(ascii_text):
        return ascii_text  # readers differ on what it says: it is left as it is
    return _ESCAPE.sub(lambda found: _one_escape(found[1]), ascii_text)


def _in_ascii(text: str, *, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise BadAddressError("A URL is text in Unicode: percent-encode what is not.") from None


def _one_escape(digits: str) -> str:
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _without_dots(path: str) -> str:
    """Return an absolute path without `.` and `..`, as browsers do before they ask (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "".join(f"/{segment}" for segment in kept)


def _without_trackers(query: str) -> str:
    return "&".join(piece for piece in query.split("&") if not _is_tracker(piece.partition("=")[0].lower()))


def _is_tracker(name: str) -> bool:
    return name in _TRACKERS or name.startswith(_TRACKER_START)
