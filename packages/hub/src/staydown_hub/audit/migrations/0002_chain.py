"""The audit log's walls in the database: append-only, and sealed into a hash chain as a transaction commits.

The chain's lock is taken by a deferred trigger, so it is held only while committing: audited transactions run side by
side. What is hashed is written down in ``audit/chain.py``, which computes it again without this code.
"""

from typing import ClassVar

from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION staydown_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""

SEAL = """
CREATE FUNCTION audit_field(content text) RETURNS bytea LANGUAGE sql SET search_path = public, pg_temp AS $$
    SELECT CASE WHEN content IS NULL THEN int4send(-1)
        ELSE int4send(octet_length(convert_to(content, 'UTF8'))) || convert_to(content, 'UTF8') END
$$;

CREATE FUNCTION audit_seal_record() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    last audit_seal%ROWTYPE;
    next_position bigint;
    previous bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(7018001);
    SELECT * INTO last FROM audit_seal ORDER BY position DESC LIMIT 1;
    next_position := coalesce(last.position + 1, 0);
    previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    INSERT INTO audit_seal (position, record_id, previous_hash, hash) VALUES (
        next_position, NEW.id, previous, sha256(
            previous || int8send(next_position)
            || audit_field(NEW.id::text)
            || audit_field(to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            || audit_field(NEW.act)
            || audit_field(NEW.organisation::text)
            || audit_field(NEW.person::text)
            || audit_field(NEW.subject)
            || audit_field(NEW.detail)
            || audit_field(NEW.source)
        )
    );
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER audit_record_sealed AFTER INSERT ON audit_record
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_seal_record();
"""

APPEND_ONLY = """
CREATE TRIGGER audit_record_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_record
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
CREATE TRIGGER audit_seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audit", "0001_initial")]
    operations: ClassVar = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION staydown_refuse_change()"),
        migrations.RunSQL(
            SEAL,
            "DROP TRIGGER audit_record_sealed ON audit_record; DROP FUNCTION audit_seal_record(), audit_field(text)",
        ),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER audit_record_append_only ON audit_record; DROP TRIGGER audit_seal_append_only ON audit_seal",
        ),
    ]
