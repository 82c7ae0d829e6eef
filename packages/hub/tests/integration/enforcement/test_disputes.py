"""Disputes reviewed and appealed: by others than those who took part, reaching every filter; also straight in SQL."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.enforcement import reviewing
from staydown_hub.enforcement.errors import NotYoursError
from staydown_hub.enforcement.models import Dispute
from staydown_hub.lists.models import Entry, GateStop, Ruling, SafeFingerprint, Withdrawal
from staydown_hub.lists.queries import standing_of
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess
from packages.hub.tests.people import REASON, another, disputed_by, person_for, ruled_dispute


def state(dispute: Dispute) -> str:
    return reviewing.case_of(reviewing.disputes().get(pk=dispute.pk)).state


def review(actor: Actor, dispute: Dispute, *, qualifies: bool) -> str:
    return reviewing.review(actor, dispute_id=dispute.pk, qualifies=qualifies, reason=REASON)


def status() -> str:
    return standing_of(Item.objects.get().pk).status


def operations() -> list[str]:
    return list(Entry.objects.order_by("position").values_list("operation", flat=True))


def test_a_wrong_entry_leaves_every_list_and_joins_the_safe_corpus(cast: Cast) -> None:
    dispute = ruled_dispute(cast, qualifies=False)
    assert (state(dispute), status()) == ("upheld", "withdrawn")
    assert operations() == ["admit", "withdraw"]
    assert Withdrawal.objects.get().organisation == cast.regulator.organisation
    assert SafeFingerprint.objects.filter(source=f"dispute {dispute.pk}").count() == 4
    acts = set(AuditRecord.objects.filter(subject=f"item:{dispute.item_id}").values_list("act", flat=True))
    assert {"entry disputed", "dispute ruled on", "entry withdrawn"} <= acts
    for member in (cast.police, cast.support_centre):
        assess(member, "boat", code="TEST")
    assert operations() == ["admit", "withdraw"], "judged anew, it is for people: the gate knows it"
    assert GateStop.objects.count() == 1


def test_a_right_entry_stays(cast: Cast) -> None:
    dispute = ruled_dispute(cast, qualifies=True)
    assert (state(dispute), status(), operations()) == ("rejected", "admitted", ["admit"])
    assert not SafeFingerprint.objects.filter(source__startswith="dispute").exists()


@pytest.mark.parametrize("name", ["police", "support_centre", "platform", "oversight", "carrier"])
def test_who_took_part_or_judges_nothing_does_not_review(cast: Cast, name: str) -> None:
    admitted_item(cast, "boat")
    dispute = disputed_by(cast.platform)
    with pytest.raises(NotYoursError):
        review(person_for(cast.member(name)), dispute, qualifies=False)
    for actor in (cast.regulator.actor, cast.regulator.person("supervisor")):
        with pytest.raises(NotYoursError):
            review(actor, dispute, qualifies=False)
    assert not Ruling.objects.exists()


def test_a_carrier_appeals_and_another_reviewer_puts_it_back(cast: Cast) -> None:
    dispute = ruled_dispute(cast, qualifies=False)
    for member in (cast.platform, cast.regulator, cast.monitor):
        with pytest.raises(NotYoursError):
            reviewing.appeal(member.actor, dispute_id=dispute.pk, reason=REASON)
    reviewing.appeal(cast.police.actor, dispute_id=dispute.pk, reason=REASON)
    with pytest.raises(NotYoursError):
        reviewing.appeal(cast.support_centre.actor, dispute_id=dispute.pk, reason=REASON)
    assert (state(dispute), status()) == ("appealed", "withdrawn"), "meanwhile the ruling stands"
    with pytest.raises(NotYoursError):
        review(person_for(cast.regulator), dispute, qualifies=False)
    assert review(person_for(cast.monitor), dispute, qualifies=True) == "rejected_finally"
    assert (status(), operations()) == ("admitted", ["admit", "withdraw", "admit"])
    assert not SafeFingerprint.objects.filter(source__startswith="dispute", retired_at=None).exists()
    with pytest.raises(NotYoursError):
        review(another("police", "harbour"), dispute, qualifies=False)


def test_the_disputer_appeals_and_may_be_right(cast: Cast) -> None:
    dispute = ruled_dispute(cast, qualifies=True)
    reviewing.appeal(cast.platform.actor, dispute_id=dispute.pk, reason=REASON)
    assert review(another("police", "harbour"), dispute, qualifies=False) == "upheld_finally"
    assert (status(), operations()) == ("withdrawn", ["admit", "withdraw"])


def test_an_appeal_has_its_time(cast: Cast) -> None:
    dispute = ruled_dispute(cast, qualifies=True)
    found, later = reviewing.disputes().get(pk=dispute.pk), timezone.now() + timedelta(days=15)
    assert reviewing.may_appeal(found, organisation=cast.platform.organisation.pk)
    assert not reviewing.may_appeal(found, organisation=cast.platform.organisation.pk, now=later)


def test_figures_say_how_often_entries_were_wrong(cast: Cast, client: Client) -> None:
    ruled_dispute(cast, qualifies=False)
    for name in ("tree", "lake", "hill"):
        admitted_item(cast, name)
    disputed_by(cast.platform, position=2)
    disputed_by(cast.another_platform, position=0)
    found = cast.oversight.get(client, "figures").json()
    assert found["admissions"] == 4
    hours = found["rulings"].pop("median_hours_to_ruling")
    assert 0 <= hours < 1
    assert found["rulings"] == {
        "by_state": {"open": 2, "upheld": 1},
        "overdue": 0,
        "wrong_entries": 1,
        "share_wrong": 0.25,
    }
    late = reviewing.case_of(reviewing.disputes()[0], now=timezone.now() + timedelta(days=8))
    assert late.is_overdue


def test_the_api_tells_and_appeals(cast: Cast, client: Client) -> None:
    dispute = ruled_dispute(cast, qualifies=True)
    [own] = cast.platform.get(client, "disputes").json()["disputes"]
    assert (own["dispute"], own["state"], own["overdue"]) == (str(dispute.pk), "rejected", False)
    assert [(one["entry_is_right"], one["organisation"]) for one in own["rulings"]] == [(True, "regulator")]
    assert cast.another_platform.get(client, "disputes").json() == {"disputes": []}
    assert len(cast.oversight.get(client, "disputes?limit=5").json()["disputes"]) == 1
    route = f"disputes/{dispute.pk}/appeals"
    assert cast.another_platform.post(client, route, {"reason": REASON}).status_code == 404
    assert cast.police.post(client, route, {"reason": REASON}).status_code == 409
    assert cast.platform.post(client, route, {"reason": "https://x.example/"}).status_code == 422
    assert cast.platform.post(client, route, {"reason": REASON}).status_code == 201
    assert cast.platform.post(client, route, {"reason": REASON}).status_code == 409


def refused(statement: str, parameters: list[int | UUID | None], *, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


_RULE = """
    INSERT INTO ruling (item_id, dispute_id, round, qualifies, organisation_id, person_id, reason, at)
    SELECT item_id, id, %s, false, %s, %s, 'x', now() FROM dispute
"""
_APPEAL = "INSERT INTO appeal (dispute_id, organisation_id, reason, at) SELECT id, %s, 'x', now() FROM dispute"


def test_the_database_lets_nobody_review_what_they_took_part_in(cast: Cast) -> None:
    admitted_item(cast, "boat")
    disputed_by(cast.platform)
    for name, why in (
        ("police", "who disputed or carried"),
        ("support_centre", "who disputed or carried"),
        ("platform", "whose organisation judges items"),
    ):
        actor = person_for(cast.member(name))
        refused(_RULE, [1, actor.organisation, actor.person], why=why)
    reviewer, other = person_for(cast.regulator), person_for(cast.monitor)
    refused(_RULE, [1, reviewer.organisation, other.person], why="whose organisation judges items")
    refused(_RULE, [2, reviewer.organisation, reviewer.person], why="second round is for an appeal")
    refused(_APPEAL, [cast.platform.organisation.pk], why="no ruling yet")
    review(reviewer, Dispute.objects.get(), qualifies=True)
    refused(_RULE, [2, other.organisation, other.person], why="second round is for an appeal")
    for name in ("police", "regulator", "another_platform"):
        refused(_APPEAL, [cast.member(name).organisation.pk], why="whom the ruling went against")
    reviewing.appeal(cast.platform.actor, dispute_id=Dispute.objects.get().pk, reason=REASON)
    refused(_RULE, [2, reviewer.organisation, reviewer.person], why="another reviewer")
    refused("UPDATE appeal SET reason = ''", [], why="append-only|refused")
    refused("DELETE FROM appeal", [], why="append-only|refused")
