"""What may leave: a whole picture's fingerprints in wire form; nothing for anything else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from staydown_client.publish import NotPublishableError, publishable, wire_fingerprints
from staydown_match import Fingerprints, PdqHash, Problem

PICTURE = Fingerprints(
    kind="picture",
    media_type="image/png",
    md5="1" * 32,
    sha1="2" * 40,
    sha256="3" * 64,
    pdq=(PdqHash(bits=b"\x0a" * 32, quality=90), PdqHash(bits=b"\x0a" * 32, quality=95, variant="trimmed")),
)


def test_the_wire_form_holds_each_fingerprint_once() -> None:
    assert wire_fingerprints(PICTURE) == [
        {"algorithm": "md5", "value": "1" * 32},
        {"algorithm": "sha1", "value": "2" * 40},
        {"algorithm": "sha256", "value": "3" * 64},
        {"algorithm": "pdq", "value": "0a" * 32, "quality": 95},
    ]
    assert publishable(PICTURE) == wire_fingerprints(PICTURE)


def test_a_picture_that_was_not_read_whole_is_not_sent() -> None:
    with pytest.raises(NotPublishableError, match="truncated: it ends early; nothing was sent"):
        publishable(replace(PICTURE, problems=(Problem(code="truncated", detail="it ends early"),)))


def test_what_is_no_picture_is_not_sent() -> None:
    with pytest.raises(NotPublishableError, match="not a picture"):
        publishable(replace(PICTURE, kind="video"))
