"""Items, their fingerprints and who supplied them, where they were seen, and how they were judged."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property

from staydown_hub.rules.addresses import ACTED_ON, KIND_NAMES
from staydown_hub.rules.addresses import KINDS as SIGHTING_KINDS
from staydown_hub.rules.fingerprints import ALGORITHMS, EXACT_ALGORITHMS, MAX_QUALITY
from staydown_hub.rules.schemes import MAX_CODE_CHARACTERS, MAX_SCHEME_CHARACTERS
from staydown_hub.vault.models import SealedRecord


class Item(models.Model):
    """One picture or video, known by its fingerprints only. Its row is the lock under which its standing changes."""

    PICTURE = "picture"
    VIDEO = "video"
    KINDS = (PICTURE, VIDEO)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in KINDS])
    opened_at = models.DateTimeField(default=timezone.now)
    opened_by = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Newest first on the pages."""

        db_table = "item"
        indexes: ClassVar = [models.Index(fields=["-opened_at"], name="item_opened_at")]

    def __str__(self) -> str:
        return f"item {self.pk}"


class Fingerprint(models.Model):
    """One fingerprint of one item; ``quality`` is the highest that a supplier of it gave (PDQ only)."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="fingerprints")
    algorithm = models.CharField(max_length=10, choices=[(name, name) for name in ALGORITHMS])
    value = models.BinaryField(max_length=32)
    quality = models.SmallIntegerField(null=True)

    class Meta:
        """An exact fingerprint names one item only; a PDQ may be near many."""

        db_table = "fingerprint"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["value", "algorithm"],
                condition=Q(algorithm__in=EXACT_ALGORITHMS),
                name="fingerprint_exact_names_one_item",
            ),
            models.UniqueConstraint(fields=["item", "algorithm", "value"], name="fingerprint_once_an_item"),
            models.CheckConstraint(
                condition=Q(algorithm="pdq", quality__isnull=False, quality__gte=0, quality__lte=MAX_QUALITY)
                | Q(algorithm__in=EXACT_ALGORITHMS, quality__isnull=True),
                name="fingerprint_quality_of_pdq_only",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.algorithm} of {self.item_id}"


class FingerprintSource(models.Model):
    """An organisation supplied this fingerprint, with the assessment that it came with: what vouching counts.

    ``quality`` is what the organisation gave itself.
    """

    id = models.BigAutoField(primary_key=True)
    fingerprint = models.ForeignKey(Fingerprint, on_delete=models.PROTECT, related_name="sources")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    # Null for a report without a judgement: it tells the item's fingerprints, and vouches for none of them.
    assessment = models.ForeignKey("registry.Assessment", on_delete=models.PROTECT, null=True, related_name="supplies")
    quality = models.SmallIntegerField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Once an organisation and assessment: saying it twice vouches for nothing more."""

        db_table = "fingerprint_source"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fingerprint", "organisation", "assessment"],
                name="fingerprint_source_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"source {self.pk}"


class Sighting(SealedRecord):
    """Where an item was seen: one row an item and address, whoever else reports it again.

    Address and host are sealed; ``address_digest`` finds them. Showing either to anybody is an act of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="sightings")
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in SIGHTING_KINDS])
    sealed_address = models.BinaryField(null=True)
    # Null where there is no host, and once it is erased.
    sealed_host = models.BinaryField(null=True)
    # The ring's digest of kind and address: the same for the same address of another item.
    address_digest = models.BinaryField(max_length=32)
    reported_by = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    # The first organisation of a kind that may assess to report it, alone or after another: only then is removal asked.
    confirmed_by = models.ForeignKey(
        "organisations.Organisation", on_delete=models.PROTECT, null=True, related_name="+"
    )
    first_reported_at = models.DateTimeField(default=timezone.now)
    last_reported_at = models.DateTimeField(default=timezone.now)
    # As those who reported it say; reports keep who said so, and when.
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Never shown by ``str``: a sighting's address is for its recipient only."""

        db_table = "sighting"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "address_digest"], name="sighting_once"),
            models.CheckConstraint(condition=Q(kind__in=SIGHTING_KINDS), name="sighting_kind_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["address_digest"], name="sighting_address")]

    def __str__(self) -> str:
        return f"sighting {self.pk}"

    @property
    def kind_name(self) -> str:
        """What people call an address of this kind; empty for the web."""
        return KIND_NAMES.get(self.kind, "")

    @property
    def place(self) -> str:
        """Where it is, without the address: the host, or what people call its kind."""
        return self.host or self.kind_name or "erased"

    @property
    def is_acted_on(self) -> bool:
        """Tell whether removal is asked for there."""
        return self.kind in ACTED_ON

    @property
    def is_erased(self) -> bool:
        """Tell whether nobody can read the address any more."""
        return self.sealed_key is None

    @cached_property
    def host(self) -> str:
        """Return the host it is at; empty where there is none, or once it is erased."""
        return self.unseal("host") if self.sealed_key is not None and self.sealed_host is not None else ""


class SightingReport(models.Model):
    """An organisation said that it saw the item there, and when; never changed. The same said twice is said once."""

    id = models.BigAutoField(primary_key=True)
    sighting = models.ForeignKey(Sighting, on_delete=models.PROTECT, related_name="reports")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()
    reported_at = models.DateTimeField()

    class Meta:
        """Triggers hold that nothing is changed."""

        db_table = "sighting_report"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sighting", "organisation", "seen_at"], name="sighting_report_once"),
        ]

    def __str__(self) -> str:
        return f"report of {self.sighting_id}"


class PeerObservation(SealedRecord):
    """Somebody's machine shared the item there: time, address and port, sealed together; for police only.

    ``expires_at`` follows from the rule of retention; the row is deleted then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sighting = models.ForeignKey(Sighting, on_delete=models.PROTECT, related_name="peers")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    sealed_peer = models.BinaryField(null=True)
    # The ring's digest of all three: the same observation sent twice is kept once.
    peer_digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        """Deleted by the day on which it expires."""

        db_table = "peer_observation"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sighting", "peer_digest"], name="peer_observation_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="peer_observation_expires")]

    def __str__(self) -> str:
        return f"peer observation {self.pk}"


class SchemeCode(models.Model):
    """A code of a scheme, as this hub first read it from a law pack; never changed and never deleted."""

    id = models.BigAutoField(primary_key=True)
    scheme = models.CharField(max_length=MAX_SCHEME_CHARACTERS)
    code = models.CharField(max_length=MAX_CODE_CHARACTERS)
    qualifies = models.BooleanField()

    class Meta:
        """Assessments refer to all three columns, so that none can say of its code what the scheme does not."""

        db_table = "scheme_code"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scheme", "code"], name="scheme_code_once"),
            models.UniqueConstraint(fields=["scheme", "code", "qualifies"], name="scheme_code_referred_to"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.scheme}"


class Assessment(models.Model):
    """One organisation's judgement of an item; a later one supersedes it and never overwrites it."""

    id = models.BigAutoField(primary_key=True)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="assessments")
    organisation = models.ForeignKey("organisations.Organisation", on_delete=models.PROTECT, related_name="+")
    # Who judged for the organisation; null when one of its programs did.
    person = models.ForeignKey("organisations.Person", on_delete=models.PROTECT, null=True, related_name="+")
    scheme = models.CharField(max_length=MAX_SCHEME_CHARACTERS)
    code = models.CharField(max_length=MAX_CODE_CHARACTERS)
    # What the scheme says of the code; the three together refer to a row of scheme_code.
    qualifies = models.BooleanField(default=True)
    # Given before the organisation could see the others': only such count as votes.
    independent = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        """One current judgement an organisation and item; triggers hold the rest."""

        db_table = "assessment"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["item", "organisation"], condition=Q(superseded_at__isnull=True), name="assessment_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"assessment {self.pk}"


class BatchRow(models.Model):
    """One report of a batch, under the reporter's own reference: sent again, it is the same report.

    ``content_digest`` is keyed: it tells whether what comes again under the reference is the same, and nothing else.
    ``batch`` names the audit record that covers the row; null for a row that has a record of its own.
    """

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(
        "organisations.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reference = models.TextField()
    content_digest = models.BinaryField(max_length=32)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="batch_rows")
    known = models.BooleanField()
    batch = models.UUIDField(null=True)

    class Meta:
        """A reference names one report of its organisation, for good."""

        db_table = "batch_row"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "reference"], name="batch_row_reference_once"),
        ]

    def __str__(self) -> str:
        return f"batch row {self.pk}"
