"""Who acts, as every service is told."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """An organisation, perhaps through a person, and the way the act came in: ``api``, ``staff`` or ``command``."""

    organisation: UUID
    source: str
    person: UUID | None = None
