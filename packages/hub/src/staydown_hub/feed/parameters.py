"""The query parameters of the feed's routes, read strictly: what is wrong is named, nothing unknown is passed over."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from staydown_hub.feed.answers import RefusedError
from staydown_hub.sealing.records import BUNDLE_RECORDS

MAX_POSITION: Final = 2**63 - 1


def tail_parameters(query: bytes) -> tuple[int, int]:
    """Return `after` and `limit` of a tail."""
    given = _given(query, known={"after", "limit"})
    after = _whole("after", given.get("after", "-1"), low=-1, high=MAX_POSITION)
    return after, _whole("limit", given.get("limit", str(BUNDLE_RECORDS)), low=1, high=BUNDLE_RECORDS)


def no_parameters(query: bytes) -> None:
    """Refuse any parameter."""
    if query:
        raise _invalid("query", "This route takes no parameters.")


def stream_position(query: bytes, last_event_id: str | None) -> int:
    """Return the position after which a stream begins: the header's, as a browser sends it again, else the query's."""
    given = _given(query, known={"after"})
    if last_event_id is not None:
        return _whole("Last-Event-ID", last_event_id, low=-1, high=MAX_POSITION)
    return _whole("after", given.get("after", "-1"), low=-1, high=MAX_POSITION)


def _given(query: bytes, *, known: set[str]) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=len(known))
    except ValueError:
        raise _unknown(known) from None
    given = dict(pairs)
    if len(given) < len(pairs) or not given.keys() <= known:
        raise _unknown(known)
    return given


def _whole(name: str, text: str, *, low: int, high: int) -> int:
    is_number = text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() and len(text) <= len(str(high))
    if not is_number or not low <= int(text) <= high:
        raise _invalid(name, f"Must be a whole number from {low} to {high}.")
    return int(text)


def _unknown(known: set[str]) -> RefusedError:
    return _invalid("query", f"The parameters are {', '.join(sorted(known))}, each once at most.")


def _invalid(field: str, message: str) -> RefusedError:
    what = "Correct the named fields and send the request again."
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", what, {field: message})
