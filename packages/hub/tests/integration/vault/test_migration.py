"""Sightings of the earlier schema are sealed where they are: whole, in steps, and back again."""

import hashlib
import uuid
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet
from django.utils import timezone
from staydown_hub.registry.models import Sighting
from staydown_hub.registry.sightings import address_of
from staydown_hub.vault import queries

from packages.hub.tests.cast import Cast

PLAIN = ("registry", "0003_schemes")
HALF = ("registry", "0004_sealed_sightings")
NOW = timezone.now()
SEALED = ("registry", "0006_only_sealed")
# As they were reported once, in the order in which they are sealed, and what each is now.
URLS = (
    ("https://host.example/a.jpg", "https://host.example/a.jpg"),
    (
        "HTTPS://Host.example:443/a.jpg?utm_source=x",
        "HTTPS://Host.example:443/a.jpg?utm_source=x",
    ),
    ("http://host.example:80/b", "http://host.example/b"),
    ("http://host.example/b", "http://host.example/b"),  # the same, the other way round
    ("https://b\u00fccher.example/\u00fc?fbclid=x", "https://xn--bcher-kva.example/%C3%BC"),
    ("https://fa\u00df.example/", "https://fa\u00df.example/"),  # not taken today
    ("http://old.onion/x", "http://old.onion/x"),  # the same
)
NOW_THEY_ARE = sorted(spelled for _, spelled in URLS)


def migrate(target: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([target])


@pytest.fixture
def earlier_schema(cast: Cast, committed_db: None) -> Iterator[Cast]:
    """Take the database back to before anything was sealed, and forth again afterwards."""
    del committed_db
    migrate(PLAIN)
    try:
        yield cast
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


def insert(item: uuid.UUID, organisation: uuid.UUID, *, number: int, url: str) -> None:
    host = "xn--bcher-kva.example" if "cher" in url else url.split("/")[2].lower()
    digest = hashlib.sha256(url.encode()).digest()
    row = (str(uuid.UUID(int=number)), str(item), url, digest, host, str(organisation), NOW, NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sighting (id, item_id, url, url_digest, host, reported_by_id, first_reported_at,"
            " last_reported_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            row,
        )


def rows() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT url, host FROM sighting")
        return list(cursor.fetchall())


def sealed_rows() -> QuerySet[Sighting]:
    """Return the sightings with the columns that this state of the schema has."""
    return Sighting.objects.only("sealed_key", "sealed_address", "sealed_host")


def file_of_the_table() -> int:
    """Return the number of the file that the table is in: another one once the table was written anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode('sighting')")
        return int(cursor.fetchone()[0])


def test_what_there_was_is_sealed_and_found_and_can_be_taken_back(earlier_schema: Cast) -> None:
    item, police = uuid.uuid4(), earlier_schema.police.organisation.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO item (id, kind, opened_at, opened_by_id) VALUES (%s, 'picture', now(), %s)", [item, police]
        )
    for number, (url, _) in enumerate(URLS):
        insert(item, police, number=number, url=url)
    file_with_plain_rows = file_of_the_table()
    # Stopped after a few, and run again.
    migrate(HALF)
    module = import_module("staydown_hub.registry.migrations.0005_seal_sightings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", 2)
        assert module._next_batch(module._PLAIN, module._seal_one)
    assert sum(queries.counts_by_key().values()) == 2
    migrate(SEALED)
    assert sorted(address_of(one) for one in sealed_rows()) == NOW_THEY_ARE
    assert {one.host for one in sealed_rows()} >= {"host.example", "xn--bcher-kva.example", "old.onion"}
    assert file_of_the_table() != file_with_plain_rows
    migrate(PLAIN)
    assert sorted(url for url, _ in rows()) == NOW_THEY_ARE
    assert ("https://host.example/a.jpg", "host.example") in rows()
