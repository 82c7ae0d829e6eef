"""Two organisations in the same instant: real threads, real connections, one admission."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from staydown_hub.audit.queries import verify
from staydown_hub.lists.models import Entry
from staydown_hub.registry.batches import BatchReport, Outcome, Taken, report_batch
from staydown_hub.registry.models import Assessment, Item

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import assess, prints_of, report, sha256_of

ROUNDS = 6


def at_once(*acts: Callable[[], object]) -> None:
    """Run the acts in threads of their own that start together; re-raise what any of them raised."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait(timeout=10)
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(run, act) for act in acts]:
            done.result(timeout=30)


@pytest.mark.usefixtures("committed_db")
def test_two_assessments_at_once_give_one_admission(cast: Cast) -> None:
    for number in range(ROUNDS):
        name = f"boat {number}"
        report(cast.monitor, name)
        at_once(
            lambda name=name: assess(cast.police, name, code="TEST"),  # type: ignore[misc]  # bound in this round
            lambda name=name: assess(cast.support_centre, name, code="TEST"),  # type: ignore[misc]  # the same
            lambda name=name: assess(cast.regulator, name, code="TEST"),  # type: ignore[misc]  # the same
        )
    admissions = Entry.objects.filter(operation="admit")
    assert admissions.count() == ROUNDS
    assert admissions.values("item").distinct().count() == ROUNDS
    positions = list(Entry.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(len(positions)))


@pytest.mark.usefixtures("committed_db")
def test_two_first_reports_at_once_open_one_item(cast: Cast) -> None:
    for number in range(ROUNDS):
        name = f"tree {number}"
        at_once(
            lambda name=name: report(cast.police, name, code="TEST"),  # type: ignore[misc]  # bound in this round
            lambda name=name: report(cast.support_centre, name, code="TEST"),  # type: ignore[misc]  # the same
        )
    assert Item.objects.count() == ROUNDS
    assert Entry.objects.filter(operation="admit").count() == ROUNDS


@pytest.mark.usefixtures("committed_db")
def test_different_items_at_once_get_gapless_positions_and_a_whole_audit_chain(cast: Cast) -> None:
    names = [f"lake {number}" for number in range(4)]
    for name in names:
        report(cast.support_centre, name, code="TEST")
    at_once(*[lambda name=name: assess(cast.police, name, code="TEST") for name in names])
    assert sorted(Entry.objects.values_list("position", flat=True)) == [0, 1, 2, 3]
    found = verify()
    assert found.problems == ()
    assert found.seals > len(names)


@pytest.mark.usefixtures("committed_db")
def test_two_judge_one_item_against_each_other_at_once_and_one_order_holds(cast: Cast) -> None:
    for number in range(ROUNDS):
        name = f"hill {number}"
        report(cast.support_centre, name, code="TEST")
        at_once(
            lambda name=name: assess(cast.police, name, code="TEST"),  # type: ignore[misc]  # bound in this round
            lambda name=name: assess(cast.regulator, name, code="NONE"),  # type: ignore[misc]  # the same
        )
        item = Item.objects.get(fingerprints__value=sha256_of(name).value)
        current = Assessment.objects.filter(item=item, superseded_at=None)
        assert current.values("organisation").distinct().count() == current.count() == 3
        # Whoever was first: a dispute before the admission stops it, one after it undoes nothing.
        assert Entry.objects.filter(item=item).count() == (0 if _was_first(item, cast.regulator) else 1)


@pytest.mark.usefixtures("committed_db")
def test_the_same_batch_twice_at_once_is_one(cast: Cast) -> None:
    reports = [
        BatchReport(reference=f"row {number}", kind="picture", fingerprints=prints_of(f"reed {number}"), code="TEST")
        for number in range(30)
    ]
    told: list[list[Outcome]] = []
    at_once(*[lambda: told.append(report_batch(cast.police.actor, reports))] * 3)
    assert told[0] == told[1] == told[2]
    assert all(isinstance(one, Taken) and not one.known for one in told[0])
    assert (Item.objects.count(), Assessment.objects.count()) == (30, 30)
    assert verify().problems == ()


@pytest.mark.usefixtures("committed_db")
def test_batches_of_the_same_files_and_their_assessments_at_once_admit_each_once(cast: Cast) -> None:
    def batch(member: Member) -> list[Outcome]:
        return report_batch(
            member.actor,
            [
                BatchReport(
                    reference=f"row {number}", kind="picture", fingerprints=prints_of(f"fern {number}"), code="TEST"
                )
                for number in range(12)
            ],
        )

    at_once(
        lambda: batch(cast.police),
        lambda: batch(cast.support_centre),
        lambda: [report(cast.monitor, f"fern {number}") for number in reversed(range(12))],
    )
    assert Item.objects.count() == 12
    assert Entry.objects.filter(operation="admit").values("item").distinct().count() == 12
    assert Entry.objects.filter(operation="admit").count() == 12
    assert verify().problems == ()


def _was_first(item: Item, member: Member) -> bool:
    """Tell whether the member judged before the police did."""
    orders = dict(Assessment.objects.filter(item=item).values_list("organisation__kind", "pk"))
    return orders[member.organisation.kind] < orders["police"]
