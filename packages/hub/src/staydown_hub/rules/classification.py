"""The built-in classification scheme: neutral codes only, their meaning is the organisations' own agreement."""

from typing import Final, Literal, get_args

Code = Literal["A1", "A2", "B1", "B2", "NCII", "TEST", "NONE"]

SCHEME: Final = "baseline-1"
CODES: Final[tuple[Code, ...]] = get_args(Code)
DOES_NOT_QUALIFY: Final[Code] = "NONE"
POSITIVE_CODES: Final[tuple[Code, ...]] = tuple(code for code in CODES if code != DOES_NOT_QUALIFY)
