"""The API's description as a file: committed, compared by a test, and made anew by `staydown-hub openapi`."""

import json
from typing import Any, cast

from staydown_hub.api.application import api

PATH_PREFIX = "/api/v1/"


def document() -> dict[str, Any]:
    """Return the OpenAPI description of every route."""
    return cast("dict[str, Any]", json.loads(json.dumps(api.get_openapi_schema(path_prefix=PATH_PREFIX))))


def text() -> str:
    """Return the description as it stands in docs/reference/openapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
