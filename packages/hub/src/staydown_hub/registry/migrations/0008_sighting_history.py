"""Who said when that an item was seen where, and whose machines shared it."""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

# What is known of earlier sightings: who reported it first, and when it was last reported.
EARLIER = """
UPDATE sighting SET first_seen_at = first_reported_at, last_seen_at = last_reported_at;
INSERT INTO sighting_report (sighting_id, organisation_id, seen_at, reported_at)
    SELECT id, reported_by_id, first_reported_at, first_reported_at FROM sighting ORDER BY first_reported_at, id;
SET CONSTRAINTS ALL IMMEDIATE;
"""

WALL = """
CREATE TRIGGER sighting_report_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sighting_report
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""


def _to(place: str, related_name: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=place)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("registry", "0007_batches"),
        ("organisations", "0001_initial"),
        ("audit", "0002_chain"),
    ]
    operations: ClassVar = [
        migrations.AddField(
            model_name="sighting", name="first_seen_at", field=models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.AddField(
            model_name="sighting", name="last_seen_at", field=models.DateTimeField(default=django.utils.timezone.now)
        ),
        migrations.CreateModel(
            name="SightingReport",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("seen_at", models.DateTimeField()),
                ("reported_at", models.DateTimeField()),
                ("organisation", _to("organisations.organisation", "+")),
                ("sighting", _to("registry.sighting", "reports")),
            ],
            options={"db_table": "sighting_report"},
        ),
        migrations.AddConstraint(
            model_name="sightingreport",
            constraint=models.UniqueConstraint(
                fields=("sighting", "organisation", "seen_at"), name="sighting_report_once"
            ),
        ),
        migrations.CreateModel(
            name="PeerObservation",
            fields=[
                ("sealed_key", models.BinaryField(editable=False, null=True)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("sealed_peer", models.BinaryField(null=True)),
                ("peer_digest", models.BinaryField(max_length=32)),
                ("received_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("organisation", _to("organisations.organisation", "+")),
                ("sighting", _to("registry.sighting", "peers")),
            ],
            options={"db_table": "peer_observation"},
        ),
        migrations.AddConstraint(
            model_name="peerobservation",
            constraint=models.UniqueConstraint(fields=("sighting", "peer_digest"), name="peer_observation_once"),
        ),
        migrations.AddIndex(
            model_name="peerobservation",
            index=models.Index(fields=["expires_at"], name="peer_observation_expires"),
        ),
        migrations.RunSQL(EARLIER, migrations.RunSQL.noop),
        migrations.RunSQL(WALL, "DROP TRIGGER sighting_report_append_only ON sighting_report"),
    ]
