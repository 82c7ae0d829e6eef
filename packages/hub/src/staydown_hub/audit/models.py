"""Records of acts, and the seals that chain them: neither can be changed once written."""

from typing import ClassVar

from django.db import models


class AuditRecord(models.Model):
    """One act, written in the act's own transaction. ``detail`` is JSON text without any fingerprint, URL or secret."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    act = models.TextField()
    # Plain identifiers and no foreign keys: this app imports no other, and a record outlives what it speaks of.
    organisation = models.UUIDField(null=True)
    person = models.UUIDField(null=True)
    subject = models.TextField()
    detail = models.TextField()
    source = models.TextField()

    class Meta:
        """Read newest first, by subject or by organisation."""

        db_table = "audit_record"
        indexes: ClassVar = [
            models.Index(fields=["subject", "-id"], name="audit_record_subject"),
            models.Index(fields=["organisation", "-id"], name="audit_record_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.act} ({self.pk})"


class AuditSeal(models.Model):
    """A record's place in the chain, written by the database itself when the transaction commits."""

    position = models.BigIntegerField(primary_key=True)
    record = models.OneToOneField(AuditRecord, on_delete=models.PROTECT, related_name="seal")
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        """Kept apart from the record, so that the chain's lock is taken only at commit."""

        db_table = "audit_seal"

    def __str__(self) -> str:
        return f"seal {self.position}"
