"""The list's walls in the database: append-only, gapless, and no entry that the admission rule does not carry.

A redaction erases text and salt of the entries that it names, itself and in the same statement; nothing else can.

The rule is the one of ``rules/admission.py``, said a second time: whoever writes past the services meets it here.
"""

from typing import ClassVar

from django.db import migrations

RULE_QUESTIONS = """
-- What was judged before an item was redacted from a list does not bring it back: it has to be judged anew.
CREATE FUNCTION entry_redacted_at(of_list uuid, of_item uuid) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(max(at), '-infinity') FROM entry
    WHERE shared_list_id = of_list AND item_id = of_item AND operation = 'redact'
$$;

-- Positive judgements that hold now: how many organisations, and is one of a required kind among them?
CREATE FUNCTION entry_rule_is_met(rule shared_list, of_item uuid, carriers bigint[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT a.organisation_id) >= rule.minimum_organisations
        AND coalesce(bool_or(o.kind = ANY (rule.required_kinds)), false)
    FROM assessment a JOIN organisation o ON o.id = a.organisation_id
    WHERE a.item_id = of_item AND a.superseded_at IS NULL AND a.code = ANY (rule.codes)
        AND a.at > entry_redacted_at(rule.id, of_item)
        AND (carriers IS NULL OR a.id = ANY (carriers))
$$;

-- With two of the assessments that carry the entry, one of a required kind, different organisations supplied the exact
-- value; or, for a PDQ, it or one within 31 bits.
CREATE FUNCTION entry_fingerprint_is_vouched(of_item uuid, wire jsonb, required_kinds varchar[], carriers bigint[])
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH supply AS (
        SELECT f.algorithm, f.value, s.quality, s.organisation_id, o.kind = ANY (required_kinds) AS is_required
        FROM fingerprint f JOIN fingerprint_source s ON s.fingerprint_id = f.id
        JOIN assessment a ON a.id = s.assessment_id AND a.organisation_id = s.organisation_id
        JOIN organisation o ON o.id = s.organisation_id
        WHERE f.item_id = of_item AND a.item_id = of_item AND a.id = ANY (carriers)
            AND f.algorithm = wire->>'algorithm'
    )
    SELECT CASE WHEN wire->>'algorithm' = 'pdq' THEN (wire->>'quality')::int BETWEEN 50 AND 100 AND EXISTS (
            SELECT FROM supply mine JOIN supply theirs ON theirs.organisation_id <> mine.organisation_id
            WHERE mine.value = decode(wire->>'value', 'hex') AND mine.quality >= 50 AND theirs.quality >= 50
                AND (mine.is_required OR theirs.is_required)
                AND bit_count(pdq_bits(mine.value) # pdq_bits(theirs.value)) <= 31
        )
        ELSE (
            SELECT count(DISTINCT organisation_id) >= 2 AND coalesce(bool_or(is_required), false)
            FROM supply WHERE value = decode(wire->>'value', 'hex')
        )
    END
$$;

-- A fingerprint as filters read it: known fields, lower-case hex of the right length, a whole number as quality.
CREATE FUNCTION entry_fingerprint_is_readable(wire jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT jsonb_typeof(wire) = 'object' AND wire - ARRAY['algorithm', 'value', 'quality'] = '{}'::jsonb
        AND jsonb_typeof(wire->'value') = 'string' AND wire->>'value' ~ '^[0-9a-f]+$'
        AND length(wire->>'value')
            = CASE wire->>'algorithm' WHEN 'md5' THEN 32 WHEN 'sha1' THEN 40 WHEN 'sha256' THEN 64 WHEN 'pdq' THEN 64 END
        AND CASE WHEN wire->>'algorithm' = 'pdq'
            THEN jsonb_typeof(wire->'quality') = 'number' AND wire->>'quality' ~ '^[0-9]{1,3}$'
            ELSE NOT wire ? 'quality' END
$$;

-- The one text that says this: the same that lists/body.py writes. A body is checked before it is asked for it.
CREATE FUNCTION entry_text(body jsonb) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT '{' || string_agg(to_json(key)::text || ':' || CASE
        WHEN key = 'fingerprints' THEN '[' || (
            SELECT string_agg('{"algorithm":' || (one->'algorithm')::text
                || coalesce(',"quality":' || (one->'quality')::text, '') || ',"value":' || (one->'value')::text || '}',
                ',' ORDER BY one->>'algorithm' COLLATE "C", one->>'value' COLLATE "C")
            FROM (SELECT DISTINCT jsonb_array_elements(value) AS one) AS fingerprints) || ']'
        WHEN jsonb_typeof(value) = 'array' THEN '[' || (
            SELECT string_agg(one::text, ',' ORDER BY place)
            FROM jsonb_array_elements(value) WITH ORDINALITY AS elements(one, place)) || ']'
        ELSE value::text END, ',' ORDER BY key COLLATE "C") || '}'
    FROM jsonb_each(body)
$$;
"""

CHECKS = """
CREATE FUNCTION entry_refuse(why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this entry is refused: %', why USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION entry_check_admission(fresh entry, rule shared_list, body jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    carried record;
    wire jsonb;
BEGIN
    IF body - ARRAY['operation', 'item', 'at', 'kind', 'fingerprints', 'categories', 'advice', 'admitted_by']
        <> '{}'::jsonb THEN PERFORM entry_refuse('its body holds a field that entries do not have'); END IF;
    SELECT count(*) AS assessments, to_jsonb(array_agg(DISTINCT a.code COLLATE "C")) AS categories,
        to_jsonb(array_agg(DISTINCT o.kind COLLATE "C")) AS kinds INTO carried
    FROM assessment a JOIN organisation o ON o.id = a.organisation_id
    WHERE a.id = ANY (fresh.carried_by) AND a.item_id = fresh.item_id AND a.superseded_at IS NULL
        AND a.code = ANY (rule.codes) AND a.at > entry_redacted_at(rule.id, fresh.item_id);
    IF carried.assessments IS DISTINCT FROM cardinality(fresh.carried_by)
        OR NOT entry_rule_is_met(rule, fresh.item_id, fresh.carried_by)
        THEN PERFORM entry_refuse('its assessments do not meet the rule of the list'); END IF;
    IF EXISTS (SELECT FROM assessment WHERE item_id = fresh.item_id AND superseded_at IS NULL AND code = 'NONE')
        THEN PERFORM entry_refuse('an organisation holds that the item does not qualify'); END IF;
    IF body->'categories' IS DISTINCT FROM carried.categories OR body->'admitted_by' IS DISTINCT FROM carried.kinds
        OR NOT EXISTS (SELECT FROM item WHERE id = fresh.item_id AND kind = body->>'kind')
        OR coalesce(body->>'advice', '') <> 'block'
        THEN PERFORM entry_refuse('its body says other than its assessments'); END IF;
    IF jsonb_typeof(body->'fingerprints') IS DISTINCT FROM 'array' OR jsonb_array_length(body->'fingerprints') = 0
        THEN PERFORM entry_refuse('it names no fingerprint'); END IF;
    IF jsonb_array_length(body->'fingerprints') > 512
        THEN PERFORM entry_refuse('it names more fingerprints than filters take'); END IF;
    IF (SELECT count(DISTINCT (one->>'algorithm', one->>'value')) <> count(*)
        FROM jsonb_array_elements(body->'fingerprints') AS fingerprints(one))
        THEN PERFORM entry_refuse('it names a fingerprint twice'); END IF;
    FOR wire IN SELECT jsonb_array_elements(body->'fingerprints') LOOP
        IF entry_fingerprint_is_readable(wire) IS NOT TRUE
            THEN PERFORM entry_refuse('a fingerprint in it is not written as filters read it'); END IF;
        IF entry_fingerprint_is_vouched(fresh.item_id, wire, rule.required_kinds, fresh.carried_by) IS NOT TRUE
            THEN PERFORM entry_refuse('a fingerprint in it was not supplied by two organisations, one of a required kind'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION entry_check_withdrawal(fresh entry, rule shared_list, body jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    admitted_at_position bigint;
BEGIN
    IF body - ARRAY['operation', 'item', 'at'] <> '{}'::jsonb
        THEN PERFORM entry_refuse('its body holds a field that withdrawals do not have'); END IF;
    SELECT max(position) INTO admitted_at_position FROM entry
    WHERE shared_list_id = fresh.shared_list_id AND item_id = fresh.item_id AND operation = 'admit';
    IF entry_rule_is_met(rule, fresh.item_id, NULL) AND NOT EXISTS (
        SELECT FROM entry e JOIN assessment carrying ON carrying.id = ANY (e.carried_by)
        JOIN assessment a ON a.item_id = e.item_id AND a.organisation_id = carrying.organisation_id
        WHERE e.shared_list_id = fresh.shared_list_id AND e.item_id = fresh.item_id
            AND e.position >= admitted_at_position AND a.superseded_at IS NULL AND a.code = 'NONE'
    ) THEN PERFORM entry_refuse('the rule is still met and none of those who carried it took part'); END IF;
END $$;

-- A redaction names every text about the item that is still there, and says nothing else.
CREATE FUNCTION entry_check_redaction(fresh entry, body jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    present jsonb;
BEGIN
    IF body - ARRAY['operation', 'item', 'positions', 'at'] <> '{}'::jsonb
        THEN PERFORM entry_refuse('its body holds a field that redactions do not have'); END IF;
    SELECT to_jsonb(array_agg(e.position ORDER BY e.position)) INTO present FROM entry e
    WHERE e.shared_list_id = fresh.shared_list_id AND e.item_id = fresh.item_id
        AND e.operation IN ('admit', 'amend') AND e.body IS NOT NULL;
    IF present IS NULL OR body->'positions' IS DISTINCT FROM present
        THEN PERFORM entry_refuse('it names other positions than those about the item that have a text'); END IF;
    IF fresh.carried_by <> '{}' THEN PERFORM entry_refuse('no assessment carries a redaction'); END IF;
END $$;

CREATE FUNCTION entry_check() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    rule shared_list%ROWTYPE;
    next_position bigint;
    last_operation text;
    body jsonb := NEW.body::jsonb;
BEGIN
    PERFORM FROM item WHERE id = NEW.item_id FOR NO KEY UPDATE;
    SELECT * INTO rule FROM shared_list WHERE id = NEW.shared_list_id FOR NO KEY UPDATE;
    SELECT coalesce(max(position) + 1, 0) INTO next_position FROM entry WHERE shared_list_id = NEW.shared_list_id;
    IF NEW.position IS DISTINCT FROM next_position
        THEN PERFORM entry_refuse(format('the next position of its list is %s', next_position)); END IF;
    IF body->>'operation' IS DISTINCT FROM NEW.operation OR body->>'item' IS DISTINCT FROM NEW.item_id::text
        OR body->>'at' IS DISTINCT FROM to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        THEN PERFORM entry_refuse('its body says other than its columns'); END IF;
    SELECT operation INTO last_operation FROM entry
    WHERE shared_list_id = NEW.shared_list_id AND item_id = NEW.item_id ORDER BY position DESC LIMIT 1;
    IF NEW.operation <> 'redact'
        AND (NEW.operation = 'admit') = (coalesce(last_operation, 'withdraw') NOT IN ('withdraw', 'redact'))
        THEN PERFORM entry_refuse('an item is admitted when it is not on the list, else amended or withdrawn'); END IF;
    IF NEW.operation = 'withdraw' THEN PERFORM entry_check_withdrawal(NEW, rule, body);
    ELSIF NEW.operation = 'redact' THEN PERFORM entry_check_redaction(NEW, body);
    ELSE PERFORM entry_check_admission(NEW, rule, body); END IF;
    IF NEW.body IS DISTINCT FROM entry_text(body)
        THEN PERFORM entry_refuse('its body is not written as filters read it'); END IF;
    IF octet_length(NEW.salt) IS DISTINCT FROM 32
        OR NEW.leaf_hash IS DISTINCT FROM sha256('\\x00'::bytea || NEW.salt || convert_to(NEW.body, 'UTF8'))
        THEN PERFORM entry_refuse('its leaf hash is not that of its salt and body'); END IF;
    RETURN NEW;
END $$;
"""

TRIGGERS = """
CREATE FUNCTION entry_notify() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('staydown_entries', slug || ':' || NEW.position) FROM shared_list WHERE id = NEW.shared_list_id;
    RETURN NULL;
END $$;

CREATE FUNCTION entry_erase() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE entry SET body = NULL, salt = NULL
    WHERE shared_list_id = NEW.shared_list_id AND item_id = NEW.item_id AND operation IN ('admit', 'amend')
        AND body IS NOT NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION entry_check_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    erased entry := OLD;
BEGIN
    erased.body := NULL;
    erased.salt := NULL;
    IF OLD.body IS NOT NULL AND NEW IS NOT DISTINCT FROM erased AND EXISTS (
        SELECT FROM entry WHERE shared_list_id = OLD.shared_list_id AND item_id = OLD.item_id
            AND operation = 'redact' AND position > OLD.position AND body::jsonb->'positions' @> to_jsonb(OLD.position)
    ) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'entry is append-only: UPDATE is refused' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER entry_check BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_check();
CREATE TRIGGER entry_erase AFTER INSERT ON entry FOR EACH ROW WHEN (NEW.operation = 'redact')
    EXECUTE FUNCTION entry_erase();
CREATE TRIGGER entry_notify AFTER INSERT ON entry FOR EACH ROW EXECUTE FUNCTION entry_notify();
CREATE TRIGGER entry_check_change BEFORE UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION entry_check_change();
CREATE TRIGGER entry_append_only BEFORE DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("lists", "0001_initial"),
        ("registry", "0002_history_stays"),
        ("audit", "0002_chain"),
    ]
    operations: ClassVar = [
        migrations.RunSQL(
            RULE_QUESTIONS,
            "DROP FUNCTION entry_fingerprint_is_vouched(uuid, jsonb, varchar[], bigint[]),"
            "entry_fingerprint_is_readable(jsonb), entry_text(jsonb), entry_rule_is_met(shared_list, uuid, bigint[]),"
            "entry_redacted_at(uuid, uuid)",
        ),
        migrations.RunSQL(
            CHECKS,
            "DROP FUNCTION entry_check(), entry_check_withdrawal(entry, shared_list, jsonb),"
            "entry_check_redaction(entry, jsonb), entry_check_admission(entry, shared_list, jsonb), entry_refuse(text)",
        ),
        migrations.RunSQL(
            TRIGGERS,
            "DROP TRIGGER entry_check ON entry; DROP TRIGGER entry_notify ON entry;"
            "DROP TRIGGER entry_append_only ON entry; DROP TRIGGER entry_check_change ON entry;"
            "DROP TRIGGER entry_erase ON entry; DROP FUNCTION entry_notify(), entry_erase(), entry_check_change()",
        ),
    ]
