"""What is written once stays: judgements are superseded, sources and names are not changed; tried straight in SQL."""

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.registry.models import Assessment, Fingerprint, FingerprintSource

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assess, report


def test_a_new_judgement_supersedes_the_old_one(cast: Cast) -> None:
    report(cast.police, "boat", code="A1")
    assess(cast.police, "boat", code="B1")
    assess(cast.police, "boat", code="B1")
    first, second = Assessment.objects.order_by("pk")
    assert (first.code, second.code) == ("A1", "B1")
    assert first.superseded_at == second.at
    assert second.superseded_at is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE assessment SET code = 'NONE'",
        "UPDATE assessment SET at = now()",
        "UPDATE assessment SET superseded_at = now(), code = 'B1'",
        "UPDATE assessment SET superseded_at = NULL",
        "UPDATE assessment SET superseded_at = now() WHERE superseded_at IS NOT NULL",
        "UPDATE assessment SET organisation_id = (SELECT id FROM organisation WHERE slug = 'platform')",
        "DELETE FROM assessment",
        "TRUNCATE assessment CASCADE",
        "UPDATE fingerprint SET value = sha256(value) WHERE algorithm = 'sha256'",
        "UPDATE fingerprint SET algorithm = 'pdq', quality = 100 WHERE algorithm = 'sha256'",
        "UPDATE fingerprint SET quality = 1 WHERE algorithm = 'pdq'",
        "UPDATE fingerprint_source SET organisation_id = (SELECT id FROM organisation WHERE slug = 'platform')",
        "UPDATE fingerprint_source SET quality = 100",
        "DELETE FROM fingerprint_source",
        "TRUNCATE fingerprint_source",
    ],
)
def test_history_cannot_be_changed(cast: Cast, statement: str) -> None:
    report(cast.police, "boat", code="A1")
    assess(cast.police, "boat", code="B1")
    kept = [list(model.objects.order_by("pk").values()) for model in (Assessment, Fingerprint, FingerprintSource)]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert kept == [
        list(model.objects.order_by("pk").values()) for model in (Assessment, Fingerprint, FingerprintSource)
    ]


@pytest.mark.parametrize(
    ("algorithm", "length", "quality"),
    [("md5", 20, None), ("sha1", 16, None), ("sha256", 31, None), ("pdq", 32, None), ("pdq", 32, 101), ("md5", 16, 5)],
)
def test_a_fingerprint_that_cannot_be_is_refused(cast: Cast, algorithm: str, length: int, quality: int | None) -> None:
    item = report(cast.police, "boat")
    with pytest.raises(DatabaseError), transaction.atomic():
        Fingerprint.objects.create(item=item, algorithm=algorithm, value=bytes(length), quality=quality)


def test_an_exact_fingerprint_names_one_item(cast: Cast) -> None:
    boat, tree = report(cast.police, "boat"), report(cast.police, "tree")
    value = Fingerprint.objects.get(item=boat, algorithm="sha256").value
    with pytest.raises(DatabaseError, match="names_one_item"), transaction.atomic():
        Fingerprint.objects.create(item=tree, algorithm="sha256", value=bytes(value))
