"""The plain columns go, and the table is written anew, so that no file of the database holds what they held."""

from typing import ClassVar

from django.db import migrations, models

KINDS = ("web", "hidden_service", "infohash_v1", "infohash_v2", "ed2k", "object")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("registry", "0005_seal_sightings")]
    operations: ClassVar = [
        migrations.RemoveField(model_name="sighting", name="url"),
        migrations.RemoveField(model_name="sighting", name="url_digest"),
        migrations.RemoveField(model_name="sighting", name="host"),
        # Dropping a column leaves its values in the table's file; writing the table anew does not.
        migrations.RunSQL(
            "CLUSTER sighting USING sighting_pkey; ALTER TABLE sighting SET WITHOUT CLUSTER", migrations.RunSQL.noop
        ),
        migrations.AlterField(model_name="sighting", name="address_digest", field=models.BinaryField(max_length=32)),
        migrations.AlterField(
            model_name="sighting",
            name="kind",
            field=models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS]),
        ),
        migrations.AddConstraint(
            model_name="sighting",
            constraint=models.UniqueConstraint(fields=("item", "address_digest"), name="sighting_once"),
        ),
        migrations.AddConstraint(
            model_name="sighting",
            constraint=models.CheckConstraint(condition=models.Q(("kind__in", KINDS)), name="sighting_kind_known"),
        ),
        migrations.AddIndex(
            model_name="sighting", index=models.Index(fields=["address_digest"], name="sighting_address")
        ),
    ]
