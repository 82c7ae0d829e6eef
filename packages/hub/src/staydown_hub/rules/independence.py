"""Who sees whose assessment: nobody who can give one sees the others' before; only then is it a vote of its own."""

from typing import Final

from staydown_hub.rules.access import scopes_of_kind

# What these say of an item is what others think of it; whoever has still to judge it is told that it is open.
_TOLD_BY_OTHERS: Final = frozenset({"waiting", "disputed"})


def sees_others(*, kind: str, has_assessed: bool) -> bool:
    """Tell whether an organisation of this kind sees the others' assessments of an item.

    The kind counts, not the key: one that may only read must not tell its organisation what the other one hides.
    """
    return has_assessed or "assess" not in scopes_of_kind(kind)


def hides(status: str, *, sees_others: bool) -> bool:
    """Tell whether this standing would give away what others said."""
    return not sees_others and status in _TOLD_BY_OTHERS


def is_independent(*, before: tuple[bool, bool] | None, others_judged: bool, qualifies: bool) -> bool:
    """Tell whether an assessment is a vote of its own.

    ``before`` is what the organisation's last one said, whether it qualifies and whether that was independent; None
    when this is its first. A later one was made in sight of the others': it is independent only as far as it repeats
    what was said before that.
    """
    if before is None or not others_judged:
        return True
    return before == (qualifies, True)
