"""Who holds a copy of the database, without the ring, reads no address; and who writes to it moves none unseen."""

import base64
from uuid import UUID

import pytest
from django.db import connection
from staydown_hub.registry.models import Sighting
from staydown_hub.registry.sightings import address_of
from staydown_hub.vault.errors import DoesNotOpenError, ErasedError

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, report

URL = "https://harbour.example/gallery/17.jpg?size=large"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


def everything() -> bytes:
    """Return every column of every row of every table as a dump holds it: as text, binary columns in their bytes."""
    dumped = b""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 -- our own tables' names
            for row in cursor.fetchall():
                for value in row:
                    dumped += bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    dumped += b"\n"
    return dumped


def test_nothing_of_an_address_is_readable(cast: Cast) -> None:
    admitted_item(cast, "boat", urls=[URL])
    dumped = everything()
    assert b"Support Centre" in dumped  # the dump is one
    for part in (URL.encode(), b"harbour.example", b"gallery", b"17.jpg"):
        for spelled in (part, part.hex().encode(), base64.b64encode(part).rstrip(b"=")[:-2]):
            assert spelled not in dumped


def test_the_same_address_of_two_items_shows_as_the_same_and_as_nothing_else(cast: Cast) -> None:
    for name in ("boat", "tree"):
        report(cast.police, name, urls=[URL])
    first, second = Sighting.objects.all()
    assert bytes(first.address_digest) == bytes(second.address_digest)
    assert bytes(first.sealed_address or b"") != bytes(second.sealed_address or b"")
    assert address_of(first) == address_of(second) == URL


@pytest.fixture
def two(cast: Cast) -> tuple[UUID, UUID]:
    items = [report(cast.police, name, urls=[f"https://{name}.example/"]) for name in ("boat", "tree")]
    first, second = (Sighting.objects.get(item=item).pk for item in items)
    return first, second


@pytest.mark.parametrize("columns", [("sealed_address",), ("sealed_key", "sealed_address", "sealed_host")])
def test_a_row_moved_to_another_record_does_not_open(two: tuple[UUID, UUID], columns: tuple[str, ...]) -> None:
    first, second = two
    taken = Sighting.objects.filter(pk=first).values(*columns).get()
    Sighting.objects.filter(pk=second).update(**taken)
    with pytest.raises(DoesNotOpenError):
        address_of(Sighting.objects.get(pk=second))
    assert address_of(Sighting.objects.get(pk=first)) == "https://boat.example/"


def test_a_column_moved_to_another_does_not_open(two: tuple[UUID, UUID]) -> None:
    sighting = Sighting.objects.get(pk=two[0])
    Sighting.objects.filter(pk=sighting.pk).update(sealed_address=sighting.sealed_host)
    with pytest.raises(DoesNotOpenError):
        address_of(Sighting.objects.get(pk=sighting.pk))


def test_without_its_key_a_record_is_gone_for_good(two: tuple[UUID, UUID]) -> None:
    Sighting.objects.filter(pk=two[0]).update(sealed_key=None)
    erased = Sighting.objects.get(pk=two[0])
    assert erased.host == ""
    with pytest.raises(ErasedError):
        address_of(erased)
