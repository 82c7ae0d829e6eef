"""The wall by what schemes say of codes, and by votes: whether a code qualifies is data, and so is how many must agree."""

from importlib import import_module
from typing import ClassVar

import django.contrib.postgres.fields
from django.db import migrations, models

_FORMER = import_module("staydown_hub.lists.migrations.0002_admission_wall")

RULE_IS_MET = """
CREATE OR REPLACE FUNCTION entry_rule_is_met(rule shared_list, of_item uuid, carriers bigint[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT a.organisation_id) >= rule.minimum_organisations
        AND count(DISTINCT a.organisation_id) FILTER (WHERE a.independent) >= rule.minimum_votes
        AND coalesce(bool_or(o.kind = ANY (rule.required_kinds)), false)
    FROM assessment a JOIN organisation o ON o.id = a.organisation_id
    WHERE a.item_id = of_item AND a.superseded_at IS NULL AND a.qualifies AND a.code = ANY (rule.codes)
        AND a.at > entry_redacted_at(rule.id, of_item)
        AND (carriers IS NULL OR a.id = ANY (carriers))
$$;
"""
CHECKS = _FORMER.CHECKS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
CHECKS_BY_SCHEME = (
    CHECKS.replace(
        "a.superseded_at IS NULL\n        AND a.code = ANY (rule.codes)",
        "a.superseded_at IS NULL AND a.qualifies\n        AND a.code = ANY (rule.codes)",
    )
    .replace("AND superseded_at IS NULL AND code = 'NONE')", "AND superseded_at IS NULL AND NOT qualifies)")
    .replace("a.superseded_at IS NULL AND a.code = 'NONE'", "a.superseded_at IS NULL AND NOT a.qualifies")
)
FORMER_RULE_IS_MET = (_FORMER.RULE_QUESTIONS[: _FORMER.RULE_QUESTIONS.index("-- With two of the assessments")]).replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("lists", "0003_main_list"), ("registry", "0003_schemes")]
    operations: ClassVar = [
        migrations.AddField("sharedlist", "minimum_votes", models.PositiveSmallIntegerField(default=0)),
        migrations.AlterField(
            "sharedlist",
            "codes",
            django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), size=None),
        ),
        migrations.RunSQL(RULE_IS_MET, FORMER_RULE_IS_MET),
        migrations.RunSQL(CHECKS_BY_SCHEME, CHECKS),
    ]
