"""Acts that take two: what a lone hand tries, through the services and straight in SQL."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.errors import NotCarriedByError, NotInForceError
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.lists.proposed import propose_redaction, propose_withdrawal
from staydown_hub.organisations import four_eyes, importing, waiting
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import (
    AlreadyProposedError,
    MayNotProposeError,
    NotASecondHandError,
    NotOpenError,
    ProposerGoneError,
    SlugTakenError,
    UnknownProposalError,
)
from staydown_hub.organisations.models import ApiKey, Organisation, Person, Proposal
from staydown_hub.organisations.proposed import propose_organisation
from staydown_hub.rules.roll import OrganisationLine, PersonLine

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item

WHY = "The wrong file."
NEW = OrganisationLine("new", "New", "monitor", (), "", (PersonLine("eve@new.example", "administrator"),), ())


@pytest.fixture
def entry(cast: Cast) -> Entry:
    """Give an entry in force, carried by police and support centre."""
    admitted_item(cast, "boat")
    return Entry.objects.get()


def withdrawal(actor: Actor) -> Proposal:
    return propose_withdrawal(actor, shared_list=SharedList.objects.get(slug="main"), position=0, reason=WHY)


def redaction(actor: Actor) -> Proposal:
    return propose_redaction(actor, shared_list=SharedList.objects.get(slug="main"), position=0, reason=WHY)


def row(actor: Actor) -> QuerySet[Person]:
    """Return an actor's person, to be changed."""
    return Person.objects.filter(pk__in=[actor.person] if actor.person else [])


def acts_on(proposal: Proposal) -> list[str]:
    records = AuditRecord.objects.filter(subject=f"proposal:{proposal.pk}").order_by("pk")
    return list(records.values_list("act", flat=True))


def approve(actor: Actor, proposal: Proposal) -> Proposal:
    return four_eyes.approve(actor, proposal_id=proposal.pk)


@pytest.mark.usefixtures("entry")
def test_nothing_happens_before_another_agrees(cast: Cast) -> None:
    proposal = withdrawal(cast.police.person("assessor"))
    assert Entry.objects.count() == 1
    done = approve(cast.police.person("supervisor"), proposal)
    assert (done.state, done.result) == (
        "approved",
        {"position": 1, "item": str(Entry.objects.get(position=0).item_id)},
    )
    assert acts_on(proposal) == ["proposal proposed", "proposal approved"]
    said = [json.loads(one.detail) for one in AuditRecord.objects.filter(subject=f"proposal:{proposal.pk}")]
    assert said[0]["payload"] == said[1]["payload"]
    assert not any(WHY in json.dumps(one) for one in said)
    with pytest.raises(NotOpenError):
        approve(cast.support_centre.person("supervisor"), proposal)


@pytest.mark.usefixtures("entry")
def test_who_is_no_second_pair_of_eyes(cast: Cast) -> None:
    supervisor = cast.police.person("supervisor")
    proposal = withdrawal(supervisor)
    for actor in (
        supervisor,
        cast.police.person("assessor"),
        cast.police.person("administrator"),
        cast.police.person("auditor"),
        cast.police.actor,  # a key of the same organisation, whoever holds it
        Actor(cast.police.organisation.pk, "api"),  # nobody at all
    ):
        with pytest.raises(NotASecondHandError):
            approve(actor, proposal)
    for outsider in (cast.platform.person("supervisor"), cast.monitor.person("supervisor"), cast.outsider.actor):
        with pytest.raises(UnknownProposalError):
            approve(outsider, proposal)
    proposal.refresh_from_db()
    assert proposal.state == "open"
    assert Entry.objects.count() == 1


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("how", ["acts for them", "made by them"])
def test_a_person_does_not_agree_to_what_their_own_key_proposed(cast: Cast, how: str) -> None:
    supervisor, other = cast.police.person("supervisor"), cast.police.person("assessor")
    holder = {"person_id": supervisor.person} if how == "acts for them" else {"made_by_id": supervisor.person}
    ApiKey.objects.filter(pk=cast.police.key.pk).update(**{"person_id": other.person} | holder)
    proposal = withdrawal(cast.police.actor)
    with pytest.raises(NotASecondHandError):
        approve(supervisor, proposal)
    assert approve(cast.police.person("supervisor", "ben"), proposal).state == "approved"


@pytest.mark.usefixtures("entry")
def test_what_a_key_of_unknown_hands_proposed_takes_another_organisation(cast: Cast) -> None:
    ApiKey.objects.filter(pk=cast.police.key.pk).update(person=None)
    proposal = withdrawal(cast.police.actor)
    with pytest.raises(NotASecondHandError):
        approve(cast.police.person("supervisor"), proposal)
    assert approve(cast.regulator.person("supervisor"), proposal).state == "approved"


@pytest.mark.usefixtures("entry")
def test_two_organisations_keys_are_two_pairs_of_eyes_and_one_s_are_not(cast: Cast) -> None:
    proposal = withdrawal(cast.police.actor)
    another = ApiKey.objects.create(
        organisation=cast.police.organisation, name="b", prefix="bbbbbbbb", token_hash=b"b" * 32, scopes=["withdraw"]
    )
    with pytest.raises(NotASecondHandError):
        approve(Actor(cast.police.organisation.pk, "api", key=another.pk), proposal)
    ApiKey.objects.filter(pk=cast.support_centre.key.pk).update(revoked_at=timezone.now())
    with pytest.raises(UnknownProposalError):
        approve(cast.support_centre.actor, proposal)
    ApiKey.objects.filter(pk=cast.support_centre.key.pk).update(revoked_at=None)
    assert approve(cast.support_centre.actor, proposal).state == "approved"


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("tie", ["invited_by_id", "role_given_by_id"])
def test_nobody_brings_in_their_own_second_person(cast: Cast, tie: str) -> None:
    proposer, made = cast.police.person("supervisor"), cast.police.person("supervisor", "puppet")
    row(made).update(**{tie: proposer.person})
    proposal = withdrawal(proposer)
    with pytest.raises(NotASecondHandError):
        approve(made, proposal)


@pytest.mark.usefixtures("entry")
def test_what_somebody_may_not_do_any_more_counts_at_once(cast: Cast) -> None:
    proposer, approver = cast.police.person("assessor"), cast.police.person("supervisor")
    proposal = withdrawal(proposer)
    row(approver).update(is_active=False)
    with pytest.raises(NotASecondHandError):
        approve(approver, proposal)
    row(approver).update(is_active=True)
    row(proposer).update(role="reporter")
    with pytest.raises(ProposerGoneError):
        approve(approver, proposal)
    row(proposer).update(role="assessor")
    assert approve(approver, proposal).state == "approved"


@pytest.mark.usefixtures("entry")
def test_a_stolen_key_s_proposal_ends_with_the_key(cast: Cast) -> None:
    proposal = withdrawal(cast.police.actor)
    ApiKey.objects.filter(pk=cast.police.key.pk).update(revoked_at=timezone.now())
    with pytest.raises(ProposerGoneError):
        approve(cast.regulator.person("supervisor"), proposal)


@pytest.mark.usefixtures("entry")
def test_the_same_is_proposed_once(cast: Cast) -> None:
    first = withdrawal(cast.police.person("assessor"))
    with pytest.raises(AlreadyProposedError) as told:
        withdrawal(cast.police.person("supervisor"))
    assert told.value.proposal == first.pk
    four_eyes.decline(cast.police.person("supervisor"), proposal_id=first.pk, reason="It is the right file.")
    again = withdrawal(cast.police.person("assessor"))
    taken = four_eyes.decline(cast.police.person("assessor"), proposal_id=again.pk, reason="A slip.")
    assert (taken.state, acts_on(again)) == ("taken back", ["proposal proposed", "proposal taken back"])


@pytest.mark.usefixtures("entry")
def test_of_two_that_wait_for_the_same_the_second_fails_whole(cast: Cast) -> None:
    first, second = withdrawal(cast.police.person("assessor")), withdrawal(cast.support_centre.person("assessor"))
    approve(cast.police.person("supervisor"), first)
    with pytest.raises(NotInForceError):
        approve(cast.support_centre.person("supervisor"), second)
    second.refresh_from_db()
    assert (second.state, acts_on(second)) == ("open", ["proposal proposed"])
    assert Entry.objects.count() == 2


@pytest.mark.usefixtures("entry")
def test_who_may_not_propose(cast: Cast) -> None:
    for role in ("reporter", "auditor", "administrator"):
        with pytest.raises(MayNotProposeError):
            withdrawal(cast.police.person(role))
    with pytest.raises(MayNotProposeError):
        redaction(cast.police.person("assessor"))
    with pytest.raises(MayNotProposeError):
        redaction(cast.police.actor)
    with pytest.raises(NotCarriedByError):
        withdrawal(cast.regulator.person("supervisor"))


@pytest.mark.usefixtures("entry")
def test_time_alone_ends_it(cast: Cast) -> None:
    proposal = withdrawal(cast.police.person("assessor"))
    assert four_eyes.expire_due() == 0
    moved(proposal)
    assert waiting.open_for(cast.police.person("supervisor")) == []
    with pytest.raises(NotOpenError):
        approve(cast.police.person("supervisor"), proposal)
    assert four_eyes.expire_due() == 1
    assert acts_on(proposal) == ["proposal proposed", "proposal expired"]
    assert withdrawal(cast.police.person("assessor")).state == "open"


def moved(proposal: Proposal) -> None:
    """Let the proposal's time be over, past the trigger that holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE proposal DISABLE TRIGGER USER")
        Proposal.objects.filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE proposal ENABLE TRIGGER USER")


def test_a_redaction_takes_another_organisation(cast: Cast, entry: Entry) -> None:
    proposal = redaction(cast.police.person("supervisor"))
    with pytest.raises(NotASecondHandError):
        approve(cast.police.person("supervisor", "ben"), proposal)
    with pytest.raises(UnknownProposalError):
        approve(cast.support_centre.actor, proposal)
    approve(cast.support_centre.person("supervisor"), proposal)
    entry.refresh_from_db()
    assert (entry.body, entry.salt) == (None, None)
    ordered = AuditRecord.objects.get(act="redaction ordered")
    both = sorted(str(one.person("supervisor").person) for one in (cast.police, cast.support_centre))
    assert json.loads(ordered.detail)["confirmed_by"] == both


def test_an_organisation_is_added_by_two(cast: Cast) -> None:
    proposal = propose_organisation(cast.police.person("administrator"), NEW)
    with pytest.raises(NotASecondHandError):
        approve(cast.police.person("supervisor"), proposal)
    for one in (cast.support_centre.person("assessor"), cast.platform.person("administrator")):
        with pytest.raises(UnknownProposalError):
            approve(one, proposal)
    approve(cast.support_centre.person("administrator"), proposal)
    assert Person.objects.get(email="eve@new.example").organisation == Organisation.objects.get(slug="new")
    with pytest.raises(SlugTakenError):
        propose_organisation(cast.police.person("administrator"), NEW)


def test_the_operator_sets_up_and_later_proposes(cast: Cast) -> None:
    assert not importing.has_approvers()
    assert [one.slug for one in importing.import_roll((NEW,)).organisations] == ["new"]
    second = OrganisationLine("second", "Second", "carrier", (), "", (), ())
    cast.police.person("administrator")
    imported = importing.import_roll((NEW, second))
    assert (imported.organisations, [one.state for one in imported.proposed]) == ((), ["open"])
    assert importing.import_roll((second,)).proposed == imported.proposed
    approve(cast.police.person("administrator"), imported.proposed[0])
    assert Organisation.objects.filter(slug="second").exists()


def in_sql(statement: str, *values: UUID | None) -> Callable[[], None]:
    def act() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return act


def refused(act: Callable[[], Any], *, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        act()


_APPROVE = """
    UPDATE proposal SET state = 'approved', decided_at = now(), decided_organisation_id = %s, decided_by_id = %s,
        decided_by_key_id = %s WHERE id = %s
"""


@pytest.mark.usefixtures("entry")
def test_the_database_refuses_a_lone_hand_too(cast: Cast) -> None:
    supervisor, police = cast.police.person("supervisor"), cast.police.organisation.pk
    by_person = withdrawal(supervisor)
    puppet = cast.police.person("supervisor", "puppet")
    row(puppet).update(invited_by_id=supervisor.person)
    away = cast.police.person("supervisor", "away")
    row(away).update(is_active=False)
    ApiKey.objects.filter(pk=cast.police.key.pk).update(person_id=supervisor.person)
    for person, key in (
        (supervisor.person, None),
        (None, None),
        (puppet.person, None),
        (away.person, None),
        (cast.police.person("assessor").person, None),
        (cast.police.person("administrator").person, None),
        (cast.support_centre.person("supervisor").person, None),  # not of the organisation that is named
        (None, cast.police.key.pk),
        (supervisor.person, cast.police.key.pk),
        (None, cast.support_centre.key.pk),
    ):
        refused(in_sql(_APPROVE, police, person, key, by_person.pk), why="takes somebody else|proposal_by_another")
    redact = redaction(cast.police.person("supervisor", "ben"))
    refused(in_sql(_APPROVE, police, supervisor.person, None, redact.pk), why="takes somebody else")


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize(
    "change",
    [
        "payload = '{}'",
        "barred = '{}'",
        "is_holder_known = NOT is_holder_known",
        "proposed_by_id = NULL",
        "expires_at = expires_at + interval '1 day'",
        "subject = 'entry:main/1'",
        "state = 'open'",
        "act = 'export', state = 'declined'",
    ],
)
def test_what_was_proposed_stays_as_it_is(cast: Cast, change: str) -> None:
    withdrawal(cast.police.person("assessor"))
    refused(in_sql(f"UPDATE proposal SET {change}"), why="stays as it is")  # noqa: S608 -- from the table above


@pytest.mark.usefixtures("entry")
def test_what_was_decided_stays_decided(cast: Cast) -> None:
    proposal = withdrawal(cast.police.person("assessor"))
    four_eyes.decline(cast.police.person("supervisor"), proposal_id=proposal.pk, reason="It is the right file.")
    supervisor = cast.police.person("supervisor")
    refused(in_sql(_APPROVE, supervisor.organisation, supervisor.person, None, proposal.pk), why="stays decided")
    refused(in_sql("DELETE FROM proposal"), why="append-only|cannot be|refuse")


@pytest.mark.usefixtures("entry")
def test_the_database_itself_says_who_could_be_behind_a_key(cast: Cast) -> None:
    maker, holder = cast.police.person("administrator"), cast.police.person("assessor")
    ApiKey.objects.filter(pk=cast.police.key.pk).update(made_by_id=maker.person, person_id=holder.person)
    cast.police.key.refresh_from_db()
    proposal = withdrawal(cast.police.actor)
    assert set(proposal.barred) == {maker.person, holder.person}
    assert proposal.is_holder_known
    now = timezone.now()
    lie = Proposal(act="export", subject="x", payload={}, proposed_at=now, expires_at=now, source="x")
    lie.organisation, lie.proposed_by_key = cast.support_centre.organisation, cast.police.key
    refused(lambda: lie.save(force_insert=True), why="own organisation")
    lie.proposed_by_key = None
    refused(lambda: lie.save(force_insert=True), why="nobody proposes")
    lie.state = "approved"
    refused(lambda: lie.save(force_insert=True), why="begins open")


@pytest.mark.usefixtures("entry")
def test_over_the_api_the_proposer_s_key_is_refused_and_that_is_on_record(cast: Cast, client: Client) -> None:
    body = {"position": 0, "reason": WHY}
    made = cast.police.post(client, "lists/main/withdrawals", body).json()
    assert cast.police.post(client, "lists/main/withdrawals", body).status_code == 409
    assert cast.police.post(client, f"proposals/{made['proposal']}/approval", {}).status_code == 403
    assert AuditRecord.objects.filter(act="request refused").count() == 1
    assert cast.monitor.get(client, f"proposals/{made['proposal']}").status_code == 403
    assert cast.support_centre.get(client, "proposals").json()["proposals"] == [made]
    declined = cast.regulator.post(client, f"proposals/{made['proposal']}/decline", {"reason": "It is the right file."})
    assert declined.json()["state"] == "declined"
    assert cast.support_centre.post(client, f"proposals/{made['proposal']}/approval", {}).status_code == 409
    assert cast.support_centre.get(client, "proposals").json() == {"proposals": []}
