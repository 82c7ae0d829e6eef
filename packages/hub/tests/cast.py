"""The named organisations of the tests: police and support centre decide, the others want something they may not."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.test import Client
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import ApiKey, Certificate, Organisation, Person
from staydown_hub.organisations.queries import actor_of
from staydown_hub.rules.access import Kind, scopes_of_kind
from staydown_hub.rules.keys import make_token
from staydown_hub.rules.people import Role

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

KIND_OF_MEMBER: dict[str, Kind] = {
    "police": "police",
    "support_centre": "support_centre",
    "regulator": "regulator",
    "monitor": "monitor",
    "platform": "platform",
    "another_platform": "platform",
    "carrier": "carrier",
    "oversight": "oversight",
    "outsider": "partner_hub",
}


@dataclass(frozen=True)
class Member:
    """One organisation of the cast with its key."""

    organisation: Organisation
    token: str
    key: ApiKey

    @property
    def actor(self) -> Actor:
        """The member through its key, which acts for a trained assessor where the member may assess."""
        person = self.key.person_id
        return Actor(self.organisation.pk, "test", person, role="assessor" if person else None, key=self.key.pk)

    def person(self, role: Role, name: str = "ana") -> Actor:
        """Return somebody of the member, made where they are not there yet."""
        email = f"{name}.{role}@{self.organisation.slug.replace('_', '-')}.example"
        one, _ = Person.objects.get_or_create(email=email, organisation=self.organisation, role=role)
        return actor_of(one, source="test")

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, client: Client, route: str) -> "_MonkeyPatchedWSGIResponse":
        """Ask the API."""
        return client.get(f"/api/v1/{route}", headers=self.headers())

    def post(self, client: Client, route: str, body: object) -> "_MonkeyPatchedWSGIResponse":
        """Send JSON to the API."""
        return client.post(f"/api/v1/{route}", body, content_type="application/json", headers=self.headers())


@dataclass(frozen=True)
class Cast:
    """Everybody, by the role that they play."""

    police: Member
    support_centre: Member
    regulator: Member
    monitor: Member
    platform: Member
    another_platform: Member
    carrier: Member
    oversight: Member
    outsider: Member

    def member(self, name: str) -> Member:
        found = getattr(self, name)
        assert isinstance(found, Member)
        return found


def make_cast() -> Cast:
    """Make the organisations, each with a key of all that its kind may do: in two statements, as every test does it."""
    rows = {
        name: Organisation(slug=name, name=name.replace("_", " ").title(), kind=kind)
        for name, kind in KIND_OF_MEMBER.items()
    }
    tokens = {name: make_token() for name in rows}
    Organisation.objects.bulk_create(rows.values())
    trained = {
        name: Person(email=f"assessor@{name.replace('_', '-')}.example", organisation=row, role="assessor")
        for name, row in rows.items()
        if "assess" in scopes_of_kind(row.kind)
    }
    Person.objects.bulk_create(trained.values())
    Certificate.objects.bulk_create(
        Certificate(person=one, course="Assessing", issued_on=date(2020, 1, 1), expires_on=date(2100, 1, 1))
        for one in trained.values()
    )
    keys = {
        name: ApiKey(
            person=trained.get(name),
            organisation=row,
            name="all",
            prefix=tokens[name].prefix,
            token_hash=tokens[name].token_hash,
            scopes=sorted(scopes_of_kind(row.kind)),
        )
        for name, row in rows.items()
    }
    ApiKey.objects.bulk_create(keys.values())
    return Cast(**{name: Member(row, tokens[name].token, keys[name]) for name, row in rows.items()})
