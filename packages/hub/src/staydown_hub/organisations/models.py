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
    """Somebody who signs in to the pages, always for one organisation.

    What they may do follows from the organisation's kind alone: ``role`` says who is whose contact, and grants nothing.
    """

    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    ROLES = (ANALYST, ADMINISTRATOR)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="people")
    role = models.CharField(max_length=20, choices=[(role, role) for role in ROLES], default=ANALYST)
    is_active = models.BooleanField(default=True)
    made_at = models.DateTimeField(default=timezone.now)

    objects = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """One account an e-mail, whatever its letter case."""

        db_table = "person"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="person_email_once"),
            models.CheckConstraint(condition=models.Q(role__in=("analyst", "administrator")), name="person_role_known"),
        ]

    def __str__(self) -> str:
        return self.email


class ApiKey(models.Model):
    """A program's key: found by ``prefix``, known only by the SHA-256 of the whole token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True)
    token_hash = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=20))
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A key's name is how its organisation tells it from the others."""

        db_table = "api_key"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organisation", "name"], name="api_key_name_once"),
        ]

    def __str__(self) -> str:
        return self.prefix

    def is_usable(self, *, at: datetime) -> bool:
        """Tell whether the key is neither revoked nor expired at this instant."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > at)
