"""Who acts, as every service is told."""

from dataclasses import dataclass
from uuid import UUID

from staydown_hub.rules.people import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """An organisation, perhaps through a person, and the way the act came in: ``api``, ``staff`` or ``command``.

    ``key`` is the API key through which a program acts; ``person`` is then the one for whom that key acts, if it names
    one. ``role`` is the person's, None where no person stands behind the act: then the key's scopes are the limit.
    """

    organisation: UUID
    source: str
    person: UUID | None = None
    role: Role | None = None
    key: UUID | None = None
