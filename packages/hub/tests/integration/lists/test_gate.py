"""The benign gate at work: a hit stops, people of two organisations overrule; PostgreSQL holds it too."""

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists import deciding
from staydown_hub.lists.errors import NotYoursToDecideError
from staydown_hub.lists.gate import add_to_corpus
from staydown_hub.lists.models import Entry, GateStop, SafeFingerprint
from staydown_hub.lists.queries import standing_of
from staydown_hub.registry.models import Item
from staydown_hub.registry.services import assess_item, report_item
from staydown_hub.rules.fingerprints import Fingerprint

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, pdq_of, prints_of, sha256_of
from packages.hub.tests.integration.lists.test_wall import insert_entry
from packages.hub.tests.people import REASON, another, person_for


def reported_and_assessed(cast: Cast, *prints: Fingerprint, kind: str = "picture") -> Item:
    report_item(cast.support_centre.actor, kind=kind, fingerprints=prints, code="TEST")
    return assess_item(cast.police.actor, kind=kind, fingerprints=prints, code="TEST")


@pytest.mark.parametrize("safe", [sha256_of("boat"), pdq_of("boat"), pdq_of("boat", flipped_bits=31)])
def test_a_hit_stops_an_admission(cast: Cast, safe: Fingerprint) -> None:
    add_to_corpus([safe], source="a well-known boat")
    item = admitted_item(cast, "boat")
    assert standing_of(item.pk).status == "waiting"
    stop = GateStop.objects.get()
    assert stop.hits == [SafeFingerprint.objects.get(source="a well-known boat").pk]
    assert AuditRecord.objects.filter(act="admission stopped", subject=f"item:{item.pk}").count() == 1
    assess_item(cast.regulator.actor, kind="picture", fingerprints=prints_of("boat"), code="TEST")
    assert GateStop.objects.count() == 1, "it is asked once"


@pytest.mark.parametrize("near", [pdq_of("boat", flipped_bits=32), pdq_of("boat", quality=49)])
def test_what_is_only_somewhat_alike_does_not_stop(cast: Cast, near: Fingerprint) -> None:
    add_to_corpus([near, sha256_of("tree")], source="something else")
    assert standing_of(admitted_item(cast, "boat").pk).status == "admitted"


def test_low_quality_stops_also_what_an_exact_hash_would_list(cast: Cast) -> None:
    item = reported_and_assessed(cast, sha256_of("blank"), pdq_of("blank", quality=12))
    assert standing_of(item.pk).status == "waiting"
    assert GateStop.objects.get().low_quality
    assert standing_of(reported_and_assessed(cast, sha256_of("no picture hash")).pk).status == "admitted"


def test_two_people_of_two_organisations_overrule(cast: Cast) -> None:
    add_to_corpus([sha256_of("boat")], source="a well-known boat")
    item = admitted_item(cast, "boat")
    stop = GateStop.objects.get()
    for who in (
        cast.police.actor,
        cast.police.person("assessor"),
        person_for(cast.platform),
        person_for(cast.oversight),
    ):
        with pytest.raises(NotYoursToDecideError):
            deciding.overrule(who, stop_id=stop.pk, reason=REASON)
    assert not deciding.overrule(person_for(cast.police), stop_id=stop.pk, reason=REASON)
    with pytest.raises(NotYoursToDecideError):
        deciding.overrule(person_for(cast.police), stop_id=stop.pk, reason=REASON)
    assert standing_of(item.pk).status == "waiting"
    assert deciding.overrule(person_for(cast.regulator), stop_id=stop.pk, reason=REASON)
    assert standing_of(item.pk).status == "admitted"
    add_to_corpus([pdq_of("boat")], source="the same boat, from elsewhere")
    assess_item(cast.regulator.actor, kind="picture", fingerprints=prints_of("boat"), code="A1")
    assert GateStop.objects.count() == 2, "another hit is for people again"
    assert Entry.objects.filter(operation="amend").count() == 0


def test_a_video_that_shares_a_title_passes_and_one_of_safe_frames_does_not(cast: Cast) -> None:
    frames = [pdq_of(f"frame {number}") for number in range(6)]
    add_to_corpus(frames[:2], source="a title")
    assert standing_of(reported_and_assessed(cast, sha256_of("a"), *frames, kind="video").pk).status == "admitted"
    add_to_corpus([pdq_of("other frame")], source="a test card")
    mostly_safe = (sha256_of("b"), pdq_of("other frame"), pdq_of("another frame"))
    assert standing_of(reported_and_assessed(cast, *mostly_safe, kind="video").pk).status == "waiting"


def test_the_database_takes_no_entry_past_the_gate(cast: Cast) -> None:
    add_to_corpus([pdq_of("boat", flipped_bits=7)], source="a well-known boat")
    item = admitted_item(cast, "boat")
    with pytest.raises(DatabaseError, match="the benign gate stopped it"), transaction.atomic():
        insert_entry(item)
    stop = GateStop.objects.get()
    deciding.overrule(person_for(cast.police), stop_id=stop.pk, reason=REASON)
    with pytest.raises(DatabaseError, match="the benign gate stopped it"), transaction.atomic():
        insert_entry(item)
    deciding.overrule(another("monitor", "watch"), stop_id=stop.pk, reason=REASON)
    assert Entry.objects.count() == 1


def test_the_database_takes_nothing_of_low_quality(cast: Cast) -> None:
    item = reported_and_assessed(cast, sha256_of("boat"), pdq_of("boat", quality=3))
    with pytest.raises(DatabaseError, match="its quality is low"), transaction.atomic():
        insert_entry(item, fingerprints=[sha256_of("boat").wire()])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gate_stop SET hits = '{}'",
        "DELETE FROM gate_stop",
        "UPDATE gate_overrule SET reason = 'y'",
        "DELETE FROM gate_overrule",
        "UPDATE safe_fingerprint SET value = sha256('x') WHERE algorithm = 'sha256'",
        "DELETE FROM safe_fingerprint",
        "UPDATE safe_fingerprint SET retired_at = NULL, source = 'z'",
        """INSERT INTO gate_overrule (stop_id, organisation_id, person_id, reason, at)
        SELECT s.id, o.id, p.id, 'x', now() FROM gate_stop s, organisation o, person p WHERE o.slug = 'regulator'""",
    ],
)
def test_what_people_and_the_gate_said_stays(cast: Cast, statement: str) -> None:
    add_to_corpus([sha256_of("boat")], source="a well-known boat")
    admitted_item(cast, "boat")
    deciding.overrule(person_for(cast.police), stop_id=GateStop.objects.get().pk, reason=REASON)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
