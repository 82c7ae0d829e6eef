"""What may be told to the hub of an upload: the same references as the hub takes, by the list that both are held to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from staydown_client.errors import BadValueError
from staydown_client.local.outbox import checked_reference

VECTORS = json.loads((Path(__file__).parents[4] / "tests/contract/vectors/references.json").read_text("utf-8"))


@pytest.mark.parametrize("reference", [*VECTORS["taken"], None])
def test_what_the_hub_takes_may_be_given(reference: str | None) -> None:
    assert checked_reference(reference) == reference


@pytest.mark.parametrize("reference", VECTORS["refused"])
def test_what_the_hub_refuses_is_refused_before_it_is_kept(reference: str) -> None:
    with pytest.raises(BadValueError, match="reference"):
        checked_reference(reference)
