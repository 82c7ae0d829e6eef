"""Assess a picture that was reported: found by its fingerprints, which are all that leaves this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_match import fingerprint_file

from staydown_client.publish import publishable

if TYPE_CHECKING:
    import os

    from staydown_client.hub import Hub, Standing


def assess_file(hub: Hub, path: str | os.PathLike[str], *, code: str) -> Standing:
    """Assess the picture at `path`; raise `NotPublishableError`, a `HubError`, or the `OSError` of reading it."""
    return hub.assess(publishable(fingerprint_file(path)), code=code)
