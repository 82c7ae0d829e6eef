"""The safe corpus, what it stopped, and who overruled that."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from staydown_hub.rules.fingerprints import ALGORITHMS


class SafeFingerprint(models.Model):
    """A fingerprint of something harmless: a well-known picture, a blank page, a logo, or what was listed wrongly."""

    id = models.BigAutoField(primary_key=True)
    algorithm = models.CharField(max_length=10, choices=[(name, name) for name in ALGORITHMS])
    value = models.BinaryField(max_length=32)
    quality = models.SmallIntegerField(null=True)
    # Where it comes from, as people read it: a file's name, or "dispute <uuid>".
    source = models.CharField(max_length=100)
    at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        """Once a value and source; only ``retired_at`` may change."""

        db_table = "safe_fingerprint"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["value", "algorithm", "source"], name="safe_fingerprint_once"),
            models.CheckConstraint(condition=Q(algorithm__in=ALGORITHMS), name="safe_fingerprint_algorithm_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source"], name="safe_fingerprint_source"),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} from {self.source}"


class GateStop(models.Model):
    """An admission that the gate stopped: what it found; overruled by two people of two organisations."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="gate_stops")
    hits = ArrayField(models.BigIntegerField(), default=list)
    low_quality = models.BooleanField(default=False)
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """A trigger refuses every change."""

        db_table = "gate_stop"
        indexes: ClassVar = [models.Index(fields=["item", "-opened_at"], name="gate_stop_of_item")]

    def __str__(self) -> str:
        return f"gate stop {self.pk}"


class GateOverrule(models.Model):
    """A person says, with a reason, that what the gate found does not matter here."""

    id = models.BigAutoField(primary_key=True)
    stop = models.ForeignKey(GateStop, on_delete=models.PROTECT, related_name="overrules")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("organisations.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One an organisation; a trigger refuses every change."""

        db_table = "gate_overrule"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stop", "organisation"], name="gate_overrule_once"),
        ]

    def __str__(self) -> str:
        return f"overrule {self.pk}"
