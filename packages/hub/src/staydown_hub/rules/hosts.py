"""A host in its one spelling: a domain name in A-labels, an IP address, or a hidden service whose name was checked."""

import base64
import binascii
import hashlib
import ipaddress
import re
from typing import Final

MAX_HOST_CHARACTERS: Final = 253
_HOST_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER: Final = re.compile(r"(?P<hex>0x[0-9a-f]*)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*)")
_LOOKS_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Older readers turn these letters into others, newer ones do not: the name would lead to two hosts.
_READ_IN_TWO_WAYS: Final = frozenset("\u00df\u03c2")
_HIDDEN: Final = ("onion", "i2p")
_ONION_LABEL_CHARACTERS: Final = 56
_ONION_VERSION: Final = 3
_ONION_CHECKSUM: Final = b".onion checksum"


class BadHostError(ValueError):
    """A host that cannot be a sighting's; the message never repeats it."""


def is_hidden_service(host: str) -> bool:
    """Tell whether the host stands in a network that hides where it is, and that the hub never enters."""
    return host.rpartition(".")[2] in _HIDDEN


def canonical_name(name: str) -> str:
    """Return a domain name or IPv4 address in lower-case ASCII without a closing dot. Raises BadHostError.

    An IPv4 address may be written in any of the ways that browsers take (WHATWG URL, IPv4 parser).
    """
    shortened = name.removesuffix(".")
    if not _READ_IN_TWO_WAYS.isdisjoint(shortened.lower()):
        raise BadHostError("A host with such a letter is two different hosts: write it in its xn-- form.")
    try:
        ascii_name = shortened.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadHostError("A URL's host is a domain name or an IP address.") from None
    if len(ascii_name) > MAX_HOST_CHARACTERS or not _HOST_NAME.fullmatch(ascii_name):
        raise BadHostError("A URL's host is a domain name or an IP address.")
    if _LOOKS_NUMERIC.fullmatch(ascii_name.rpartition(".")[2]):
        return _ipv4(ascii_name)
    if ascii_name.rpartition(".")[2] == "onion":
        _check_onion(ascii_name)
    return ascii_name


def canonical_ipv6(name: str) -> str:
    """Return an IPv6 address in its shortest spelling (RFC 5952), hexadecimal all through. Raises BadHostError."""
    try:
        found = ipaddress.IPv6Address(name)
    except ValueError:
        found = None
    # A zone such as %eth0 means something on the writer's machine only.
    if found is None or found.scope_id:
        raise BadHostError("A URL's host in brackets is an IPv6 address.")
    if mapped := found.ipv4_mapped:  # Python's own spelling of these changed in 3.13
        high, low = divmod(int(mapped), 1 << 16)
        return f"::ffff:{high:x}:{low:x}"
    return found.compressed


def _ipv4(name: str) -> str:
    numbers = [_number(label) for label in name.split(".")]
    *first, last = numbers
    if len(numbers) > 4 or any(one > 255 for one in first) or last >= 256 ** (5 - len(numbers)):  # noqa: PLR2004 -- four bytes
        raise BadHostError("A host that ends in a number is an IPv4 address.")
    value = last + sum(one << (24 - 8 * place) for place, one in enumerate(first))
    return str(ipaddress.IPv4Address(value))


def _number(label: str) -> int:
    found = _NUMBER.fullmatch(label)
    if found is None:
        raise BadHostError("A host that ends in a number is an IPv4 address.")
    if found["hex"]:
        return int(found["hex"][2:] or "0", 16)
    return int(label, 8 if found["octal"] else 10)


def _check_onion(name: str) -> None:
    """Check the service's own label as the Tor rendezvous specification (version 3, part 6) makes it."""
    label = name.split(".")[-2] if "." in name else ""
    try:
        raw = base64.b32decode(label.upper()) if len(label) == _ONION_LABEL_CHARACTERS else b""
    except binascii.Error:
        raw = b""
    if not raw:
        raise BadHostError("An onion address has 56 letters and digits before .onion (version 3).")
    key, checksum, version = raw[:32], raw[32:34], raw[34]
    expected = hashlib.sha3_256(_ONION_CHECKSUM + key + bytes([version])).digest()[:2]
    if version != _ONION_VERSION or checksum != expected:
        raise BadHostError("This onion address has a wrong letter: its checksum does not fit.")
