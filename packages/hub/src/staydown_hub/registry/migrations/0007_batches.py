"""Reports of batches under their reporters' own references, kept for good."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

APPEND_ONLY = """
CREATE TRIGGER batch_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_row
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("registry", "0006_only_sealed"),
        ("organisations", "0001_initial"),
        ("audit", "0002_chain"),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="BatchRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reference", models.TextField()),
                ("content_digest", models.BinaryField(max_length=32)),
                ("known", models.BooleanField()),
                ("batch", models.UUIDField(null=True)),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batch_rows", to="registry.item"
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organisations.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "batch_row",
                "constraints": [
                    models.UniqueConstraint(fields=("organisation", "reference"), name="batch_row_reference_once")
                ],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, "DROP TRIGGER batch_row_append_only ON batch_row"),
    ]
