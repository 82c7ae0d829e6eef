"""The second wall around acts that take two people: no approval by who proposed, however it is written.

What it asks is the part of ``rules/four_eyes.py`` that must never fail, said a second time.
"""

from typing import ClassVar

from django.db import migrations

WALL = """
-- Who could have been behind the proposal, as the database knows it: what the writer says of that does not count.
CREATE FUNCTION proposal_fill() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    key api_key;
BEGIN
    IF NEW.state <> 'open' OR NEW.decided_at IS NOT NULL OR NEW.decided_by_id IS NOT NULL
            OR NEW.decided_by_key_id IS NOT NULL OR NEW.decided_organisation_id IS NOT NULL THEN
        RAISE EXCEPTION 'a proposal begins open';
    END IF;
    NEW.barred := array_remove(ARRAY[NEW.proposed_by_id], NULL);
    NEW.is_holder_known := true;
    IF NEW.proposed_by_key_id IS NOT NULL THEN
        SELECT * INTO STRICT key FROM api_key WHERE id = NEW.proposed_by_key_id;
        IF key.organisation_id IS DISTINCT FROM NEW.organisation_id THEN
            RAISE EXCEPTION 'a key proposes for its own organisation';
        END IF;
        NEW.barred := array_remove(NEW.barred || ARRAY[key.person_id, key.made_by_id], NULL);
        NEW.is_holder_known := key.person_id IS NOT NULL;
    ELSIF NEW.proposed_by_id IS NOT NULL THEN
        PERFORM FROM person WHERE id = NEW.proposed_by_id AND organisation_id = NEW.organisation_id AND is_active;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a person proposes for their own organisation';
        END IF;
    ELSIF NEW.organisation_id IS NOT NULL THEN
        RAISE EXCEPTION 'nobody proposes for an organisation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION proposal_approver_is_another(was proposal, now_is proposal) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    approver person;
    key api_key;
    is_another_organisation boolean := now_is.decided_organisation_id IS DISTINCT FROM was.organisation_id;
BEGIN
    IF clock_timestamp() >= was.expires_at THEN
        RETURN false;
    END IF;
    IF NOT is_another_organisation
            AND (NOT was.is_holder_known OR was.act IN ('redact entry', 'add organisation', 'change rule')) THEN
        RETURN false;
    END IF;
    IF now_is.decided_by_id = ANY (was.barred) THEN
        RETURN false;
    END IF;
    IF now_is.decided_by_id IS NOT NULL THEN
        SELECT * INTO approver FROM person
            WHERE id = now_is.decided_by_id AND organisation_id = now_is.decided_organisation_id AND is_active;
        IF NOT FOUND OR approver.invited_by_id = ANY (was.barred) OR approver.role_given_by_id = ANY (was.barred) THEN
            RETURN false;
        END IF;
    END IF;
    IF now_is.decided_by_key_id IS NULL THEN
        RETURN now_is.decided_by_id IS NOT NULL AND (
            approver.role = 'supervisor'
            OR (was.act = 'export' AND approver.role = 'auditor')
            OR (was.act = 'add organisation' AND approver.role = 'administrator')
        );
    END IF;
    SELECT * INTO key FROM api_key WHERE id = now_is.decided_by_key_id
        AND organisation_id = now_is.decided_organisation_id AND revoked_at IS NULL
        AND person_id IS NOT DISTINCT FROM now_is.decided_by_id;
    RETURN FOUND AND was.act = 'withdraw entry' AND 'withdraw' = ANY (key.scopes)
        AND was.organisation_id IS NOT NULL AND is_another_organisation
        AND (key.made_by_id IS NULL OR NOT key.made_by_id = ANY (was.barred));
END $$;

CREATE FUNCTION proposal_wall() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    decided text[] := ARRAY[
        'state', 'decided_organisation_id', 'decided_by_id', 'decided_by_key_id', 'decided_at', 'reason', 'result'
    ];
BEGIN
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'what was decided stays decided';
    END IF;
    IF to_jsonb(OLD) - decided <> to_jsonb(NEW) - decided OR NEW.state = 'open' THEN
        RAISE EXCEPTION 'what was proposed stays as it is';
    END IF;
    IF NEW.state = 'approved' AND NOT coalesce(proposal_approver_is_another(OLD, NEW), false) THEN
        RAISE EXCEPTION 'an approval takes somebody else';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER proposal_fill BEFORE INSERT ON proposal FOR EACH ROW EXECUTE FUNCTION proposal_fill();
CREATE TRIGGER proposal_wall BEFORE UPDATE ON proposal FOR EACH ROW EXECUTE FUNCTION proposal_wall();
CREATE TRIGGER proposal_stays BEFORE DELETE OR TRUNCATE ON proposal
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""
NO_WALL = """
DROP TRIGGER proposal_stays ON proposal;
DROP TRIGGER proposal_wall ON proposal;
DROP TRIGGER proposal_fill ON proposal;
DROP FUNCTION proposal_wall();
DROP FUNCTION proposal_approver_is_another(proposal, proposal);
DROP FUNCTION proposal_fill();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("organisations", "0002_roles_and_proposals"), ("audit", "0002_chain")]
    operations: ClassVar = [migrations.RunSQL(WALL, NO_WALL)]
