"""What units said of victims, and what they are told of."""

import uuid
from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models

# The ring may wrap a record's key anew; nothing else of what was said changes.
WALL = """
CREATE FUNCTION case_act_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wanted case_act%ROWTYPE := OLD;
BEGIN
    wanted.sealed_key := NEW.sealed_key;
    IF NEW IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'what a unit said of a case is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER case_act_stays BEFORE UPDATE ON case_act FOR EACH ROW EXECUTE FUNCTION case_act_stays();
CREATE TRIGGER case_act_append_only BEFORE DELETE OR TRUNCATE ON case_act
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""
WITHOUT_WALL = """
DROP TRIGGER case_act_stays ON case_act;
DROP TRIGGER case_act_append_only ON case_act;
DROP FUNCTION case_act_stays();
"""


def _to(place: str, related_name: str) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=place)


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar = [
        ("registry", "0001_initial"),
        ("organisations", "0001_initial"),
        ("audit", "0002_chain"),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="CaseAct",
            fields=[
                ("sealed_key", models.BinaryField(editable=False, null=True)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("person", models.UUIDField(null=True)),
                ("sealed_status", models.BinaryField(null=True)),
                ("sealed_reference", models.BinaryField(null=True)),
                ("at", models.DateTimeField()),
                ("item", _to("registry.item", "case_acts")),
                ("unit", _to("organisations.organisation", "+")),
            ],
            options={"db_table": "case_act"},
        ),
        migrations.AddIndex(model_name="caseact", index=models.Index(fields=["item", "-at"], name="case_act_of_item")),
        migrations.CreateModel(
            name="CaseNotice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                ("item", _to("registry.item", "+")),
                ("unit", _to("organisations.organisation", "+")),
            ],
            options={"db_table": "case_notice"},
        ),
        migrations.AddConstraint(
            model_name="casenotice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("read_at__isnull", True)), fields=("item", "unit"), name="case_notice_one_unread"
            ),
        ),
        migrations.RunSQL(WALL, WITHOUT_WALL),
    ]
