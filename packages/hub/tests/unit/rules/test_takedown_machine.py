"""The table walked at random beside a small world of one list, one recipient's mailbox and one host.

The world knows nothing of the table: it remembers whether the item is listed, what the recipient was told last, and
what was seen last. Whatever happens in whatever order, crashes among it, the state must agree with it.
"""

from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from staydown_hub.rules import takedown as rules

Told = Literal["nothing", "remove", "never mind"]


class Takedown(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state: rules.State | None = None
        self.notified = False
        self.under_way: Literal["notice", "retraction"] | None = None
        # The world.
        self.is_listed = False
        self.told: Told = "nothing"
        self.was_last_seen_gone = False
        self.refuses_mail = False

    def take(self, event: rules.Event, *, by: rules.Role = "worker") -> None:
        step = rules.next_state(state=self.state, event=event, by=by, notified=self.notified)
        self.state = step.next
        self.notified = rules.notified_after(step, notified=self.notified)

    def takes(self, event: rules.Event) -> bool:
        return self.state is not None and rules.may_happen(state=self.state, event=event)

    @precondition(lambda self: not self.is_listed)
    @rule()
    def admit(self) -> None:
        self.is_listed = True
        self.take("opened" if self.state is None else "readmitted", by="list")

    @precondition(lambda self: self.is_listed)
    @rule()
    def withdraw(self) -> None:
        self.is_listed = False
        self.take("withdrawn", by="list")

    @precondition(lambda self: self.state == "unaddressed" and not self.refuses_mail)
    @rule(by=st.sampled_from(["list", "worker"]))
    def find_contact(self, by: rules.Role) -> None:
        self.take("addressed", by=by)

    @precondition(lambda self: self.state and rules.takes_mail(self.state) and self.under_way is None)
    @rule()
    def begin_mail(self) -> None:
        if self.state in {"open", "returned"}:
            self.take("sending_begun")
        self.under_way = "retraction" if self.state == "retracting" else "notice"

    @precondition(lambda self: self.under_way and not self.refuses_mail)
    @rule(is_noted=st.booleans())
    def mail_arrives(self, is_noted: bool) -> None:  # noqa: FBT001
        """Let the mail server take it; when that is not noted the worker was killed just then."""
        event: rules.Event = "retraction_sent" if self.under_way == "retraction" else "notice_sent"
        self.told = "never mind" if self.under_way == "retraction" else "remove"
        self.under_way = None
        if is_noted and self.takes(event):
            self.take(event)

    @precondition(lambda self: self.under_way)
    @rule()
    def worker_dies_before_the_mail(self) -> None:
        self.under_way = None

    @precondition(lambda self: self.under_way)
    @rule()
    def mail_is_refused(self) -> None:
        self.refuses_mail = True
        self.under_way = None
        if self.takes("undeliverable"):
            self.take("undeliverable")

    @precondition(lambda self: self.state and rules.takes_checks(self.state))
    @rule(outcome=st.sampled_from(rules.OUTCOMES))
    def check(self, outcome: rules.Outcome) -> None:
        assert self.state
        if outcome in {"up", "gone"}:
            self.was_last_seen_gone = outcome == "gone"
        if event := rules.event_of_check(state=self.state, outcome=outcome):
            self.take(event)

    @precondition(lambda self: self.state == "sent")
    @rule()
    def deadline_passes(self) -> None:
        self.take("deadline_passed")

    @invariant()
    def is_asked_only_while_listed(self) -> None:
        assert (self.state not in {None, "retracting", "cancelled"}) == self.is_listed

    @invariant()
    def is_overdue_only_what_was_told(self) -> None:
        assert self.state not in {"sent", "overdue"} or self.told == "remove"

    @invariant()
    def is_gone_only_what_was_seen_gone(self) -> None:
        assert self.state != "gone" or self.was_last_seen_gone

    @invariant()
    def nobody_is_left_with_a_notice_that_no_longer_holds(self) -> None:
        """Unless the recipient takes no mail any more, or a mail is just on its way."""
        if self.state == "cancelled" and not self.refuses_mail and self.under_way is None:
            assert self.told != "remove"


TestTakedown = Takedown.TestCase
TestTakedown.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
