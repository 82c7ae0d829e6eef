"""The walls of requests in the database: history is append-only and gapless, and a state never differs from it."""

from typing import ClassVar

from django.db import migrations

HISTORY = """
CREATE FUNCTION takedown_transition_follows() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    last_state text;
BEGIN
    PERFORM FROM takedown_request WHERE id = NEW.request_id FOR NO KEY UPDATE;
    SELECT to_state INTO last_state FROM takedown_transition WHERE request_id = NEW.request_id ORDER BY id DESC LIMIT 1;
    IF NEW.from_state IS DISTINCT FROM coalesce(last_state, '') THEN
        RAISE EXCEPTION 'a step begins where the last one ended' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION takedown_state_is_history() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    of_request uuid := CASE TG_TABLE_NAME WHEN 'takedown_request' THEN to_jsonb(NEW)->>'id'
        ELSE to_jsonb(NEW)->>'request_id' END;
BEGIN
    IF (SELECT state FROM takedown_request WHERE id = of_request) IS DISTINCT FROM
        (SELECT to_state FROM takedown_transition WHERE request_id = of_request ORDER BY id DESC LIMIT 1) THEN
        RAISE EXCEPTION 'the state of a request changes by a step only' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER takedown_transition_follows BEFORE INSERT ON takedown_transition
    FOR EACH ROW EXECUTE FUNCTION takedown_transition_follows();
CREATE CONSTRAINT TRIGGER takedown_state_is_history AFTER INSERT OR UPDATE OF state ON takedown_request
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION takedown_state_is_history();
CREATE CONSTRAINT TRIGGER takedown_transition_is_taken AFTER INSERT ON takedown_transition
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION takedown_state_is_history();

CREATE TRIGGER takedown_transition_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON takedown_transition
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
CREATE TRIGGER takedown_check_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON takedown_check
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
CREATE TRIGGER takedown_request_stays BEFORE DELETE OR TRUNCATE ON takedown_request
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
CREATE TRIGGER takedown_request_of_one_sighting BEFORE UPDATE OF id, sighting_id, opened_at ON takedown_request
    FOR EACH ROW WHEN (ROW (OLD.id, OLD.sighting_id, OLD.opened_at)
        IS DISTINCT FROM ROW (NEW.id, NEW.sighting_id, NEW.opened_at))
    EXECUTE FUNCTION staydown_refuse_change();
"""

WITHOUT_TRIGGERS = """
DROP TRIGGER takedown_transition_follows ON takedown_transition;
DROP TRIGGER takedown_state_is_history ON takedown_request;
DROP TRIGGER takedown_transition_is_taken ON takedown_transition;
DROP TRIGGER takedown_transition_append_only ON takedown_transition;
DROP TRIGGER takedown_check_append_only ON takedown_check;
DROP TRIGGER takedown_request_stays ON takedown_request;
DROP TRIGGER takedown_request_of_one_sighting ON takedown_request;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("takedowns", "0001_initial"), ("audit", "0002_chain")]
    operations: ClassVar = [
        migrations.RunSQL(
            HISTORY, "DROP FUNCTION takedown_transition_follows(); DROP FUNCTION takedown_state_is_history()"
        ),
        migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS),
    ]
