"""What police units said of the victims of items, one after the other, and what the units are told of."""

import uuid
from typing import ClassVar

from django.db import models

from staydown_hub.vault.models import SealedRecord


class CaseAct(SealedRecord):
    """A unit said whether the victim is identified; the latest of an item counts, and its unit holds the case.

    Status and reference are sealed: a copy of the database tells neither.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="case_acts")
    unit = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    person = models.UUIDField(null=True)
    sealed_status = models.BinaryField(null=True)
    sealed_reference = models.BinaryField(null=True)
    at = models.DateTimeField()

    class Meta:
        """A trigger holds that nothing but the wrapped key ever changes."""

        db_table = "case_act"
        indexes: ClassVar = [models.Index(fields=["item", "-at"], name="case_act_of_item")]

    def __str__(self) -> str:
        return f"case act {self.pk}"


class CaseNotice(models.Model):
    """A unit is told that an item of its case was matched; where and by whom it asks for itself."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        """One that is unread an item and unit: a thousand uploads of one picture are one thing to look at."""

        db_table = "case_notice"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["item", "unit"], condition=models.Q(read_at__isnull=True), name="case_notice_one_unread"
            ),
        ]

    def __str__(self) -> str:
        return f"case notice {self.pk}"
