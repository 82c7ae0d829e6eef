"""Schemes as data: assessments refer to the codes that the hub has read, and say whether they were given independently."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Every earlier hub had this one scheme.
BASELINE = """
INSERT INTO scheme_code (scheme, code, qualifies) VALUES
    ('baseline-1', 'A1', true), ('baseline-1', 'A2', true), ('baseline-1', 'B1', true), ('baseline-1', 'B2', true),
    ('baseline-1', 'NCII', true), ('baseline-1', 'TEST', true), ('baseline-1', 'NONE', false)
"""

# Until now everybody saw everybody's: only the first judgement of an item was certainly made without another in sight.
EARLIER = """
ALTER TABLE assessment DISABLE TRIGGER assessment_only_superseded;
UPDATE assessment a SET qualifies = (code <> 'NONE'), independent = NOT EXISTS (
    SELECT FROM assessment other
    WHERE other.item_id = a.item_id AND other.organisation_id <> a.organisation_id AND other.id < a.id
);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE assessment ENABLE TRIGGER assessment_only_superseded;
"""

WALL = """
ALTER TABLE assessment ADD CONSTRAINT assessment_code_of_scheme
    FOREIGN KEY (scheme, code, qualifies) REFERENCES scheme_code (scheme, code, qualifies);
CREATE TRIGGER scheme_code_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON scheme_code
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();

-- A code that qualifies in one scheme and not in another would mean two things in lists and entries.
CREATE FUNCTION scheme_code_means_one_thing() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM scheme_code WHERE code = NEW.code AND qualifies <> NEW.qualifies) THEN
        RAISE EXCEPTION 'the code % does not qualify alike in all schemes', NEW.code USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scheme_code_means_one_thing BEFORE INSERT ON scheme_code
    FOR EACH ROW EXECUTE FUNCTION scheme_code_means_one_thing();

-- Whoever has judged sees the others': a later judgement is independent only as far as it repeats an independent one.
CREATE FUNCTION assessment_is_independent() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    former assessment%ROWTYPE;
BEGIN
    SELECT * INTO former FROM assessment
    WHERE item_id = NEW.item_id AND organisation_id = NEW.organisation_id ORDER BY id DESC LIMIT 1;
    IF FOUND AND EXISTS (
        SELECT FROM assessment WHERE item_id = NEW.item_id AND organisation_id <> NEW.organisation_id
    ) AND NOT (former.independent AND former.qualifies = NEW.qualifies) THEN
        RAISE EXCEPTION 'an assessment made in sight of the others is not independent'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER assessment_is_independent BEFORE INSERT ON assessment FOR EACH ROW WHEN (NEW.independent)
    EXECUTE FUNCTION assessment_is_independent();
"""

WITHOUT_WALL = """
DROP TRIGGER assessment_is_independent ON assessment; DROP FUNCTION assessment_is_independent();
DROP TRIGGER scheme_code_means_one_thing ON scheme_code; DROP FUNCTION scheme_code_means_one_thing();
DROP TRIGGER scheme_code_append_only ON scheme_code;
ALTER TABLE assessment DROP CONSTRAINT assessment_code_of_scheme;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("registry", "0002_history_stays"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="SchemeCode",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scheme", models.CharField(max_length=40)),
                ("code", models.CharField(max_length=32)),
                ("qualifies", models.BooleanField()),
            ],
            options={
                "db_table": "scheme_code",
                "constraints": [
                    models.UniqueConstraint(fields=("scheme", "code"), name="scheme_code_once"),
                    models.UniqueConstraint(fields=("scheme", "code", "qualifies"), name="scheme_code_referred_to"),
                ],
            },
        ),
        migrations.RunSQL(BASELINE, "SELECT 1"),
        migrations.RemoveConstraint(model_name="assessment", name="assessment_code_known"),
        migrations.AlterField(model_name="assessment", name="code", field=models.CharField(max_length=32)),
        migrations.AddField(model_name="assessment", name="qualifies", field=models.BooleanField(default=True)),
        migrations.AddField(model_name="assessment", name="independent", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="assessment",
            name="person",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(EARLIER, "SELECT 1"),
        migrations.RunSQL(WALL, WITHOUT_WALL),
    ]
