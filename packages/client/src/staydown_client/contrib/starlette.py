"""For Starlette and FastAPI: hold an upload against the list before the application keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile

    from staydown_client.filter import Filter
    from staydown_client.verdict import Verdict

_REFUSED = 422


async def check_upload(uploads: Filter, upload: UploadFile, *, reference: str | None = None) -> Verdict:
    """Return the verdict of an uploaded file, which is at its beginning again afterwards.

    The event loop is not kept: the check runs in Starlette's threads. `reference` as in `Filter.check`.
    """
    await upload.seek(0)
    verdict = await run_in_threadpool(_check, uploads, upload, reference)
    await upload.seek(0)
    return verdict


async def require_allowed(uploads: Filter, upload: UploadFile, *, reference: str | None = None) -> Verdict:
    """Return the verdict of a file that may be kept; answer 422 to whoever uploads another one.

    The answer does not say why: it must not help to find out what passes.
    """
    verdict = await check_upload(uploads, upload, reference=reference)
    if verdict.action != "allow":
        raise HTTPException(_REFUSED, "This file cannot be accepted.")
    return verdict


def _check(uploads: Filter, upload: UploadFile, reference: str | None) -> Verdict:
    # What is large lies in a file without a name already: it is not read into memory to be checked.
    if getattr(upload.file, "_rolled", False):
        upload.file.flush()
        return uploads.check(f"/proc/self/fd/{upload.file.fileno()}", reference=reference)
    return uploads.check(upload.file.read(), reference=reference)
