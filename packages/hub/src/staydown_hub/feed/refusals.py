"""The refusal of what is not as it must be, with every wrong field named."""

from collections.abc import Mapping
from http import HTTPStatus

from staydown_hub.feed.answers import RefusedError


def invalid(fields: Mapping[str, str]) -> RefusedError:
    """Return the refusal (422) that says of each named field what is wrong with it."""
    what = "Correct the named fields and send the request again."
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", what, fields)
