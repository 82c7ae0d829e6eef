"""The panel that decides where assessments disagree: who sits on it, and when it has decided."""

from collections.abc import Collection
from typing import Final

from staydown_hub.rules.access import scopes_of_kind

SEATS: Final = 3
MAJORITY: Final = 2


def may_sit(*, kind: str, has_ever_assessed: bool, has_voted: bool) -> bool:
    """Tell whether an organisation may take a seat: it can judge items, and never judged this one."""
    return "assess" in scopes_of_kind(kind) and not has_ever_assessed and not has_voted


def decision_of(votes: Collection[bool]) -> bool | None:
    """Return what the panel has decided, True for an item that qualifies; None as long as no two of three agree."""
    for answer in (True, False):
        if sum(vote is answer for vote in votes) >= MAJORITY:
            return answer
    return None
