"""People of the cast who decide: each member has one, made without the cost of a password."""

from datetime import date

from staydown_hub.enforcement.entries import Reporter
from staydown_hub.enforcement.models import Dispute
from staydown_hub.enforcement.reviewing import review
from staydown_hub.enforcement.services import ReportedDispute, open_dispute
from staydown_hub.lists.models import Panel, SharedList
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import Certificate, Organisation, Person
from staydown_hub.organisations.queries import actor_of
from staydown_hub.rules.access import scopes_of_kind

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item

REASON = "We looked at our own copy."


def person_for(member: Member) -> Actor:
    """Return a person of the member as services know them."""
    email = f"decides@{member.organisation.slug.replace('_', '-')}.example"
    person = Person.objects.get_or_create(email=email, defaults={"organisation": member.organisation})[0]
    return actor_of(trained(person), source="test")


def trained(person: Person) -> Person:
    """Give a person a certificate that is valid, if they have none."""
    if not Certificate.objects.filter(person=person).exists():
        days = {"issued_on": date(2020, 1, 1), "expires_on": date(2100, 1, 1)}
        Certificate.objects.create(person=person, course="Assessing", **days)
    return person


def another(kind: str, name: str) -> Actor:
    """Return a person of one more organisation of this kind."""
    organisation = Organisation.objects.create(slug=name, name=name.title(), kind=kind)
    person = Person.objects.create(email=f"decides@{name}.example", organisation=organisation)
    return actor_of(trained(person), source="test")


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


def disputed_by(member: Member, *, position: int = 0) -> Dispute:
    """Have a member dispute an entry of the main list."""
    reporter = Reporter(kind=member.organisation.kind, scopes=scopes_of_kind(member.organisation.kind))
    disputed = ReportedDispute(list="main", position=position)
    return open_dispute(member.actor, reporter=reporter, disputed=disputed, reason="A drawing of ours.")[0]


def ruled_dispute(cast: Cast, *, qualifies: bool) -> Dispute:
    """Have a platform dispute an entry that police and support centre carried, and the regulator rule on it."""
    admitted_item(cast, "boat")
    dispute = disputed_by(cast.platform)
    review(person_for(cast.regulator), dispute_id=dispute.pk, qualifies=qualifies, reason=REASON)
    return dispute
