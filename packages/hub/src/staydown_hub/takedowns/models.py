"""Requests for removal, every step they took, and every look at whether the item is gone."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from staydown_hub.rules.takedown import EVENTS, OUTCOMES, STATES


class Request(models.Model):
    """What is asked of one recipient about one sighting. ``services`` is its only writer.

    ``due_at`` is when the worker must next see to it: the row is its own entry in the work queue, so that a job that
    was lost is found again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sighting = models.ForeignKey("registry.Sighting", on_delete=models.PROTECT, related_name="requests")
    recipient = models.ForeignKey(
        "organisations.Organisation", on_delete=models.PROTECT, null=True, related_name="requests"
    )
    # Where the notice went, so that a retraction follows it; and the contact that refused our mail for good.
    contact = models.EmailField(blank=True)
    refused_contact = models.EmailField(blank=True)
    state = models.CharField(max_length=12, choices=[(state, state) for state in STATES])
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    # When a notice was begun that may stand; null when none can, and there is nothing to retract.
    notified_at = models.DateTimeField(null=True)
    # How many notices were begun: with the identifier, the mail's own name, the same in every attempt to send it.
    notices = models.PositiveIntegerField(default=0)
    # Mails that failed, and checks that were made, since the last step.
    failed_mails = models.PositiveIntegerField(default=0)
    checks_since_change = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)

    class Meta:
        """Read by due time by the worker, newest first by people."""

        db_table = "takedown_request"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["sighting", "recipient"], name="takedown_request_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(state__in=STATES), name="takedown_request_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=("unaddressed", "gone", "cancelled"))
                | (Q(recipient__isnull=False) & ~Q(contact="")),
                name="takedown_request_addressed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="takedown_request_due"),
            models.Index(fields=["-opened_at", "id"], name="takedown_request_opened_at"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Transition(models.Model):
    """One step of a request: never changed, and begun where the last one ended; ``from_state`` is empty at first."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="transitions")
    event = models.CharField(max_length=20, choices=[(event, event) for event in EVENTS])
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    by = models.CharField(max_length=10)
    # Whose act on the list caused it; null for the hub's own jobs.
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        """Triggers hold that nothing is changed and no step skipped."""

        db_table = "takedown_transition"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(event__in=EVENTS), name="takedown_transition_event_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["event", "at"], name="takedown_transition_event")]

    def __str__(self) -> str:
        return f"{self.event} of request {self.request_id}"


class Check(models.Model):
    """One look at the address: what was seen, and the HTTP status where there was one. Never changed."""

    id = models.BigAutoField(primary_key=True)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="checks")
    outcome = models.CharField(max_length=12, choices=[(outcome, outcome) for outcome in OUTCOMES])
    status = models.PositiveSmallIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        """Kept whatever the outcome: that nothing could be seen is a finding too."""

        db_table = "takedown_check"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(outcome__in=OUTCOMES), name="takedown_check_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.at:%Y-%m-%d %H:%M}"
