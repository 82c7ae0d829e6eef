"""Made-up fingerprints and reports. Nothing here comes from a picture."""

import hashlib
from collections.abc import Sequence
from typing import Any

from staydown_hub.registry.models import Item
from staydown_hub.registry.services import assess_item, report_item
from staydown_hub.rules.addresses import parse_address
from staydown_hub.rules.fingerprints import Fingerprint

from packages.hub.tests.cast import Cast, Member


def sha256_of(name: str) -> Fingerprint:
    """Return the SHA-256 of a made-up file."""
    return Fingerprint("sha256", hashlib.sha256(name.encode()).digest())


def sha1_of(name: str) -> Fingerprint:
    """Return the SHA-1 of a made-up file."""
    return Fingerprint("sha1", hashlib.sha1(name.encode(), usedforsecurity=False).digest())


def md5_of(name: str) -> Fingerprint:
    """Return the MD5 of a made-up file."""
    return Fingerprint("md5", hashlib.md5(name.encode(), usedforsecurity=False).digest())


def pdq_of(name: str, *, flipped_bits: int = 0, quality: int = 100) -> Fingerprint:
    """Return a made-up PDQ; two names are about 128 bits apart, `flipped_bits` is the distance from the plain one."""
    whole = int.from_bytes(hashlib.sha256(f"pdq of {name}".encode()).digest()) ^ ((1 << flipped_bits) - 1)
    return Fingerprint("pdq", whole.to_bytes(32), quality)


def prints_of(name: str) -> tuple[Fingerprint, ...]:
    """Return all that a client sends about one file."""
    return (sha256_of(name), sha1_of(name), md5_of(name), pdq_of(name))


def wire(fingerprints: Sequence[Fingerprint]) -> list[dict[str, str | int]]:
    """Return the fingerprints as JSON carries them."""
    return [one.wire() for one in fingerprints]


def report_body(name: str, *, code: str | None = None, url: str | None = None) -> dict[str, Any]:
    """Return the body of a report about one made-up file."""
    body: dict[str, Any] = {
        "kind": "picture",
        "fingerprints": wire(prints_of(name)),
        "sightings": [{"url": url or f"https://host.example/{name}.jpg"}],
    }
    return body if code is None else {**body, "assessment": {"code": code}}


def assessment_body(name: str, *, code: str) -> dict[str, Any]:
    """Return the body of an assessment of one made-up file."""
    return {"kind": "picture", "fingerprints": wire(prints_of(name)), "code": code}


def report(member: Member, name: str, *, code: str | None = None, urls: Sequence[str] = ()) -> Item:
    """Report a made-up file for a member."""
    addresses = [parse_address(one) for one in urls]
    found = report_item(member.actor, kind="picture", fingerprints=prints_of(name), addresses=addresses, code=code)
    return found.item


def assess(member: Member, name: str, *, code: str) -> Item:
    """Assess a made-up file for a member."""
    return assess_item(member.actor, kind="picture", fingerprints=prints_of(name), code=code)


def admitted_item(cast: Cast, name: str, *, urls: Sequence[str] = ()) -> Item:
    """Have a made-up file admitted to the main list by police and support centre."""
    report(cast.support_centre, name, code="TEST", urls=urls)
    return assess(cast.police, name, code="TEST")
