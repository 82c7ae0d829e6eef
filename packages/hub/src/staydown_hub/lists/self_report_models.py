"""Reports of people about pictures of themselves, relayed by a support centre: what self-reported entries stand on."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class SelfReport(models.Model):
    """A person's own report: nothing about the person, only who relayed it and until when it holds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="self_reports")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """A trigger lets support centres alone in, and only ``ended_at`` be set, once."""

        db_table = "self_report"
        indexes: ClassVar = [
            models.Index(fields=["item"], name="self_report_of_item"),
            models.Index(fields=["expires_at"], name="self_report_expiring"),
        ]

    def __str__(self) -> str:
        return f"self-report {self.pk}"


class SelfReportFingerprint(models.Model):
    """A fingerprint that came with a self-report; ``quality`` is what came with it."""

    id = models.BigAutoField(primary_key=True)
    self_report = models.ForeignKey(SelfReport, on_delete=models.PROTECT, related_name="fingerprints")
    fingerprint = models.ForeignKey("registry.Fingerprint", on_delete=models.PROTECT, related_name="+")
    quality = models.SmallIntegerField(null=True)

    class Meta:
        """A trigger refuses every change."""

        db_table = "self_report_fingerprint"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["self_report", "fingerprint"], name="self_report_fingerprint_once"),
        ]

    def __str__(self) -> str:
        return f"fingerprint of self-report {self.self_report_id}"
