"""A panel at work: opened where assessments disagree, of organisations that took no part; also straight in SQL."""

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists import deciding
from staydown_hub.lists.errors import NotYoursToDecideError, PanelDecidedError
from staydown_hub.lists.models import Entry, Panel, PanelVote, Ruling
from staydown_hub.lists.queries import standing_of
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, report
from packages.hub.tests.people import REASON, another, only_panel, person_for


@pytest.fixture
def disputed(cast: Cast) -> Item:
    """Two say that it qualifies, one that it does not."""
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.regulator, "boat", code="NONE")
    return assess(cast.police, "boat", code="TEST")


def vote(actor: Actor, *, qualifies: bool) -> bool | None:
    return deciding.vote(actor, panel_id=only_panel().pk, qualifies=qualifies, reason=REASON)


def test_a_disagreement_opens_one_panel(cast: Cast, disputed: Item) -> None:
    assert only_panel().item == disputed
    assess(cast.police, "boat", code="A1")
    report(cast.monitor, "boat")
    assert Panel.objects.count() == 1
    assert AuditRecord.objects.filter(act="panel opened", subject=f"item:{disputed.pk}").count() == 1


def test_no_panel_where_nobody_speaks_for_it_or_it_is_listed(cast: Cast) -> None:
    report(cast.police, "tree", code="NONE")
    admitted_item(cast, "boat")
    assess(cast.regulator, "boat", code="NONE")
    assert not Panel.objects.exists()


@pytest.mark.parametrize(("answer", "status"), [(True, "admitted"), (False, "disputed")])
def test_the_majority_decides(cast: Cast, disputed: Item, status: str, *, answer: bool) -> None:
    assert vote(person_for(cast.monitor), qualifies=answer) is None
    assert vote(another("police", "harbour"), qualifies=not answer) is None
    assert standing_of(disputed.pk).status == "disputed"
    assert vote(another("regulator", "board"), qualifies=answer) is answer
    assert standing_of(disputed.pk).status == status
    assert Ruling.objects.get().qualifies is answer
    acts = AuditRecord.objects.filter(subject=f"item:{disputed.pk}").values_list("act", flat=True)
    assert [list(acts).count(act) for act in ("panel vote given", "panel decided")] == [3, 1]
    with pytest.raises(PanelDecidedError):
        vote(another("police", "late"), qualifies=True)


def test_who_took_part_or_judges_nothing_does_not_sit(cast: Cast, disputed: Item) -> None:
    del disputed
    refused = [person_for(one) for one in (cast.police, cast.support_centre, cast.regulator, cast.platform)]
    refused += [person_for(cast.oversight), cast.monitor.actor, cast.monitor.person("assessor")]
    for actor in refused:
        with pytest.raises(NotYoursToDecideError):
            vote(actor, qualifies=True)
    vote(person_for(cast.monitor), qualifies=True)
    with pytest.raises(NotYoursToDecideError):
        vote(person_for(cast.monitor), qualifies=True)
    assert not Entry.objects.exists()


def test_an_overruled_no_is_not_heard_again_and_a_new_one_is(cast: Cast, disputed: Item) -> None:
    for actor in (person_for(cast.monitor), another("police", "harbour")):
        vote(actor, qualifies=True)
    assert standing_of(disputed.pk).confidence
    assess(cast.police, "boat", code="NONE")
    assert standing_of(disputed.pk).status == "withdrawn"
    for code in ("TEST", "NONE"):
        assess(cast.regulator, "boat", code=code)
    assess(cast.police, "boat", code="TEST")
    assert standing_of(disputed.pk).status == "admitted", "the regulator was heard, and overruled"
    assess(cast.monitor, "boat", code="NONE")
    item = report(cast.monitor, "boat")
    assess(cast.police, "boat", code="NONE")
    assess(cast.police, "boat", code="TEST")
    assert standing_of(item.pk).status == "withdrawn", "the monitor's no is another one"


def test_what_was_judged_before_a_no_does_not_count(cast: Cast, disputed: Item) -> None:
    for actor in (person_for(cast.monitor), another("police", "harbour")):
        vote(actor, qualifies=False)
    assess(cast.regulator, "boat", code="TEST")
    assert standing_of(disputed.pk).status == "waiting", "one fresh judgement, and two that were ruled out"
    assess(cast.police, "boat", code="TEST")
    assert standing_of(disputed.pk).status == "admitted"


def refused(statement: str, *, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.usefixtures("disputed")
def test_the_database_seats_nobody_who_took_part(cast: Cast) -> None:
    insert = (
        "INSERT INTO panel_vote (panel_id, organisation_id, person_id, qualifies, reason, at) "
        "SELECT panel.id, p.organisation_id, p.id, true, 'x', now() FROM panel, person p WHERE p.id = '{}'"
    )
    for member, why in (
        (cast.police, "has judged the item"),
        (cast.regulator, "has judged"),
        (cast.carrier, "judge items"),
    ):
        refused(insert.format(person_for(member).person), why=why)
    someone = person_for(cast.monitor)
    refused(
        insert.replace("p.organisation_id", f"'{cast.support_centre.organisation.pk}'").format(someone.person),
        why="judge items",
    )
    vote(someone, qualifies=True)
    refused(insert.format(someone.person), why="panel_vote_once")


def test_the_database_rules_by_majority_only_and_once(cast: Cast, disputed: Item) -> None:
    vote(person_for(cast.monitor), qualifies=True)
    assert only_panel().item == disputed
    insert = (
        "INSERT INTO ruling (item_id, panel_id, round, qualifies, reason, at) "
        "SELECT item_id, id, 1, true, '', now() FROM panel"
    )
    refused(insert, why="no majority of the panel")
    refused(
        "INSERT INTO panel (id, item_id, opened_at) SELECT gen_random_uuid(), item_id, now() FROM panel",
        why="one at a time",
    )
    vote(another("police", "harbour"), qualifies=True)
    refused(insert, why="ruling_panel_id_key|unique")
    for statement in (
        "UPDATE ruling SET qualifies = false",
        "DELETE FROM ruling",
        "UPDATE panel_vote SET qualifies = false",
        "DELETE FROM panel_vote",
        "UPDATE panel SET opened_at = now()",
    ):
        refused(statement, why="refused|append-only")
    assert (PanelVote.objects.count(), Ruling.objects.count()) == (2, 1)
