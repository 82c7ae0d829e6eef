"""Report a picture or video: fingerprinted on this machine, sent as fingerprints, addresses and an assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_match import fingerprint_file

from staydown_client.publish import publishable, say_nothing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from staydown_client.hub import Hub, Receipt
    from staydown_client.publish import Fingerprinter


def report_file(
    hub: Hub,
    path: str | os.PathLike[str],
    *,
    seen_at: Sequence[str],
    code: str | None,
    fingerprint: Fingerprinter = fingerprint_file,
    note: Callable[[str], None] = say_nothing,
) -> Receipt:
    """Report the file at `path`; raise `NotPublishableError`, a `HubError`, or the `OSError` of reading it.

    `note` is told in words what of a long video is not sent.
    """
    publication = publishable(fingerprint(path))
    if publication.note:
        note(publication.note)
    return hub.report(publication, seen_at=seen_at, code=code)
