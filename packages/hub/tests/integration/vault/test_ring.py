"""The ring changes under living records: rotated, wrapped anew, retired, lost and found again."""

import os
import time
from pathlib import Path

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.registry.models import Sighting
from staydown_hub.registry.sightings import address_of
from staydown_hub.vault import queries, services
from staydown_hub.vault.errors import KeyInUseError, NoRingError, UnknownRingKeyError
from staydown_hub.vault.rings import FileRing

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import report

URLS = [f"https://host.example/{number}" for number in range(7)]


@pytest.fixture
def own_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a ring of this test alone."""
    folder = tmp_path / "ring"
    monkeypatch.setenv("STAYDOWN_RING_FOLDER", str(folder))
    return folder


def addresses() -> list[str]:
    return sorted(address_of(one) for one in Sighting.objects.all())


def let_it_settle(folder: Path) -> None:
    hour_ago = time.time() - 3600
    for path in folder.glob("*.key"):
        os.utime(path, (hour_ago, hour_ago))
    os.utime(folder)


def test_rotate_wrap_anew_retire(cast: Cast, own_ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_AT_ONCE", 3)
    report(cast.police, "boat", urls=URLS[:5])
    old = services.ring().newest
    fresh = services.rotate(source="test")
    report(cast.police, "boat", urls=URLS)
    assert queries.counts_by_key() == {old: 5, fresh: 2}
    let_it_settle(own_ring)
    with pytest.raises(KeyInUseError, match="5 records"):
        services.retire(old, source="test")
    done = services.rewrap_all(source="test")
    assert (done.count, done.broken) == (5, ())
    assert services.rewrap_all(source="test").count == 0
    services.retire(old, source="test")
    assert [one.id for one in services.ring().ring_keys()] == [fresh]
    assert addresses() == sorted(URLS)
    acts = list(AuditRecord.objects.filter(subject__startswith="ring_key:").values_list("act", flat=True))
    assert acts == ["ring rotated", "records wrapped anew", "records wrapped anew", "ring key retired"]


def test_one_record_that_does_not_open_is_named_and_stops_nothing(cast: Cast, own_ring: Path) -> None:
    del own_ring
    report(cast.police, "boat", urls=URLS[:3])
    broken, other, _ = Sighting.objects.order_by("pk")
    Sighting.objects.filter(pk=broken.pk).update(sealed_key=other.sealed_key)
    services.rotate(source="test")
    done = services.rewrap_all(source="test")
    assert (done.count, done.broken) == (2, (f"sighting:{broken.pk}",))


def test_a_ring_that_was_lost_is_never_made_anew_over_sealed_records(
    cast: Cast, own_ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(cast.police, "boat", urls=URLS[:1])
    monkeypatch.setenv("STAYDOWN_RING_FOLDER", str(tmp_path / "empty"))
    with pytest.raises(NoRingError, match="backup"):
        report(cast.police, "tree", urls=URLS[:1])
    assert not (tmp_path / "empty").exists()
    monkeypatch.setenv("STAYDOWN_RING_FOLDER", str(own_ring))
    assert addresses() == URLS[:1]


def test_another_hubs_ring_opens_nothing(
    cast: Cast, own_ring: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del own_ring
    report(cast.police, "boat", urls=URLS[:1])
    monkeypatch.setenv("STAYDOWN_RING_FOLDER", str(tmp_path / "other"))
    FileRing(tmp_path / "other").make()
    with pytest.raises(UnknownRingKeyError):
        addresses()


@pytest.mark.django_db
def test_every_sealed_table_has_what_the_commands_go_by() -> None:
    assert "sighting" in queries.sealed_tables()
    with connection.cursor() as cursor:
        for table in queries.sealed_tables():
            cursor.execute(
                "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = 'id'", [table]
            )
            assert cursor.fetchone() == ("uuid",)
