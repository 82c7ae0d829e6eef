"""Panels, their votes, and what people ruled about items: all of it written once."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Panel(models.Model):
    """A disagreement about an item that its assessors cannot settle; open until there is a ruling."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="panels")
    opened_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Triggers hold the rest."""

        db_table = "panel"
        indexes: ClassVar = [models.Index(fields=["item", "-opened_at"], name="panel_of_item")]

    def __str__(self) -> str:
        return f"panel {self.pk}"


class PanelVote(models.Model):
    """One seat of a panel: a person of an organisation that never judged the item says whether it qualifies."""

    id = models.BigAutoField(primary_key=True)
    panel = models.ForeignKey(Panel, on_delete=models.PROTECT, related_name="votes")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("organisations.Person", on_delete=models.PROTECT, related_name="+")
    qualifies = models.BooleanField()
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One seat an organisation; a trigger refuses every change."""

        db_table = "panel_vote"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["panel", "organisation"], name="panel_vote_once"),
        ]

    def __str__(self) -> str:
        return f"vote {self.pk}"


class Ruling(models.Model):
    """What people decided about an item: a panel by its majority, or a reviewer about a dispute, in its round."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="rulings")
    panel = models.OneToOneField(Panel, on_delete=models.PROTECT, null=True, related_name="ruling")
    dispute = models.ForeignKey("enforcement.Dispute", on_delete=models.PROTECT, null=True, related_name="rulings")
    round = models.PositiveSmallIntegerField(default=1)
    qualifies = models.BooleanField()
    # The reviewer of a dispute; a panel's decision is nobody's alone.
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    person = models.ForeignKey("organisations.Person", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """A trigger refuses every change, and whatever panel or reviewer could not rule."""

        db_table = "ruling"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dispute", "round"], name="ruling_once_a_round"),
            models.CheckConstraint(
                condition=Q(panel__isnull=False, dispute__isnull=True, organisation__isnull=True, person__isnull=True)
                | Q(panel__isnull=True, dispute__isnull=False, organisation__isnull=False, person__isnull=False),
                name="ruling_of_panel_or_reviewer",
            ),
            models.CheckConstraint(condition=Q(round__in=(1, 2)), name="ruling_of_two_rounds"),
        ]
        indexes: ClassVar = [models.Index(fields=["item", "-at"], name="ruling_of_item")]

    def __str__(self) -> str:
        return f"ruling {self.pk}"
