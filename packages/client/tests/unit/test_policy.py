"""The policy in filter.toml: read strictly, each mistake by its name."""

from __future__ import annotations

import pytest
import staydown_match
from staydown_client import policy
from staydown_client.errors import ConfigurationError
from staydown_client.policy import Policy, read_policy


def test_the_bounds_are_those_of_the_matcher() -> None:
    assert policy.MAX_DISTANCE_BITS == staydown_match.MAX_DISTANCE_BITS
    assert policy.MIN_QUALITY == staydown_match.MIN_QUALITY


def test_an_empty_table_is_the_strictest_default() -> None:
    assert read_policy({}) == Policy("block", "block", 31, None, "unchecked")


def test_every_setting_is_read() -> None:
    table = {"exact": "hold", "near": "hold", "max_distance_bits": 20, "max_list_age_s": 60, "featureless": "allow"}
    assert read_policy(table) == Policy("hold", "hold", 20, 60.0, "allow")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exact", "allow"),
        ("near", None),
        ("near", ["block"]),
        ("max_distance_bits", 32),
        ("max_distance_bits", -1),
        ("max_distance_bits", True),
        ("max_distance_bits", 3.0),
        ("max_list_age_s", 0),
        ("max_list_age_s", float("nan")),
        ("max_list_age_s", float("inf")),
        ("max_list_age_s", "60"),
        ("max_list_age_s", True),
        ("featureless", "block"),
        ("min_quality", 20),
    ],
)
def test_a_bad_setting_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"policy\.{name}"):
        read_policy({name: value})
