"""What each kind of organisation finds on the pages follows from its scopes."""

from uuid import uuid4

import pytest
from staydown_hub.rules.access import KINDS, scopes_of_kind
from staydown_hub.staff.viewer import Viewer

# items, address of any sighting, figures, belongs at all
OPEN_TO = {
    "police": (True, True, True, True),
    "support_centre": (True, True, True, True),
    "regulator": (True, True, True, True),
    "monitor": (True, True, False, True),
    "oversight": (True, False, True, True),
    "platform": (False, False, False, True),
    "carrier": (False, False, False, True),
    "partner_hub": (False, False, False, False),
}


def viewer(kind: str) -> Viewer:
    return Viewer(
        person=uuid4(),
        email="somebody@member.example",
        role="assessor",
        organisation=uuid4(),
        organisation_name="Member",
        kind=kind,
        scopes=scopes_of_kind(kind),
    )


def test_every_kind_is_thought_of() -> None:
    assert set(OPEN_TO) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_open(kind: str) -> None:
    one = viewer(kind)
    assert (one.sees_items, one.sees_addresses, one.sees_figures, one.belongs) == OPEN_TO[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_open_to_its_audience_that_may_follow_lists(kind: str) -> None:
    assert not viewer(kind).follows([])
    assert viewer(kind).follows([kind]) == (kind != "partner_hub")
