"""Where a PDQ hash became good enough to be matched after it was stored: what follows the fingerprints by their keys."""

from typing import ClassVar

from django.db import migrations

RAISED = """
CREATE TABLE fingerprint_raised (id bigserial PRIMARY KEY, fingerprint_id bigint NOT NULL);
CREATE FUNCTION fingerprint_note_raised() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO fingerprint_raised (fingerprint_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER fingerprint_note_raised AFTER UPDATE ON fingerprint FOR EACH ROW
    WHEN (OLD.quality < 50 AND NEW.quality >= 50) EXECUTE FUNCTION fingerprint_note_raised();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("registry", "0008_sighting_history")]
    operations: ClassVar = [
        migrations.RunSQL(
            RAISED,
            "DROP TRIGGER fingerprint_note_raised ON fingerprint; DROP FUNCTION fingerprint_note_raised();"
            "DROP TABLE fingerprint_raised",
        ),
    ]
