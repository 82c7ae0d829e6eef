"""Who looks at the pages, and which places the rights of their organisation's kind open to them."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from staydown_hub.organisations.models import Person
from staydown_hub.rules.access import Scope, scopes_of_kind
from staydown_hub.rules.audience import may_follow, may_see_enforcement


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person with the whole rights of their organisation's kind: pages have no narrower keys."""

    person: UUID
    email: str
    role: str
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
        """Tell whether the person's organisation judges items: then it may see where they were seen."""
        return "assess" in self.scopes

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
        scopes=scopes_of_kind(organisation.kind),
    )
