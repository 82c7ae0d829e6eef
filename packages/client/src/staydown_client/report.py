"""Report a picture: fingerprinted on this machine, sent as fingerprints, addresses and an assessment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_match import fingerprint_file

from staydown_client.publish import publishable

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from staydown_client.hub import Hub, Receipt


def report_file(hub: Hub, path: str | os.PathLike[str], *, seen_at: Sequence[str], code: str | None) -> Receipt:
    """Report the picture at `path`; raise `NotPublishableError`, a `HubError`, or the `OSError` of reading it."""
    return hub.report(publishable(fingerprint_file(path)), seen_at=seen_at, code=code)
