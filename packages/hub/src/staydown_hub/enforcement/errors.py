"""What platforms report wrongly about the lists, each with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NO_SUCH_LIST: Final = "There is no such list here, or it is not for your organisation."
NO_SUCH_POSITION: Final = "This list has no admission or amendment at this position."


@dataclass(frozen=True, slots=True)
class WrongRow:
    """One row of a report that cannot be taken: its place in the report, the field, and what is wrong."""

    row: int
    field: str
    message: str


class WrongRowsError(Exception):
    """Rows that name no entry of a list for this organisation; nothing of the report was kept.

    ``reached_for_others`` tells that a list was named which there is, for others.
    """

    def __init__(self, rows: Sequence[WrongRow], *, reached_for_others: bool) -> None:
        super().__init__("Leave the named rows out and send the rest again.")
        self.rows = rows
        self.reached_for_others = reached_for_others


class NotYoursError(Exception):
    """Somebody who took part wants to review, or somebody else wants to appeal; or it is not the time for it."""

    def __init__(self) -> None:
        super().__init__("This is not your organisation's to do now: look at where the dispute stands.")
