"""Which addresses a sighting may have: plain web addresses that every reader takes apart alike."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARACTERS: Final = 2048
MAX_HOST_CHARACTERS: Final = 253
# Readers differ on how they take these: refused instead of guessed at.
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_HOST_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class BadAddressError(ValueError):
    """A URL that cannot be a sighting's; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URL, as it was given, and its host in lower-case ASCII without a closing dot."""

    url: str = field(repr=False)
    host: str = field(repr=False)


def parse_address(url: str) -> Address:
    """Check a URL and return it with its host. Raises BadAddressError."""
    if len(url) > MAX_URL_CHARACTERS:
        raise BadAddressError(f"A URL has at most {MAX_URL_CHARACTERS:,} characters.")
    if _UNSAFE.search(url):
        raise BadAddressError("A URL has no spaces, backslashes or control characters: percent-encode them.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadAddressError("This is no URL that can be taken apart: check its host and port.") from None
    if parts.scheme not in {"http", "https"}:
        raise BadAddressError("A URL begins with http:// or https://.")
    if "@" in parts.netloc:
        raise BadAddressError("A URL holds no user name or password: leave out what stands before the @.")
    if port == 0 or parts.netloc.endswith(":"):
        raise BadAddressError("A URL's port is a number from 1 to 65535, or is left out.")
    return Address(url=url, host=_host(parts))


def _host(parts: SplitResult) -> str:
    name = (parts.hostname or "").rstrip(".")
    if not name:
        raise BadAddressError("A URL names a host.")
    if "[" in parts.netloc:
        return _ip_host(name)
    try:
        ascii_name = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadAddressError("A URL's host is a domain name or an IP address.") from None
    if len(ascii_name) > MAX_HOST_CHARACTERS or not _HOST_NAME.fullmatch(ascii_name):
        raise BadAddressError("A URL's host is a domain name or an IP address.")
    return ascii_name


def _ip_host(name: str) -> str:
    try:
        found = ipaddress.IPv6Address(name)
    except ValueError:
        found = None
    # A zone such as %eth0 means something on the writer's machine only.
    if found is None or found.scope_id:
        raise BadAddressError("A URL's host in brackets is an IPv6 address.")
    return found.compressed
