"""Who looks at the pages, and which places their role and their organisation's kind open to them."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import Person
from staydown_hub.organisations.training import may_assess_now
from staydown_hub.rules.access import Scope
from staydown_hub.rules.audience import may_follow, may_see_enforcement
from staydown_hub.rules.four_eyes import DEMANDS
from staydown_hub.rules.identification import may_see_cases
from staydown_hub.rules.people import Deed, Role, may, scopes_of_person


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person; ``scopes`` are those rights of their organisation's kind that their role has."""

    person: UUID
    email: str
    role: Role
    organisation: UUID
    organisation_name: str
    kind: str
    scopes: frozenset[Scope]

    @property
    def sees_items(self) -> bool:
        """Tell whether items, and everybody's requests, are shown."""
        return "read" in self.scopes

    @property
    def sees_figures(self) -> bool:
        """Tell whether the counts of the whole hub are shown."""
        return "figures" in self.scopes

    @property
    def may_assess(self) -> bool:
        """Tell whether the person judges items today: role, kind, and a certificate that is valid."""
        return "assess" in self.scopes and may_assess_now(self.person, organisation=self.organisation)

    @property
    def sees_addresses(self) -> bool:
        """Tell whether the person may be shown where an item was seen."""
        return self.may("see addresses")

    def may(self, deed: Deed) -> bool:
        """Tell whether role and kind allow this deed."""
        return may(role=self.role, kind=self.kind, deed=deed)

    @property
    def decides_proposals(self) -> bool:
        """Tell whether the person proposes or approves anything that takes two."""
        return any(self.may(demand.propose) or self.may(demand.approve) for demand in DEMANDS.values())

    @property
    def actor(self) -> Actor:
        """The person as services know who acts."""
        return Actor(organisation=self.organisation, source="staff", person=self.person, role=self.role)

    @property
    def sees_cases(self) -> bool:
        """Tell whether the person may know whether a victim is identified."""
        return self.sees_addresses and may_see_cases(self.kind)

    @property
    def belongs(self) -> bool:
        """Tell whether any page but the person's own account is for them."""
        return bool(self.scopes)

    def follows(self, audience_kinds: list[str]) -> bool:
        """Tell whether a list with this audience is shown."""
        return may_follow(kind=self.kind, scopes=self.scopes, audience_kinds=audience_kinds)

    def oversees(self, audience_kinds: list[str]) -> bool:
        """Tell whether it is shown which platforms enforce a list with this audience."""
        return may_see_enforcement(kind=self.kind, scopes=self.scopes, audience_kinds=audience_kinds)


def viewer_of(user: Person | AnonymousUser) -> Viewer | None:
    """Return the viewer behind a request's user, or None when nobody is signed in."""
    if not isinstance(user, Person):
        return None
    organisation = user.organisation
    return Viewer(
        person=user.pk,
        email=user.email,
        role=user.role,
        organisation=organisation.pk,
        organisation_name=organisation.name,
        kind=organisation.kind,
        scopes=scopes_of_person(role=user.role, kind=organisation.kind),
    )
