"""The registry's walls in the database: judgements are superseded, never overwritten; sources are never taken back."""

from typing import ClassVar

from django.db import migrations

ASSESSMENT = """
CREATE FUNCTION assessment_only_superseded() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wanted assessment%ROWTYPE := OLD;
BEGIN
    wanted.superseded_at := NEW.superseded_at;
    IF OLD.superseded_at IS NOT NULL OR NEW.superseded_at IS NULL OR NEW IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'an assessment can only be superseded, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER assessment_only_superseded BEFORE UPDATE ON assessment
    FOR EACH ROW EXECUTE FUNCTION assessment_only_superseded();
CREATE TRIGGER assessment_stays BEFORE DELETE OR TRUNCATE ON assessment
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""

FINGERPRINT = """
CREATE FUNCTION pdq_bits(value bytea) RETURNS bit(256) LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ('x' || encode(value, 'hex'))::bit(256)
$$;

CREATE FUNCTION fingerprint_names_stay() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.id, NEW.item_id, NEW.algorithm, NEW.value) IS DISTINCT FROM (OLD.id, OLD.item_id, OLD.algorithm, OLD.value)
        OR NEW.quality < OLD.quality THEN
        RAISE EXCEPTION 'a fingerprint names its item for good; only its quality may rise'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER fingerprint_names_stay BEFORE UPDATE ON fingerprint
    FOR EACH ROW EXECUTE FUNCTION fingerprint_names_stay();
ALTER TABLE fingerprint ADD CONSTRAINT fingerprint_value_length CHECK (
    octet_length(value) = CASE algorithm WHEN 'md5' THEN 16 WHEN 'sha1' THEN 20 ELSE 32 END
);
CREATE TRIGGER fingerprint_source_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fingerprint_source
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("registry", "0001_initial"), ("audit", "0002_chain")]
    operations: ClassVar = [
        migrations.RunSQL(
            ASSESSMENT,
            "DROP TRIGGER assessment_only_superseded ON assessment; DROP TRIGGER assessment_stays ON assessment;"
            "DROP FUNCTION assessment_only_superseded()",
        ),
        migrations.RunSQL(
            FINGERPRINT,
            "DROP TRIGGER fingerprint_names_stay ON fingerprint; DROP FUNCTION fingerprint_names_stay();"
            "ALTER TABLE fingerprint DROP CONSTRAINT fingerprint_value_length;"
            "DROP TRIGGER fingerprint_source_append_only ON fingerprint_source; DROP FUNCTION pdq_bits(bytea)",
        ),
    ]
