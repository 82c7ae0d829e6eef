"""Assessments, withdrawals, panels, disputes and appeals in any order, beside a small model of what must hold.

The model knows nothing of lists, tables and walls: it remembers what everybody said last and what people ruled.
Whatever happens, the standing of the item follows from that, and nobody decides what they took part in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from staydown_hub.enforcement import reviewing
from staydown_hub.enforcement.errors import NotYoursError
from staydown_hub.enforcement.models import Dispute
from staydown_hub.lists import deciding, services
from staydown_hub.lists.errors import ListError
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.lists.panels import open_panels
from staydown_hub.lists.queries import standing_of

from packages.hub.tests.cast import make_cast
from packages.hub.tests.factories import assess, report
from packages.hub.tests.people import REASON, disputed_by, person_for

JUDGES: Final = ("police", "support_centre", "regulator", "monitor")
REQUIRED: Final = {"police", "support_centre"}
judges, platforms, answers = st.sampled_from(JUDGES), st.sampled_from(["platform", "another_platform"]), st.booleans()


@dataclass
class Case:
    """One dispute as the model remembers it: who ruled how and when, and whether it was appealed."""

    by: str
    rulings: list[tuple[str, bool, int]] = field(default_factory=list)
    appealed: bool = False

    @property
    def waits(self) -> bool:
        return len(self.rulings) == (1 if self.appealed else 0)

    @property
    def wrong_since(self) -> int:
        return self.rulings[-1][2] if self.rulings and not self.rulings[-1][1] else 0


@dataclass
class Model:
    """What everybody said last, with the turn in which they did, and what follows from it."""

    turn: int = 0
    said: dict[str, tuple[bool, int]] = field(default_factory=dict)
    said_no: set[str] = field(default_factory=set)
    overruled: set[str] = field(default_factory=set)
    panel_no: int = 0
    panel: dict[str, bool] | None = None
    cases: dict[int, Case] = field(default_factory=dict)
    carriers: set[str] = field(default_factory=set)
    ever_carried: set[str] = field(default_factory=set)
    is_listed: bool = False
    was_listed: bool = False

    @property
    def counts_since(self) -> int:
        return max([self.panel_no, *(case.wrong_since for case in self.cases.values())])

    @property
    def speaking(self) -> set[str]:
        return {who for who, (yes, turn) in self.said.items() if yes and turn > self.counts_since}

    @property
    def is_stopped(self) -> bool:
        return any(not yes and who not in self.overruled for who, (yes, _) in self.said.items())

    def say(self, who: str, *, yes: bool) -> None:
        before = self.said.get(who)
        if before is None or before[0] != yes or before[1] <= self.counts_since:
            self.said[who] = (yes, self.turn)
        if not yes:
            self.said_no.add(who)

    def settle(self) -> None:
        met = len(self.speaking) >= 2 and bool(self.speaking & REQUIRED)
        if self.is_listed:
            self.is_listed = met
        # What was found wrong is in the safe corpus, and here nobody overrules the gate.
        elif met and not self.is_stopped and not any(case.wrong_since for case in self.cases.values()):
            self.is_listed = self.was_listed = True
            self.carriers = set(self.speaking)
            self.ever_carried |= self.carriers
        if self.panel is None and not self.is_listed and self.speaking and self.is_stopped:
            self.panel = {}


class Deciding(RuleBasedStateMachine):
    """One item, four judges, two platforms; each act is tried by whoever comes, and the model says whether it may."""

    @initialize()
    def begin(self) -> None:
        self.savepoint = transaction.savepoint()
        self.cast = make_cast()
        self.item = report(self.cast.platform, "boat")
        self.main = SharedList.objects.get(slug="main")
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)

    def took_place(self) -> None:
        self.model.settle()

    @rule(who=judges, yes=answers)
    def judge(self, who: str, yes: bool) -> None:  # noqa: FBT001
        self.model.turn += 1
        assess(self.cast.member(who), "boat", code="TEST" if yes else "NONE")
        self.model.say(who, yes=yes)
        self.took_place()

    @rule(who=judges)
    def withdraw(self, who: str) -> None:
        last = Entry.objects.filter(operation__in=("admit", "amend")).order_by("-position").first()
        if last is None:
            return
        self.model.turn += 1
        allowed = self.model.is_listed and who in self.model.carriers
        if self.attempted(
            lambda: services.withdraw_entry(
                self.cast.member(who).actor, shared_list=self.main, position=last.position, reason=REASON
            ),
            allowed=allowed,
        ):
            self.model.say(who, yes=False)
            self.model.is_listed = False
            self.took_place()

    @rule(who=judges, yes=answers)
    def vote(self, who: str, yes: bool) -> None:  # noqa: FBT001
        if self.model.panel is None:
            return
        self.model.turn += 1
        [panel] = open_panels()
        allowed = who not in self.model.said and who not in self.model.panel
        actor = person_for(self.cast.member(who))
        if self.attempted(
            lambda: deciding.vote(actor, panel_id=panel.pk, qualifies=yes, reason=REASON), allowed=allowed
        ):
            self.model.panel[who] = yes
            if list(self.model.panel.values()).count(yes) == 2:
                self.model.panel = None
                if yes:
                    self.model.overruled |= self.model.said_no
                else:
                    self.model.panel_no = self.model.turn
                self.took_place()

    @rule(who=platforms)
    def dispute(self, who: str) -> None:
        if not self.model.is_listed:
            return
        last = Entry.objects.order_by("-position")[0]
        made = disputed_by(self.cast.member(who), position=last.position)
        self.model.cases.setdefault(made.pk.int, Case(by=who))

    @rule(who=st.sampled_from((*JUDGES, "platform")), yes=answers, pick=st.integers(0, 5))
    def review(self, who: str, yes: bool, pick: int) -> None:  # noqa: FBT001
        case, dispute = self.picked(pick)
        if case is None or dispute is None:
            return
        self.model.turn += 1
        ruled = {one for one, _, _ in case.rulings}
        allowed = case.waits and who in JUDGES and who not in self.model.ever_carried | ruled
        actor = person_for(self.cast.member(who))
        if self.attempted(
            lambda: reviewing.review(actor, dispute_id=dispute.pk, qualifies=yes, reason=REASON), allowed=allowed
        ):
            case.rulings.append((who, yes, self.model.turn))
            self.took_place()

    @rule(who=st.sampled_from((*JUDGES, "platform", "another_platform")), pick=st.integers(0, 5))
    def appeal(self, who: str, pick: int) -> None:
        case, dispute = self.picked(pick)
        if case is None or dispute is None:
            return
        loser = bool(case.rulings) and (who == case.by if case.rulings[0][1] else who in self.model.ever_carried)
        allowed = loser and not case.appealed
        if self.attempted(
            lambda: reviewing.appeal(self.cast.member(who).actor, dispute_id=dispute.pk, reason=REASON), allowed=allowed
        ):
            case.appealed = True

    def picked(self, pick: int) -> tuple[Case | None, Dispute | None]:
        cases = list(self.model.cases.items())
        if not cases:
            return None, None
        key, case = cases[pick % len(cases)]
        return case, next(one for one in Dispute.objects.all() if one.pk.int == key)

    def attempted(self, act: Callable[[], object], *, allowed: bool) -> bool:
        """Try it; it must succeed exactly when the model says so."""
        try:
            with transaction.atomic():
                act()
        except (ListError, NotYoursError):
            assert not allowed
            return False
        assert allowed
        return True

    @invariant()
    def the_standing_follows_from_what_was_said(self) -> None:
        status = standing_of(self.item.pk).status
        assert (status == "admitted") == self.model.is_listed
        assert (status == "withdrawn") == (self.model.was_listed and not self.model.is_listed)
        assert open_panels().count() == (self.model.panel is not None)

    @invariant()
    def nobody_alone_put_it_there(self) -> None:
        assert not self.model.is_listed or len(self.model.carriers) >= 2

    @invariant()
    def the_log_alternates(self) -> None:
        operations = list(Entry.objects.order_by("position").values_list("operation", flat=True))
        assert operations == [("admit", "withdraw")[number % 2] for number in range(len(operations))]


@pytest.mark.usefixtures("db")
def test_any_order_of_what_people_do() -> None:
    run_state_machine_as_test(
        Deciding,
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
