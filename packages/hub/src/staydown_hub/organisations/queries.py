"""Reading organisations: who answers for a host, and whose key a token is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import UnknownOrganisationError, UnknownPersonError
from staydown_hub.organisations.models import ApiKey, Organisation, Person
from staydown_hub.rules import access, keys
from staydown_hub.rules.callers import Origin, may_call_from
from staydown_hub.rules.pace import DEFAULT_REQUESTS_A_MINUTE
from staydown_hub.rules.people import scopes_of_key

_NOWHERE = Origin(None)


@dataclass(frozen=True, slots=True)
class Caller:
    """The organisation behind a request, and what its key may do right now."""

    organisation: Organisation
    scopes: frozenset[access.Scope]
    key_id: UUID
    person: Person | None = None
    requests_a_minute: int = DEFAULT_REQUESTS_A_MINUTE

    def actor(self, *, source: str) -> Actor:
        """Return the caller as services know who acts: the key, and the person for whom it acts if it names one."""
        person = self.person
        return Actor(
            organisation=self.organisation.pk,
            source=source,
            person=person.pk if person else None,
            role=person.role if person else None,
            key=self.key_id,
        )


class UnknownKeyError(Exception):
    """No key, an unknown one, or one that is revoked, expired or used from elsewhere; ``unusable`` is the latter's row.

    Whoever stole a key is not told that it would work from somewhere else.
    """

    def __init__(self, unusable: ApiKey | None = None, *, is_elsewhere: bool = False) -> None:
        super().__init__("Send a key of your organisation that is neither revoked nor expired.")
        self.unusable = unusable
        self.is_elsewhere = is_elsewhere


def organisation_answering_for(host: str) -> Organisation | None:
    """Return the organisation that answers for a host: the one with the longest of its domains equal to or above it."""
    labels = host.lower().rstrip(".").split(".")
    names = [".".join(labels[start:]) for start in range(len(labels))]
    found = Organisation.objects.filter(domains__overlap=names)
    return min(found, key=lambda one: _rank(one, names), default=None)


def _rank(organisation: Organisation, names: list[str]) -> tuple[int, str]:
    return min(names.index(domain) for domain in organisation.domains if domain in names), organisation.slug


def caller_of(token: str | None, origin: Origin = _NOWHERE) -> Caller:
    """Return whose token this is and what it may do from there. Raises UnknownKeyError."""
    prefix = keys.prefix_of(token) if token else None
    key = ApiKey.objects.select_related("organisation", "person").filter(prefix=prefix).first() if prefix else None
    if token is None or key is None or not keys.same_hash(token, bytes(key.token_hash)):
        raise UnknownKeyError
    if not key.is_usable(at=timezone.now()):
        raise UnknownKeyError(unusable=key)
    if not may_call_from(origin, networks=key.networks, subject=key.client_subject):
        raise UnknownKeyError(unusable=key, is_elsewhere=True)
    role = key.person.role if key.person else None
    scopes = scopes_of_key(kind=key.organisation.kind, granted=frozenset(key.scopes), role=role)
    return Caller(
        organisation=key.organisation,
        scopes=scopes,
        key_id=key.pk,
        person=key.person,
        requests_a_minute=key.requests_a_minute,
    )


def kind_of(organisation_id: UUID) -> str:
    """Return the organisation's kind, which decides what it may do."""
    return Organisation.objects.values_list("kind", flat=True).get(pk=organisation_id)


def organisations() -> QuerySet[Organisation]:
    """Return all organisations by slug."""
    return Organisation.objects.order_by("slug")


def organisation_called(slug: str) -> Organisation:
    """Return the organisation with this slug. Raises UnknownOrganisationError."""
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        raise UnknownOrganisationError(slug)
    return found


def organisation_of(organisation_id: UUID) -> Organisation:
    """Return an organisation by its identifier."""
    return Organisation.objects.get(pk=organisation_id)


def keys_of(organisation_id: UUID) -> QuerySet[ApiKey]:
    """Return an organisation's keys by name, the newest of a name first."""
    rows = ApiKey.objects.filter(organisation=organisation_id).select_related("person", "replaced_by")
    return rows.order_by("name", "-made_at")


def people_called(emails: Iterable[str]) -> list[Person]:
    """Return the people with these e-mails, in the order given. Raises UnknownPersonError."""
    found = []
    for email in emails:
        person = Person.objects.filter(email__iexact=email, is_active=True).first()
        if person is None:
            raise UnknownPersonError
        found.append(person)
    return found


def actors_called(emails: Iterable[str], *, source: str) -> list[Actor]:
    """Return the people with these e-mails as actors, in the order given. Raises UnknownPersonError."""
    return [actor_of(person, source=source) for person in people_called(emails)]


def actor_of(person: Person, *, source: str) -> Actor:
    """Return a person as services know who acts."""
    return Actor(organisation=person.organisation_id, source=source, person=person.pk, role=person.role)


def people() -> QuerySet[Person]:
    """Return all people with their organisations."""
    return Person.objects.select_related("organisation").order_by("organisation__slug", "email")


def api_keys() -> QuerySet[ApiKey]:
    """Return all keys with their organisations; none of them holds its token."""
    return ApiKey.objects.select_related("organisation", "person").order_by("organisation__slug", "name", "made_at")


def organisations_holding(scope: access.Scope, *, kinds: Collection[str]) -> QuerySet[Organisation]:
    """Return the organisations of these kinds that have a key which works and has this scope, by name."""
    usable = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    keys = ApiKey.objects.filter(usable, organisation=OuterRef("pk"), revoked_at=None, scopes__contains=[scope])
    return Organisation.objects.filter(Exists(keys), kind__in=kinds).order_by("name", "slug")
