"""Seals the sightings that there are. Stopped at any point, it goes on where it was when it is run again.

An address that another sighting of the same item has, once both are in their one spelling, stays a sighting of its own,
in the spelling that it was reported with: requests point to each of the two, and are history. New reports find the other.
"""

import hashlib
from typing import Any, ClassVar, Final

from django.db import connection, migrations, transaction

from staydown_hub.rules.addresses import Address, BadAddressError, parse_address
from staydown_hub.vault.envelopes import Place, open_value, seal
from staydown_hub.vault.services import ring

_AT_ONCE: Final = 1000
_PLAIN: Final = "SELECT id, item_id, url, host FROM sighting WHERE url IS NOT NULL ORDER BY id LIMIT %s FOR UPDATE"
_TAKEN: Final = "SELECT EXISTS (SELECT FROM sighting WHERE item_id = %s AND address_digest = %s)"
_PLAINLY_TAKEN: Final = """
    SELECT EXISTS (SELECT FROM sighting other JOIN sighting USING (item_id)
        WHERE sighting.id = %s AND other.url_digest = %s)
"""
_SEAL: Final = """
    UPDATE sighting SET sealed_key = %s, sealed_address = %s, sealed_host = %s, address_digest = %s, kind = %s,
        url = NULL, url_digest = NULL, host = NULL
    WHERE id = %s
"""
_SEALED: Final = """
    SELECT id, sealed_key, sealed_address, sealed_host FROM sighting WHERE sealed_key IS NOT NULL ORDER BY id LIMIT %s FOR UPDATE
"""
_UNSEAL: Final = """
    UPDATE sighting SET url = %s, url_digest = %s, host = %s, sealed_key = NULL, sealed_address = NULL,
        sealed_host = NULL, address_digest = NULL
    WHERE id = %s
"""


def seal_all(*_: Any) -> None:  # noqa: ANN401 -- Django's historical models, which are not needed
    while _next_batch(_PLAIN, _seal_one):
        pass


def unseal_all(*_: Any) -> None:  # noqa: ANN401 -- the same
    while _next_batch(_SEALED, _unseal_one):
        pass


def _next_batch(query: str, act: Any) -> bool:  # noqa: ANN401 -- one of the two functions below
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(query, [_AT_ONCE])
        rows = cursor.fetchall()
        for row in rows:
            act(cursor, *row)
    return bool(rows)


def _seal_one(cursor: Any, pk: Any, item_id: Any, url: str, host: str) -> None:  # noqa: ANN401 -- the database's own types
    address = _spelled(url, host)
    digest = _digest(address)
    cursor.execute(_TAKEN, [item_id, digest])
    if cursor.fetchone()[0]:
        address = Address("web", url, host)
        digest = _digest(address, str(pk))
    values = {"sealed_address": address.text, "sealed_host": address.host or host}
    sealed = seal(ring(), Place("sighting", str(pk)), values)
    cursor.execute(
        _SEAL, [sealed.key, sealed.values["sealed_address"], sealed.values["sealed_host"], digest, address.kind, pk]
    )


def _unseal_one(cursor: Any, pk: Any, key: bytes, address: bytes, host: bytes) -> None:  # noqa: ANN401 -- the same
    place = Place("sighting", str(pk))
    url = open_value(ring(), place, key=bytes(key), column="sealed_address", value=bytes(address))
    name = open_value(ring(), place, key=bytes(key), column="sealed_host", value=bytes(host)) if host else ""
    digest = hashlib.sha256(url.encode()).digest()
    cursor.execute(_PLAINLY_TAKEN, [pk, digest])
    if cursor.fetchone()[0]:
        digest = hashlib.sha256(f"{url}\n{pk}".encode()).digest()
    cursor.execute(_UNSEAL, [url, digest, name, pk])


def _spelled(url: str, host: str) -> Address:
    try:
        return parse_address(url)
    except BadAddressError:  # it was taken by the rule of its day
        return Address("web", url, host)


def _digest(address: Address, *apart: str) -> bytes:
    return ring().digest("sighting", "\n".join((address.kind, address.text, *apart)).encode())


class Migration(migrations.Migration):
    atomic = False
    dependencies: ClassVar = [("registry", "0004_sealed_sightings"), ("audit", "0002_chain")]
    operations: ClassVar = [migrations.RunPython(seal_all, unseal_all)]
