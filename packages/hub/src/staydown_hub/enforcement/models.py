"""The newest receipt of each filter, every match that was reported, and every dispute."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from staydown_hub.rules.enforcement import MAX_REFERENCE_CHARACTERS, PROBLEMS, RECEIPT_STATES
from staydown_hub.rules.fingerprints import ALGORITHMS, MAX_DISTANCE_BITS


class Receipt(models.Model):
    """How far one filter of an organisation is with one list, by its own word; the feed alone writes it.

    A filter is known by its organisation and the identifier that it gave itself: nobody can speak for another's.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    shared_list = models.ForeignKey("lists.SharedList", on_delete=models.PROTECT, related_name="+")
    filter = models.UUIDField()
    # Everything up to this position is in force; -1 is nothing.
    position = models.BigIntegerField()
    live_since = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=[(state, state) for state in RECEIPT_STATES])
    problem = models.CharField(max_length=12, blank=True, choices=[(one, one) for one in PROBLEMS])
    reported_at = models.DateTimeField()
    # Since when it has been in this state.
    state_since = models.DateTimeField()

    class Meta:
        """Rewritten every few seconds, so no index but the one that it is found by."""

        db_table = "receipt"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "shared_list", "filter"], name="receipt_of_filter_once"),
            models.CheckConstraint(condition=Q(position__gte=-1), name="receipt_position_from_nothing_on"),
            models.CheckConstraint(condition=Q(state__in=RECEIPT_STATES), name="receipt_state_known"),
            models.CheckConstraint(
                condition=(Q(state="refused") & Q(problem__in=PROBLEMS)) | (~Q(state="refused") & Q(problem="")),
                name="receipt_problem_when_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"receipt of {self.filter}"


class Match(models.Model):
    """An upload that hit an entry, as its platform reported it: the entry, how near, when, and the platform's own name.

    Neither the upload, nor a fingerprint of it, nor who sent it: ``reference`` says nothing outside the platform.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    # The platform's own identifier of the match: one that is reported again is the same.
    identifier = models.UUIDField()
    shared_list = models.ForeignKey("lists.SharedList", on_delete=models.PROTECT, related_name="+")
    position = models.BigIntegerField()
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="+")
    algorithm = models.CharField(max_length=10, choices=[(one, one) for one in ALGORITHMS])
    distance_bits = models.PositiveSmallIntegerField()
    reference = models.CharField(max_length=MAX_REFERENCE_CHARACTERS, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        """Read by item, and counted by list and day; a trigger refuses every change."""

        db_table = "match"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "identifier"], name="match_once"),
            models.CheckConstraint(condition=Q(algorithm__in=ALGORITHMS), name="match_algorithm_known"),
            models.CheckConstraint(
                condition=Q(distance_bits=0) | (Q(algorithm="pdq") & Q(distance_bits__lte=MAX_DISTANCE_BITS)),
                name="match_distance_of_algorithm",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["item", "-at"], name="match_of_item"),
            models.Index(fields=["shared_list", "at"], name="match_of_list"),
        ]

    def __str__(self) -> str:
        return f"match {self.pk}"


class Dispute(models.Model):
    """A platform holds that an entry should not be in force, and silenced it for itself: for people to look at."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    shared_list = models.ForeignKey("lists.SharedList", on_delete=models.PROTECT, related_name="+")
    position = models.BigIntegerField()
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """One an entry and organisation; a trigger refuses every change."""

        db_table = "dispute"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "shared_list", "position"], name="dispute_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["shared_list", "-at"], name="dispute_of_list"),
            models.Index(fields=["item", "-at"], name="dispute_of_item"),
        ]

    def __str__(self) -> str:
        return f"dispute {self.pk}"


class Appeal(models.Model):
    """Whom the first ruling on a dispute went against has it looked at once more."""

    dispute = models.OneToOneField(Dispute, on_delete=models.PROTECT, primary_key=True, related_name="appeal")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey("organisations.Person", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """One a dispute; a trigger refuses every change."""

        db_table = "appeal"

    def __str__(self) -> str:
        return f"appeal of {self.dispute_id}"
