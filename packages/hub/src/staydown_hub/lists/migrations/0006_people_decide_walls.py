"""The wall where people decide: panels, rulings, the benign gate, and the one list that people's own reports hold on.

The rules are those of ``rules/panel.py``, ``rules/disputes.py``, ``rules/gate.py`` and ``rules/self_reports.py``, said a
second time.
"""

from importlib import import_module
from typing import ClassVar

from django.db import migrations

_FIRST = import_module("staydown_hub.lists.migrations.0002_admission_wall")
_FORMER = import_module("staydown_hub.lists.migrations.0004_schemes_and_votes")

QUESTIONS = """
-- When people last ruled that the item does not qualify; of a dispute only its last round counts.
CREATE FUNCTION item_ruled_out_at(of_item uuid) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(max(r.at), '-infinity') FROM ruling r
    WHERE r.item_id = of_item AND NOT r.qualifies
        AND NOT EXISTS (SELECT FROM ruling later WHERE later.dispute_id = r.dispute_id AND later.round > r.round)
$$;

-- What was judged before an item was redacted from a list, or ruled out, does not bring it back.
CREATE FUNCTION entry_judged_since(of_list uuid, of_item uuid) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT greatest(entry_redacted_at(of_list, of_item), item_ruled_out_at(of_item))
$$;

-- A judgement that it does not qualify, which no panel has overruled: an organisation is heard once.
CREATE FUNCTION item_is_disputed(of_item uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM assessment a WHERE a.item_id = of_item AND a.superseded_at IS NULL AND NOT a.qualifies
            AND NOT EXISTS (
                SELECT FROM ruling r JOIN assessment said ON said.item_id = r.item_id AND said.at <= r.at
                WHERE r.item_id = of_item AND r.panel_id IS NOT NULL AND r.qualifies
                    AND said.organisation_id = a.organisation_id AND NOT said.qualifies
            )
    )
$$;

CREATE FUNCTION item_is_listed(of_item uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM (
            SELECT DISTINCT ON (e.shared_list_id) e.operation FROM entry e
            JOIN shared_list s ON s.id = e.shared_list_id AND s.basis = 'assessments'
            WHERE e.item_id = of_item ORDER BY e.shared_list_id, e.position DESC
        ) AS latest WHERE operation IN ('admit', 'amend')
    )
$$;

-- Does this report of a person, relayed by a support centre, hold the item now?
CREATE FUNCTION self_report_holds(report self_report) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT report.ended_at IS NULL AND report.expires_at > now() AND report.at > item_ruled_out_at(report.item_id)
$$;

CREATE FUNCTION item_is_held(of_item uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM self_report r WHERE r.item_id = of_item AND self_report_holds(r))
        AND NOT EXISTS (
            SELECT FROM assessment WHERE item_id = of_item AND superseded_at IS NULL AND NOT qualifies
        ) AND NOT item_is_listed(of_item)
$$;

CREATE FUNCTION gate_hits(of_kind varchar, fingerprints jsonb) RETURNS SETOF bigint
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH wire AS (
        SELECT DISTINCT one->>'algorithm' AS algorithm, decode(one->>'value', 'hex') AS value
        FROM jsonb_array_elements(fingerprints) AS given(one)
    ), near AS (
        SELECT s.id, w.value FROM wire w JOIN safe_fingerprint s ON s.algorithm = 'pdq' AND s.quality >= 50
            AND s.retired_at IS NULL AND bit_count(pdq_bits(s.value) # pdq_bits(w.value)) <= 31
        WHERE w.algorithm = 'pdq'
    )
    SELECT s.id FROM wire w JOIN safe_fingerprint s ON s.algorithm = w.algorithm AND s.value = w.value
        AND s.retired_at IS NULL WHERE w.algorithm <> 'pdq'
    UNION SELECT id FROM near WHERE of_kind = 'picture' OR 2 * (SELECT count(DISTINCT value) FROM near)
        >= (SELECT count(*) FROM wire WHERE algorithm = 'pdq')
$$;

CREATE FUNCTION gate_is_overruled(of_stop uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT count(DISTINCT organisation_id) >= 2 AND count(DISTINCT person_id) >= 2
    FROM gate_overrule WHERE stop_id = of_stop
$$;
"""
WITHOUT_QUESTIONS = (
    "DROP FUNCTION gate_is_overruled(uuid), gate_hits(varchar, jsonb), item_is_held(uuid),"
    "self_report_holds(self_report), item_is_listed(uuid), item_is_disputed(uuid),"
    "entry_judged_since(uuid, uuid), item_ruled_out_at(uuid)"
)

RULE_IS_MET = _FORMER.RULE_IS_MET.replace("entry_redacted_at(", "entry_judged_since(")

CHECKS = (
    _FORMER.CHECKS_BY_SCHEME.replace("entry_redacted_at(", "entry_judged_since(")
    .replace(
        "EXISTS (SELECT FROM assessment WHERE item_id = fresh.item_id AND superseded_at IS NULL AND NOT qualifies)",
        "item_is_disputed(fresh.item_id)",
    )
    .replace("<> 'block'", "<> rule.advice")
    .replace(
        "    IF entry_rule_is_met(rule, fresh.item_id, NULL) AND NOT EXISTS (",
        """    IF rule.basis = 'self_reports' THEN
        IF item_is_held(fresh.item_id) THEN PERFORM entry_refuse('a report still holds it'); END IF;
        RETURN;
    END IF;
    IF entry_rule_is_met(rule, fresh.item_id, NULL) AND NOT EXISTS (""",
    )
    .replace(
        "    ELSE PERFORM entry_check_admission(NEW, rule, body); END IF;",
        """    ELSE
        IF rule.basis = 'self_reports' THEN PERFORM entry_check_self_report(NEW, rule, body);
        ELSE PERFORM entry_check_admission(NEW, rule, body); END IF;
        PERFORM entry_check_gate(NEW, body);
    END IF;""",
    )
)

MORE_CHECKS = """
-- The one exception to two organisations. Nobody has judged the item, so the entry can only ask filters to hold; only what
-- came with a report that a support centre relayed and that still holds is on it; and it ends by itself.
CREATE FUNCTION entry_check_self_report(fresh entry, rule shared_list, body jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wire jsonb;
BEGIN
    IF body - ARRAY['operation', 'item', 'at', 'kind', 'fingerprints', 'categories', 'advice', 'admitted_by']
        <> '{}'::jsonb THEN PERFORM entry_refuse('its body holds a field that entries do not have'); END IF;
    IF fresh.carried_by <> '{}' THEN PERFORM entry_refuse('no assessment carries what a person reported'); END IF;
    IF NOT item_is_held(fresh.item_id) THEN PERFORM entry_refuse('no report holds it'); END IF;
    IF body->'categories' IS DISTINCT FROM '["SELF"]'::jsonb
        OR body->'admitted_by' IS DISTINCT FROM '["support_centre"]'::jsonb
        OR coalesce(body->>'advice', '') <> 'hold' OR rule.advice <> 'hold'
        OR NOT EXISTS (SELECT FROM item WHERE id = fresh.item_id AND kind = body->>'kind')
        THEN PERFORM entry_refuse('its body says other than a report can'); END IF;
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
        IF (wire->>'algorithm' = 'pdq' AND (wire->>'quality')::int NOT BETWEEN 50 AND 100) OR NOT EXISTS (
            SELECT FROM self_report r JOIN self_report_fingerprint s ON s.self_report_id = r.id
            JOIN fingerprint f ON f.id = s.fingerprint_id
            WHERE r.item_id = fresh.item_id AND self_report_holds(r) AND f.item_id = r.item_id
                AND f.algorithm = wire->>'algorithm' AND f.value = decode(wire->>'value', 'hex')
                AND s.quality IS NOT DISTINCT FROM (wire->>'quality')::int
        ) THEN PERFORM entry_refuse('a fingerprint in it did not come with the report'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION entry_check_gate(fresh entry, body jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM gate_hits((body->>'kind')::varchar, body->'fingerprints') AS found(hit) WHERE NOT EXISTS (
            SELECT FROM gate_stop g WHERE g.item_id = fresh.item_id AND found.hit = ANY (g.hits)
                AND gate_is_overruled(g.id)
        )
    ) THEN PERFORM entry_refuse('the benign gate stopped it, and two people did not overrule that'); END IF;
    IF (SELECT max(quality) < 50 FROM fingerprint WHERE item_id = fresh.item_id AND algorithm = 'pdq')
        AND NOT EXISTS (
            SELECT FROM gate_stop g WHERE g.item_id = fresh.item_id AND g.low_quality AND gate_is_overruled(g.id)
        ) THEN PERFORM entry_refuse('its quality is low, and two people did not overrule that'); END IF;
END $$;
"""
WITHOUT_MORE_CHECKS = "DROP FUNCTION entry_check_gate(entry, jsonb), entry_check_self_report(entry, shared_list, jsonb)"

WALLS = """
CREATE FUNCTION people_refuse(why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this decision is refused: %', why USING ERRCODE = 'check_violation';
END $$;

-- Somebody of this organisation, whose kind judges items.
CREATE FUNCTION person_may_judge(who uuid, of_organisation uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM person p JOIN organisation o ON o.id = p.organisation_id
        WHERE p.id = who AND o.id = of_organisation
            AND o.kind IN ('police', 'support_centre', 'regulator', 'monitor')
    )
$$;

CREATE FUNCTION panel_is_needed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT item_is_disputed(NEW.item_id) OR NOT EXISTS (
        SELECT FROM assessment WHERE item_id = NEW.item_id AND superseded_at IS NULL AND qualifies
    ) OR EXISTS (
        SELECT FROM panel p WHERE p.item_id = NEW.item_id AND NOT EXISTS (SELECT FROM ruling WHERE panel_id = p.id)
    ) THEN PERFORM people_refuse('a panel is for assessments that disagree, one at a time'); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION panel_vote_is_unbiased() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM panel WHERE id = NEW.panel_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM ruling WHERE panel_id = NEW.panel_id)
        THEN PERFORM people_refuse('this panel has decided'); END IF;
    IF NOT person_may_judge(NEW.person_id, NEW.organisation_id)
        THEN PERFORM people_refuse('a panel is of people whose organisations judge items'); END IF;
    IF EXISTS (
        SELECT FROM assessment a JOIN panel p ON p.item_id = a.item_id
        WHERE p.id = NEW.panel_id AND a.organisation_id = NEW.organisation_id
    ) THEN PERFORM people_refuse('this organisation has judged the item'); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION ruling_is_due() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    told dispute%ROWTYPE;
BEGIN
    PERFORM FROM item WHERE id = NEW.item_id FOR NO KEY UPDATE;
    IF NEW.panel_id IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM panel WHERE id = NEW.panel_id AND item_id = NEW.item_id) OR 2 > (
            SELECT count(*) FROM panel_vote WHERE panel_id = NEW.panel_id AND qualifies = NEW.qualifies
        ) THEN PERFORM people_refuse('no majority of the panel says so'); END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO told FROM dispute WHERE id = NEW.dispute_id;
    IF told.item_id IS DISTINCT FROM NEW.item_id THEN PERFORM people_refuse('it is of another item'); END IF;
    IF NOT person_may_judge(NEW.person_id, NEW.organisation_id)
        THEN PERFORM people_refuse('a reviewer is a person whose organisation judges items'); END IF;
    IF told.organisation_id = NEW.organisation_id OR EXISTS (
        SELECT FROM entry e JOIN assessment a ON a.id = ANY (e.carried_by)
        WHERE e.item_id = NEW.item_id AND a.organisation_id = NEW.organisation_id
    ) OR EXISTS (
        SELECT FROM self_report WHERE item_id = NEW.item_id AND organisation_id = NEW.organisation_id
    ) THEN PERFORM people_refuse('who disputed or carried the entry does not review it'); END IF;
    IF NEW.round <> 1 + (SELECT count(*) FROM ruling WHERE dispute_id = NEW.dispute_id)
        OR (NEW.round = 2 AND NOT EXISTS (SELECT FROM appeal WHERE dispute_id = NEW.dispute_id))
        THEN PERFORM people_refuse('the second round is for an appeal'); END IF;
    IF EXISTS (
        SELECT FROM ruling WHERE dispute_id = NEW.dispute_id AND organisation_id = NEW.organisation_id
    ) THEN PERFORM people_refuse('an appeal is for another reviewer'); END IF;
    RETURN NEW;
END $$;

-- Whom the first ruling went against: the one that disputed an entry that stands, or one that carried it.
CREATE FUNCTION appeal_is_due() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    told dispute%ROWTYPE;
    stands boolean;
BEGIN
    SELECT * INTO told FROM dispute WHERE id = NEW.dispute_id;
    SELECT qualifies INTO stands FROM ruling WHERE dispute_id = NEW.dispute_id AND round = 1;
    IF stands IS NULL THEN PERFORM people_refuse('there is no ruling yet'); END IF;
    IF stands AND told.organisation_id IS DISTINCT FROM NEW.organisation_id
        OR NOT stands AND NOT EXISTS (
            SELECT FROM entry e JOIN assessment a ON a.id = ANY (e.carried_by)
            WHERE e.item_id = told.item_id AND a.organisation_id = NEW.organisation_id
            UNION ALL SELECT FROM self_report WHERE item_id = told.item_id AND organisation_id = NEW.organisation_id
        ) THEN PERFORM people_refuse('whom the ruling went against appeals'); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION gate_overrule_is_due() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT person_may_judge(NEW.person_id, NEW.organisation_id)
        THEN PERFORM people_refuse('who overrules the gate is a person whose organisation judges items'); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION safe_fingerprint_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wanted safe_fingerprint%ROWTYPE := OLD;
BEGIN
    wanted.retired_at := NEW.retired_at;
    IF OLD.retired_at IS NOT NULL OR NEW.retired_at IS NULL OR NEW IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'a row of the safe corpus can only be retired, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION self_report_is_relayed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM organisation WHERE id = NEW.organisation_id AND kind = 'support_centre')
        THEN PERFORM people_refuse('only a support centre relays what a person reports'); END IF;
    IF NEW.ended_at IS NOT NULL OR NEW.at > clock_timestamp() + interval '5 minutes' OR NEW.expires_at > NEW.at + interval '30 days'
        THEN PERFORM people_refuse('a report holds for 30 days at most'); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION self_report_only_ends() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wanted self_report%ROWTYPE := OLD;
BEGIN
    wanted.ended_at := NEW.ended_at;
    IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR NEW IS DISTINCT FROM wanted THEN
        RAISE EXCEPTION 'a self-report can only be ended, once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

-- What a list stands on, and what it asks of filters, is for good: an ordinary list never becomes the exception.
CREATE FUNCTION shared_list_basis_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (NEW.basis, NEW.advice) IS DISTINCT FROM (OLD.basis, OLD.advice) THEN
        RAISE EXCEPTION 'the basis and the advice of a list stay' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER panel_is_needed BEFORE INSERT ON panel FOR EACH ROW EXECUTE FUNCTION panel_is_needed();
CREATE TRIGGER panel_vote_is_unbiased BEFORE INSERT ON panel_vote
    FOR EACH ROW EXECUTE FUNCTION panel_vote_is_unbiased();
CREATE TRIGGER ruling_is_due BEFORE INSERT ON ruling FOR EACH ROW EXECUTE FUNCTION ruling_is_due();
CREATE TRIGGER appeal_is_due BEFORE INSERT ON appeal FOR EACH ROW EXECUTE FUNCTION appeal_is_due();
CREATE TRIGGER gate_overrule_is_due BEFORE INSERT ON gate_overrule
    FOR EACH ROW EXECUTE FUNCTION gate_overrule_is_due();
CREATE TRIGGER safe_fingerprint_stays BEFORE UPDATE ON safe_fingerprint
    FOR EACH ROW EXECUTE FUNCTION safe_fingerprint_stays();
CREATE TRIGGER self_report_is_relayed BEFORE INSERT ON self_report
    FOR EACH ROW EXECUTE FUNCTION self_report_is_relayed();
CREATE TRIGGER self_report_only_ends BEFORE UPDATE ON self_report
    FOR EACH ROW EXECUTE FUNCTION self_report_only_ends();
CREATE TRIGGER shared_list_basis_stays BEFORE UPDATE ON shared_list
    FOR EACH ROW EXECUTE FUNCTION shared_list_basis_stays();
"""
_WRITTEN_ONCE = ("panel", "panel_vote", "ruling", "appeal", "gate_stop", "gate_overrule", "self_report_fingerprint")
_KEPT = ("safe_fingerprint", "self_report")
APPEND_ONLY = "".join(
    f"CREATE TRIGGER {table}_append_only BEFORE {acts} ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION staydown_refuse_change();\n"
    for tables, acts in ((_WRITTEN_ONCE, "UPDATE OR DELETE OR TRUNCATE"), (_KEPT, "DELETE OR TRUNCATE"))
    for table in tables
)
WITHOUT_APPEND_ONLY = "".join(f"DROP TRIGGER {table}_append_only ON {table};" for table in (*_WRITTEN_ONCE, *_KEPT))
_TRIGGERED = {
    "panel": ["panel_is_needed"],
    "panel_vote": ["panel_vote_is_unbiased"],
    "ruling": ["ruling_is_due"],
    "appeal": ["appeal_is_due"],
    "gate_overrule": ["gate_overrule_is_due"],
    "safe_fingerprint": ["safe_fingerprint_stays"],
    "self_report": ["self_report_is_relayed", "self_report_only_ends"],
    "shared_list": ["shared_list_basis_stays"],
}
WITHOUT_WALLS = (
    "".join(
        f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}();"
        for table, names in _TRIGGERED.items()
        for name in names
    )
    + "DROP FUNCTION person_may_judge(uuid, uuid), people_refuse(text);"
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("lists", "0005_people_decide"), ("enforcement", "0003_appeals"), ("audit", "0002_chain")]
    operations: ClassVar = [
        migrations.RunSQL(QUESTIONS, WITHOUT_QUESTIONS),
        migrations.RunSQL(RULE_IS_MET, _FORMER.RULE_IS_MET),
        migrations.RunSQL(MORE_CHECKS, WITHOUT_MORE_CHECKS),
        migrations.RunSQL(CHECKS, _FORMER.CHECKS_BY_SCHEME),
        migrations.RunSQL(WALLS, WITHOUT_WALLS),
        migrations.RunSQL(APPEND_ONLY, WITHOUT_APPEND_ONLY),
    ]
