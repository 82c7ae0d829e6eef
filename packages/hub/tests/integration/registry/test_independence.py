"""An assessor does not see the others' before giving its own: in answers and on pages, however it asks."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from staydown_hub.organisations.models import ApiKey
from staydown_hub.registry.models import Assessment, Item

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import assess, assessment_body, prints_of, report, report_body, wire
from packages.hub.tests.integration.staff.conftest import person_of

JUDGES = ["police", "support_centre", "regulator", "monitor"]
NOTHING_SAID: dict[str, object] = {"status": "open", "entries": [], "confidence": None}


def judged_by_others(cast: Cast, name: str, *, disputed: bool) -> Item:
    """Have one organisation, or two that disagree, judge an item; none of them is this one."""
    others = [cast.member(one) for one in ("support_centre", "monitor", "police") if one != name]
    item = report(others[0], "boat", code="TEST")
    if disputed:
        assess(others[1], "boat", code="NONE")
    return item


@pytest.mark.parametrize("disputed", [False, True])
@pytest.mark.parametrize("name", JUDGES)
def test_nothing_tells_what_others_judged_until_ones_own_is_given(
    name: str, cast: Cast, client: Client, *, disputed: bool
) -> None:
    item, member = judged_by_others(cast, name, disputed=disputed), cast.member(name)
    detail = member.get(client, f"items/{item.pk}").json()
    assert detail["assessments"] == []
    lookup = member.post(client, "lookups", {"fingerprints": wire(prints_of("boat"))}).json()
    assert detail["standing"] == lookup["standing"] == NOTHING_SAID
    if name != "regulator":
        reported = member.post(client, "reports", report_body("boat")).json()
        assert reported["standing"] == NOTHING_SAID
    member.post(client, "assessments", assessment_body("boat", code="B1"))
    after = member.get(client, f"items/{item.pk}").json()
    assert len(after["assessments"]) == (3 if disputed else 2)
    assert after["standing"]["confidence"] == {
        "grade": "disputed" if disputed else "confirmed",
        "votes": 2,
    }


def test_a_key_that_may_only_read_is_no_way_round(cast: Cast, client: Client) -> None:
    item = judged_by_others(cast, "police", disputed=True)
    ApiKey.objects.filter(organisation=cast.police.organisation).update(scopes=["read"])
    detail = cast.police.get(client, f"items/{item.pk}").json()
    assert (detail["assessments"], detail["standing"]) == ([], NOTHING_SAID)


def test_who_never_judges_sees_all(cast: Cast, client: Client) -> None:
    item = judged_by_others(cast, "police", disputed=True)
    detail = cast.oversight.get(client, f"items/{item.pk}").json()
    assert [one["organisation"] for one in detail["assessments"]] == ["support_centre", "monitor"]
    assert detail["standing"]["status"] == "disputed"


@pytest.mark.parametrize("disputed", [False, True])
def test_pages_tell_nothing_either(cast: Cast, client: Client, *, disputed: bool) -> None:
    item = judged_by_others(cast, "police", disputed=disputed)
    client.force_login(person_of(cast, "police"), backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(f"/items/{item.pk}/").content.decode()
    assert "assessed it as" not in page
    assert "TEST" not in page
    assert "is shown once your organisation has assessed it" in page
    assert str(item.pk) in client.get("/items/?standing=open").content.decode()
    for standing in ("waiting", "disputed"):
        assert str(item.pk) not in client.get(f"/items/?standing={standing}").content.decode()
    row = client.get("/items/").content.decode()
    assert "waiting</span>" not in row
    assert "disputed</span>" not in row
    assess(cast.police, "boat", code="A1")
    page = client.get(f"/items/{item.pk}/").content.decode()
    assert "assessed it as <strong>TEST</strong> (baseline-1), independently" in page
    assert "2 independent votes" in page


def independence(member: Member) -> list[bool]:
    rows = Assessment.objects.filter(organisation=member.organisation).order_by("pk")
    return list(rows.values_list("independent", flat=True))


def test_a_change_of_mind_in_sight_of_others_is_no_vote(cast: Cast) -> None:
    report(cast.police, "boat", code="NONE")
    assess(cast.police, "boat", code="A1")
    assert independence(cast.police) == [True, True], "there was nobody else's to see"
    assess(cast.support_centre, "boat", code="A1")
    assess(cast.police, "boat", code="A2")
    assess(cast.police, "boat", code="NONE")
    assess(cast.police, "boat", code="A1")
    assert independence(cast.police) == [True, True, True, False, False]
    assert independence(cast.support_centre) == [True]


def test_the_database_takes_no_vote_that_was_none(cast: Cast) -> None:
    item = report(cast.police, "boat", code="NONE")
    assess(cast.support_centre, "boat", code="A1")
    Assessment.objects.filter(organisation=cast.police.organisation).update(superseded_at=item.opened_at)
    row = {"item": item, "organisation": cast.police.organisation, "scheme": "baseline-1", "code": "A1"}
    with pytest.raises(DatabaseError, match="in sight of the others"), transaction.atomic():
        Assessment.objects.create(**row, independent=True)
    Assessment.objects.create(**row, independent=False)
