"""People of the cast who decide: each member has one, made without the cost of a password."""

from staydown_hub.lists.models import Panel, SharedList
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import Organisation, Person

from packages.hub.tests.cast import Member

REASON = "We looked at our own copy."


def person_for(member: Member) -> Actor:
    """Return a person of the member as services know them."""
    email = f"decides@{member.organisation.slug.replace('_', '-')}.example"
    person = Person.objects.get_or_create(email=email, defaults={"organisation": member.organisation})[0]
    return Actor(organisation=member.organisation.pk, source="test", person=person.pk)


def another(kind: str, name: str) -> Actor:
    """Return a person of one more organisation of this kind."""
    organisation = Organisation.objects.create(slug=name, name=name.title(), kind=kind)
    person = Person.objects.create(email=f"decides@{name}.example", organisation=organisation)
    return Actor(organisation=organisation.pk, source="test", person=person.pk)


def self_report_list() -> SharedList:
    """Return the list of self-reports, made if it is not there."""
    return SharedList.objects.get_or_create(
        slug="self-reported",
        defaults={
            "name": "Self-reported",
            "required_kinds": [],
            "codes": [],
            "audience_kinds": ["platform", "police", "support_centre", "regulator"],
            "basis": SharedList.SELF_REPORTS,
            "advice": "hold",
        },
    )[0]


def only_panel() -> Panel:
    """Return the one panel that there is."""
    return Panel.objects.get()
