"""A picture board in Starlette that keeps no listed picture.

STAYDOWN_FILTER=/var/lib/staydown/filter BOARD=./board granian --interface asgi starlette_app:app
"""

from __future__ import annotations

import os
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from staydown_client import Filter
from staydown_client.contrib.starlette import require_allowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

BOARD = Path(os.environ["BOARD"])


async def upload(request: Request) -> Response:
    """Keep the form's picture under a name of our own, unless the filter stops it."""
    async with request.form(max_files=1) as form:
        picture = form.get("picture")
        if not isinstance(picture, UploadFile):
            raise HTTPException(400, "Send a form with the field picture.")
        name = uuid.uuid4().hex
        await require_allowed(request.app.state.uploads, picture, reference=name)
        (BOARD / name).write_bytes(await picture.read())
    return JSONResponse({"name": name}, 201)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open the filter once for the whole process."""
    with Filter.open(os.environ["STAYDOWN_FILTER"]) as uploads:
        app.state.uploads = uploads.start()
        yield


app = Starlette(routes=[Route("/pictures", upload, methods=["POST"])], lifespan=lifespan)
