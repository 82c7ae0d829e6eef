"""Whether a victim is known: what may be said of it, by whom, who sees it, and whom a match concerns. Pure."""

import re
from typing import Final, Literal, get_args

Status = Literal["unidentified", "being_identified", "identified"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

MAX_REFERENCE_CHARACTERS: Final = 64
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./_-]*")

WORDS: Final[dict[Status, str]] = {
    "unidentified": "Victim not identified",
    "being_identified": "Victim being identified",
    "identified": "Victim identified",
}


class BadReferenceError(ValueError):
    """What cannot be a case's reference; the message never repeats it."""


def may_see_cases(kind: str) -> bool:
    """Tell whether an organisation of this kind sees whether a victim is identified, and says so."""
    return kind == "police"


def concerns_the_unit(status: Status) -> bool:
    """Tell whether the unit that holds the case is told of a match: it works on it, or its victim is seen again."""
    return status in {"being_identified", "identified"}


def check_reference(reference: str) -> str:
    """Return a unit's own name of its case: a file number, never a name. Raises BadReferenceError."""
    if len(reference) > MAX_REFERENCE_CHARACTERS or (reference and not _REFERENCE.fullmatch(reference)):
        raise BadReferenceError(
            f"A case's reference has at most {MAX_REFERENCE_CHARACTERS} letters, digits, ./_-: a file number, no name."
        )
    return reference
