"""Assess a picture or video that was reported: found by its fingerprints, which are all that leaves this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_match import fingerprint_file

from staydown_client.publish import publishable, say_nothing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from staydown_client.hub import Hub, Standing
    from staydown_client.publish import Fingerprinter


def assess_file(
    hub: Hub,
    path: str | os.PathLike[str],
    *,
    code: str,
    fingerprint: Fingerprinter = fingerprint_file,
    note: Callable[[str], None] = say_nothing,
) -> Standing:
    """Assess the file at `path`; raise `NotPublishableError`, a `HubError`, or the `OSError` of reading it.

    `note` is told in words what of a long video is not sent.
    """
    publication = publishable(fingerprint(path))
    if publication.note:
        note(publication.note)
    return hub.assess(publication, code=code)
