"""A shared list with its admission rule, and the entries of its log."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from staydown_hub.lists.gate_models import GateOverrule, GateStop, SafeFingerprint
from staydown_hub.lists.panel_models import Panel, PanelVote, Ruling
from staydown_hub.lists.self_report_models import SelfReport, SelfReportFingerprint
from staydown_hub.rules.schemes import MAX_CODE_CHARACTERS

__all__ = [
    "Entry",
    "GateOverrule",
    "GateStop",
    "Panel",
    "PanelVote",
    "Ruling",
    "SafeFingerprint",
    "SelfReport",
    "SelfReportFingerprint",
    "SharedList",
    "Withdrawal",
]


class SharedList(models.Model):
    """A named list: what admits to it, and the kinds of organisation that receive it.

    Its row is the lock under which the next position is given out.
    """

    ASSESSMENTS = "assessments"
    SELF_REPORTS = "self_reports"
    BASES = (ASSESSMENTS, SELF_REPORTS)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    minimum_organisations = models.PositiveSmallIntegerField(default=2)
    required_kinds = ArrayField(models.CharField(max_length=20))
    codes = ArrayField(models.CharField(max_length=MAX_CODE_CHARACTERS))
    # So many of them must have judged without seeing the others': three are the trusted grade.
    minimum_votes = models.PositiveSmallIntegerField(default=0)
    audience_kinds = ArrayField(models.CharField(max_length=20))
    # What admits: assessments, or people's own reports. The latter only ever ask filters to hold.
    basis = models.CharField(max_length=12, choices=[(one, one) for one in BASES], default=ASSESSMENTS)
    advice = models.CharField(max_length=5, choices=[("block", "block"), ("hold", "hold")], default="block")
    # What its log is called and which public keys sign it, as the feed last said: told to whoever sets up a filter.
    log_origin = models.TextField(default="")
    log_keys = ArrayField(models.TextField(), default=list)

    class Meta:
        """No rule can let one organisation admit alone."""

        db_table = "shared_list"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(minimum_organisations__gte=2), name="shared_list_never_one_alone"),
            models.CheckConstraint(
                condition=Q(basis="assessments", advice__in=("block", "hold")) | Q(basis="self_reports", advice="hold"),
                name="shared_list_of_self_reports_only_holds",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """One operation at one position of a list's log; ``body`` is served verbatim and never changes.

    A redaction erases it and its salt; ``leaf_hash``, to which checkpoints commit, stays.
    """

    ADMIT = "admit"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    REDACT = "redact"
    OPERATIONS = (ADMIT, AMEND, WITHDRAW, REDACT)
    # After these nothing about the item is in force.
    ENDING = (WITHDRAW, REDACT)

    id = models.BigAutoField(primary_key=True)
    shared_list = models.ForeignKey(SharedList, on_delete=models.PROTECT, related_name="entries")
    position = models.BigIntegerField()
    operation = models.CharField(max_length=10, choices=[(name, name) for name in OPERATIONS])
    item = models.ForeignKey("registry.Item", on_delete=models.PROTECT, related_name="entries")
    # The assessments that carried an admission or amendment; their organisations may withdraw it.
    carried_by = ArrayField(models.BigIntegerField(), default=list)
    salt = models.BinaryField(max_length=32, null=True)
    body = models.TextField(null=True)  # noqa: DJ001 -- an erased text is not an empty one
    leaf_hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        """Triggers hold the rest: append-only, gapless, and the admission rule itself."""

        db_table = "entry"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["shared_list", "position"], name="entry_position_once"),
            models.CheckConstraint(
                condition=Q(operation__in=("admit", "amend", "withdraw", "redact")), name="entry_operation_known"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["item", "shared_list", "position"], name="entry_of_item")]

    def __str__(self) -> str:
        return f"{self.shared_list_id} {self.position}"


class Withdrawal(models.Model):
    """Why, and by whom, an entry was withdrawn: for the members only, never sent to filters."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="withdrawal")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()

    class Meta:
        """Beside the log, not in it: filters need to know that, not why."""

        db_table = "withdrawal"

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"
