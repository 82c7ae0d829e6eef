"""Two organisations in the same instant: real threads, real connections, one admission."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from staydown_hub.audit.queries import verify
from staydown_hub.lists.models import Entry
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assess, report

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
