"""What people may write as a reason: plain words, without an address or a fingerprint in them."""

import re
from typing import Final

MAX_REASON_CHARACTERS: Final = 1000
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SENSITIVE: Final = re.compile(r"://|[0-9A-Fa-f]{32}")


def check_reason(reason: str) -> str:
    """Return the reason. Raises ValueError, which says what to change and never repeats it."""
    if not reason.strip() or _CONTROL.search(reason):
        raise ValueError("A reason is plain text.")
    if _SENSITIVE.search(reason):
        raise ValueError("A reason holds no address and no fingerprint: say it without them.")
    return reason
