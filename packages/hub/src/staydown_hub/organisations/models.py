"""Organisations, the people who sign in for them, and the keys of their programs."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from staydown_hub.rules.access import KINDS
from staydown_hub.rules.four_eyes import ACTS, STATES, Act, State
from staydown_hub.rules.pace import DEFAULT_REQUESTS_A_MINUTE, MOST_REQUESTS_A_MINUTE
from staydown_hub.rules.people import ROLES, Role


class Organisation(models.Model):
    """A member agency. ``domains`` are the hosts it answers for; notices about them go to ``abuse_mail``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=[(kind, kind) for kind in KINDS])
    domains = ArrayField(models.CharField(max_length=253), default=list, blank=True)
    abuse_mail = models.EmailField(blank=True)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """The kind decides what the organisation may do, so the database knows the kinds too."""

        db_table = "organisation"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=KINDS), name="organisation_kind_known"),
        ]

    def __str__(self) -> str:
        return self.name


class PersonManager(BaseUserManager["Person"]):
    """Finds people by e-mail, whatever its letter case."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Return the person who signs in with this e-mail."""
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody who signs in to the pages, always for one organisation; ``rules.people`` says what a role may do."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="people")
    role: "models.CharField[Role, Role]" = models.CharField(
        max_length=20, choices=[(role, role) for role in ROLES], default="assessor"
    )
    is_active = models.BooleanField(default=True)
    made_at = models.DateTimeField(default=timezone.now)
    # Who brought them in and who gave them their role: neither finds a second pair of eyes in them.
    invited_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    role_given_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")

    objects = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """One account an e-mail, whatever its letter case."""

        db_table = "person"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="person_email_once"),
            models.CheckConstraint(condition=models.Q(role__in=ROLES), name="person_role_known"),
        ]

    def __str__(self) -> str:
        return self.email


class Certificate(models.Model):
    """That somebody was trained, and until when it counts: ``expires_on`` is the first day (UTC) without the right."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="certificates")
    course = models.CharField(max_length=200)
    issued_on = models.DateField()
    expires_on = models.DateField()
    recorded_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        """Days in their order."""

        db_table = "certificate"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(issued_on__lt=models.F("expires_on")), name="certificate_days"),
        ]

    def __str__(self) -> str:
        return f"certificate {self.pk}"


class ApiKey(models.Model):
    """A program's key: found by ``prefix``, known only by the SHA-256 of the whole token.

    ``person`` is the one for whom it acts, ``made_by`` who made it and so saw its secret (None: the operator).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True)
    token_hash = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=20))
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="api_keys")
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True)
    # Whence it may be used; empty: from anywhere. The subject is that of a client certificate (see ``rules.callers``).
    networks = ArrayField(models.CharField(max_length=43), default=list)
    client_subject = models.CharField(max_length=400, default="")
    requests_a_minute = models.PositiveIntegerField(default=DEFAULT_REQUESTS_A_MINUTE)
    replaced_by = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaces")

    class Meta:
        """A key's name is how its organisation tells it from the others; a rotated one keeps it until it ends."""

        db_table = "api_key"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "name"], condition=models.Q(replaced_by=None), name="api_key_name_once"
            ),
            models.CheckConstraint(
                condition=models.Q(requests_a_minute__gte=1, requests_a_minute__lte=MOST_REQUESTS_A_MINUTE),
                name="api_key_pace",
            ),
        ]

    def __str__(self) -> str:
        return self.prefix

    def is_usable(self, *, at: datetime) -> bool:
        """Tell whether the key is neither revoked nor expired at this instant, and whom it acts for is here."""
        is_over = self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= at)
        return not is_over and (self.person is None or self.person.is_active)


class ApiKeyPace(models.Model):
    """Until when the requests of a key fill its pace (see ``rules.pace``); unlogged: a crash may empty it."""

    api_key = models.OneToOneField(ApiKey, on_delete=models.CASCADE, primary_key=True)
    filled_until = models.DateTimeField()

    class Meta:
        """A table apart, so that a request never writes the key's own row."""

        db_table = "api_key_pace"

    def __str__(self) -> str:
        return f"pace of {self.api_key_id}"


class Proposal(models.Model):
    """An act that waits for a second pair of eyes, or what became of it; written by ``four_eyes`` alone.

    Triggers refuse an approval by who proposed it, and every change of what was proposed or decided. ``barred`` and
    ``is_holder_known`` are written by the database itself (see ``rules.four_eyes``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    act: "models.CharField[Act, Act]" = models.CharField(max_length=30, choices=[(act, act) for act in ACTS])
    subject = models.TextField()
    payload = models.JSONField()
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_by_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    source = models.TextField()
    barred = ArrayField(models.UUIDField(), default=list)
    is_holder_known = models.BooleanField(default=False)
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state: "models.CharField[State, State]" = models.CharField(
        max_length=20, choices=[(state, state) for state in STATES], default="open"
    )
    decided_organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    decided_by_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    result = models.JSONField(null=True)

    class Meta:
        """One at a time waits for the same thing from the same organisation."""

        db_table = "proposal"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(act__in=ACTS), name="proposal_act_known"),
            models.CheckConstraint(condition=models.Q(state__in=STATES), name="proposal_state_known"),
            models.CheckConstraint(
                condition=~models.Q(state="approved", decided_by=models.F("proposed_by")), name="proposal_by_another"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="approved", decided_by_key=models.F("proposed_by_key")),
                name="proposal_by_another_key",
            ),
            models.UniqueConstraint(
                fields=["act", "subject", "organisation"],
                condition=models.Q(state="open"),
                nulls_distinct=False,
                name="proposal_open_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-proposed_at"], name="proposal_by_state"),
            models.Index(fields=["organisation", "-proposed_at"], name="proposal_of_organisation"),
        ]

    def __str__(self) -> str:
        return f"{self.act}: {self.state}"
