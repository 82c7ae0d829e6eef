"""Schemes in the database: a new one needs no code, a known one never changes, and no assessment says otherwise."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.lists.queries import standing_of
from staydown_hub.registry.errors import ChangedSchemeError
from staydown_hub.registry.models import Assessment, SchemeCode
from staydown_hub.registry.schemes import store
from staydown_hub.rules.schemes import Catalogue, Code, Scheme
from staydown_hub.schemes import catalogue

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assess, assessment_body, report


def code(name: str, *, qualifies: bool) -> Code:
    return Code(name, qualifies=qualifies, axes={}, maps={}, unmapped={})


def scheme(slug: str, *codes: Code) -> Scheme:
    return Scheme(slug, slug, {}, codes)


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch, db: None) -> Catalogue:
    """Give the hub one more scheme, of which one code is another scheme's too."""
    del db
    shipped = catalogue.known()
    more = scheme("mine-1", code("M1", qualifies=True), code("A1", qualifies=True), code("M0", qualifies=False))
    found = Catalogue(shipped.vocabularies, (*shipped.schemes, more))
    for place in ("staydown_hub.registry.judging", "staydown_hub.api.schemas"):
        monkeypatch.setattr(f"{place}.known", lambda: found)
    store(found)
    return found


@pytest.mark.usefixtures("db")
def test_the_shipped_codes_are_in_the_database() -> None:
    stored = {(row.scheme, row.code, row.qualifies) for row in SchemeCode.objects.all()}
    assert stored == {(one.scheme, one.code, one.qualifies) for one in catalogue.known().all_named()}


@pytest.mark.usefixtures("one_more")
def test_a_new_schemes_codes_admit_where_a_list_asks_for_them(cast: Cast) -> None:
    SharedList.objects.filter(slug="main").update(codes=["A1", "M1"])
    report(cast.support_centre, "boat", code="M1")
    item = assess(cast.police, "boat", code="KR-YPA-11")
    assert standing_of(item.pk).status == "waiting", "the list does not ask for this code"
    assess(cast.police, "boat", code="M1")
    entry = Entry.objects.get()
    assert entry.body
    assert '"categories":["M1"]' in entry.body


@pytest.mark.usefixtures("one_more")
def test_a_new_schemes_no_stops_an_admission(cast: Cast) -> None:
    SharedList.objects.filter(slug="main").update(codes=["A1", "M0", "M1", "TEST"])
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.regulator, "boat", code="M0")
    item = assess(cast.police, "boat", code="TEST")
    assert standing_of(item.pk).status == "disputed"


@pytest.mark.usefixtures("one_more")
def test_the_api_asks_for_the_scheme_only_where_it_must(cast: Cast, client: Client) -> None:
    item = report(cast.monitor, "boat")
    answer = cast.police.post(client, "assessments", assessment_body("boat", code="A1"))
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "scheme")
    named = {**assessment_body("boat", code="A1"), "scheme": "mine-1"}
    assert cast.police.post(client, "assessments", named).status_code == 200
    assert Assessment.objects.get(item=item).scheme == "mine-1"
    assert cast.police.post(client, "assessments", assessment_body("boat", code="M1")).status_code == 200
    unknown = cast.police.post(client, "assessments", assessment_body("boat", code="M9"))
    assert (unknown.status_code, unknown.json()["fields"][0]["field"]) == (422, "code")
    elsewhere = cast.police.post(client, "assessments", {**assessment_body("boat", code="M1"), "scheme": "kr-1"})
    assert (elsewhere.status_code, elsewhere.json()["fields"][0]["field"]) == (422, "scheme")


def test_the_api_names_schemes_and_what_others_call_their_codes(cast: Cast, client: Client) -> None:
    answer = cast.carrier.get(client, "schemes").json()
    assert [one["scheme"] for one in answer["schemes"]] == ["baseline-1", "kr-1"]
    first = answer["schemes"][0]["codes"][0]
    assert first["code"] == "A1"
    assert first["axes"] == {"first": "A", "second": "1"}
    assert first["maps"]["a1b2"] == ["A1"]
    assert {one["vocabulary"] for one in answer["vocabularies"]} == {"a1b2", "dsa", "interpol", "kr", "xarf"}


def test_a_known_scheme_does_not_change(one_more: Catalogue) -> None:
    store(one_more)
    for changed in (
        scheme("mine-1", code("M1", qualifies=True), code("M0", qualifies=False)),
        scheme("mine-1", code("M1", qualifies=False), code("A1", qualifies=True), code("M0", qualifies=False)),
    ):
        with pytest.raises(ChangedSchemeError, match="scheme mine-1: its codes changed"):
            store(Catalogue((), (changed,)))
    store(Catalogue((), ()))
    assert SchemeCode.objects.filter(scheme="mine-1").count() == 3, "what items were assessed by stays"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE scheme_code SET qualifies = true",
        "UPDATE scheme_code SET code = 'X' WHERE code = 'A1'",
        "DELETE FROM scheme_code WHERE scheme = 'kr-1'",
        "TRUNCATE scheme_code CASCADE",
        "INSERT INTO scheme_code (scheme, code, qualifies) VALUES ('other', 'NONE', true)",
        "INSERT INTO scheme_code (scheme, code, qualifies) VALUES ('baseline-1', 'A1', true)",
    ],
)
def test_codes_cannot_be_changed(cast: Cast, statement: str) -> None:
    report(cast.police, "boat", code="A1")
    before = list(SchemeCode.objects.order_by("pk").values())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(SchemeCode.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("named", "said"), [("A9", True), ("NONE", True), ("A1", False), ("KR-YPA-11", True)])
def test_an_assessment_says_of_its_code_what_the_scheme_does(cast: Cast, named: str, *, said: bool) -> None:
    item = report(cast.police, "boat")
    with pytest.raises(DatabaseError, match="assessment_code_of_scheme"), transaction.atomic():
        Assessment.objects.create(
            item=item, organisation=cast.police.organisation, scheme="baseline-1", code=named, qualifies=said
        )
