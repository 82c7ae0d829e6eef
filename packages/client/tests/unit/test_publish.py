"""What may leave: the fingerprints of a whole picture or video in wire form; nothing for anything else."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from staydown_client.publish import NotPublishableError, evenly_chosen, publishable, wire_fingerprints
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
    publication = publishable(PICTURE)
    assert (publication.kind, publication.note) == ("picture", None)
    assert publication.fingerprints == wire_fingerprints(PICTURE)


def test_a_picture_that_was_not_read_whole_is_not_sent() -> None:
    with pytest.raises(NotPublishableError, match="truncated: it ends early; nothing was sent"):
        publishable(replace(PICTURE, problems=(Problem(code="truncated", detail="it ends early"),)))


def test_what_is_neither_picture_nor_video_is_not_sent() -> None:
    with pytest.raises(NotPublishableError, match="neither a picture nor a video"):
        publishable(replace(PICTURE, kind=None))


def film(*, length_s: float, offset_s: float = 0.0, every_s: float = 0.04, trimmed: bool = False) -> Fingerprints:
    """Return the fingerprints of a video in which every moment looks unlike any other."""
    hashes = []
    for number in range(round(length_s / every_s)):
        at_s = offset_s + number * every_s
        bits = sha256(f"{at_s:.1f}".encode()).digest()
        hashes.append(PdqHash(bits=bits, quality=90, at_s=at_s))
        if trimmed:
            hashes.append(PdqHash(bits=bits[::-1], quality=90, at_s=at_s, variant="trimmed"))
    return replace(PICTURE, kind="video", duration_s=length_s, pdq=tuple(hashes))


def test_a_video_is_sent_as_such_and_whole_when_it_is_short() -> None:
    short = film(length_s=10.0, every_s=0.1)
    publication = publishable(short)
    assert (publication.kind, publication.note) == ("video", None)
    assert publication.fingerprints == wire_fingerprints(short)


@pytest.mark.parametrize("trimmed", [False, True])
def test_of_a_long_video_frames_at_even_distances_are_sent(trimmed: bool) -> None:  # noqa: FBT001 - a case
    long = film(length_s=600.0, trimmed=trimmed)
    publication = publishable(long)
    assert 240 <= len(publication.fingerprints) <= 256
    assert publication.note is not None
    assert f"of {len(long.pdq)} frames' hashes {len(publication.fingerprints) - 3} are sent" in publication.note
    sent = {one["value"] for one in publication.fingerprints}
    times_s = sorted({one.at_s or 0.0 for one in long.pdq if one.bits.hex() in sent})
    gaps_s = [later - earlier for earlier, later in pairwise(times_s) if later - earlier > 0.1]
    assert max(gaps_s) < 8


def test_whoever_has_another_copy_of_a_long_video_sends_the_same_frames() -> None:
    one, other = (
        {pdq.bits for pdq in evenly_chosen(copy.pdq, most=253, length_s=copy.duration_s)}
        for copy in (film(length_s=600.0), film(length_s=599.9, every_s=1 / 30, offset_s=0.013))
    )
    assert len(one & other) > 0.9 * len(one)


def test_frames_too_poor_to_be_matched_give_way_first() -> None:
    poor = tuple(PdqHash(bits=sha256(b"%d" % n).digest(), quality=10, at_s=n / 100) for n in range(300))
    good = film(length_s=20.0, every_s=0.1).pdq
    assert set(evenly_chosen((*poor, *good), most=253, length_s=20.0)) == set(good)
    assert len(evenly_chosen(poor, most=253, length_s=20.0)) == 253


def test_a_video_too_long_to_be_read_whole_is_sent_as_far_as_it_was_read() -> None:
    limit = Problem(code="limit", detail="only the first 250000 frames were read")
    publication = publishable(replace(film(length_s=2.0), problems=(limit,)))
    assert publication.note == limit.detail
    for problems, pdq in (((limit,), ()), ((limit, Problem(code="damaged", detail="parts")), PICTURE.pdq)):
        with pytest.raises(NotPublishableError):
            publishable(replace(film(length_s=2.0), problems=problems, pdq=pdq))
    with pytest.raises(NotPublishableError):
        publishable(replace(PICTURE, problems=(limit,)))
