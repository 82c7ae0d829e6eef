"""How every route is declared: its demand on the key, its answers, and the refusals it can make."""

from typing import Any, Final

from pydantic import BaseModel

from staydown_hub.api.schemas import ErrorAnswer

_REFUSALS: Final = (401, 403, 404, 409, 413, 415, 422, 429)
_REFUSALS_WITHOUT_BODY: Final = (401, 403, 404, 422, 429)


def answers(*, has_body: bool, **by_status: type[BaseModel]) -> dict[Any, Any]:
    """Return a route's answers for the OpenAPI file: ``s200=Model`` for success, the refusals in their one shape."""
    successes = {int(name.removeprefix("s")): model for name, model in by_status.items()}
    refusals = _REFUSALS if has_body else _REFUSALS_WITHOUT_BODY
    return {**successes, **dict.fromkeys(refusals, ErrorAnswer)}
