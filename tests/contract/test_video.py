"""A video from its report to the refusal of its copies: the real hub with the real command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from demo.pictures import photograph
from packages.match.tests.films import NAMES, Film, Studio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.members import Cast, Uploads

KNOWN = Film(scenes=(0, 1, 2, 3), scene_s=2.0)


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    studio = Studio({name: np.asarray(Image.open(photograph(name)).convert("RGB")) for name in NAMES})

    def made(name: str, **changes: object) -> Path:
        path = tmp_path / name
        path.write_bytes(studio.film(KNOWN, **changes))
        return path

    return made


def test_a_video_is_reported_assessed_listed_and_its_copies_blocked(
    cast: Cast, uploads: Uploads, film: Callable[..., Path]
) -> None:
    centres_copy = film("first.mp4")
    # The police have another file of it: only its frames are the same.
    polices_copy = film("second.mkv", container="matroska", options={"preset": "ultrafast", "crf": "30"}, rate=20)
    low = {"preset": "veryfast", "crf": "32"}
    copies = [film("small.mp4", size=(256, 144), options=low), film("cut.mp4", start_s=2.52, options=low)]
    unrelated = film("unrelated.mp4", scenes=(4, 5, 6, 7))

    reported = cast.centre.report(centres_copy)
    assert (reported["known"], reported["standing"]["status"]) == (False, "waiting")
    assert uploads.check(centres_copy)["action"] == "allow"
    assessed = cast.police.assess(polices_copy)
    assert (assessed["item"], assessed["standing"]["status"]) == (reported["item"], "admitted")
    [entry] = assessed["standing"]["entries"]
    assert uploads.next_event() == {"event": "applied", "position": entry["position"], "operation": "admit"}

    for copy in (centres_copy, polices_copy, *copies):
        verdict = uploads.check(copy)
        assert (verdict["action"], verdict["problems"]) == ("block", [])
        [reason] = verdict["reasons"]
        assert (reason["position"], reason["algorithm"], reason["categories"]) == (entry["position"], "pdq", ["TEST"])
    assert uploads.check(unrelated)["action"] == "allow"

    cast.police.assess(polices_copy, code="NONE")
    assert uploads.next_event()["operation"] == "withdraw"
    assert uploads.check(copies[0])["action"] == "allow"
