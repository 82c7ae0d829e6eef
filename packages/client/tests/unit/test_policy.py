"""The policy in filter.toml: read strictly, each mistake by its name."""

from __future__ import annotations

import pytest
import staydown_match
from staydown_client import policy
from staydown_client.errors import ConfigurationError
from staydown_client.policy import Policy, Rule, read_policy


def test_the_bounds_are_those_of_the_matcher() -> None:
    assert policy.MAX_DISTANCE_BITS == staydown_match.MAX_DISTANCE_BITS
    assert policy.MIN_QUALITY == staydown_match.MIN_QUALITY


def test_an_empty_table_is_the_strictest_default() -> None:
    assert read_policy({}) == Policy("block", "block", 31, None, "unchecked", 50, variants=True)
    assert read_policy({}).rules == ()


def test_every_setting_is_read() -> None:
    table = {
        "exact": "hold",
        "near": "hold",
        "max_distance_bits": 20,
        "max_list_age_s": 60,
        "featureless": "allow",
        "min_quality": 80,
        "variants": False,
        "every_frame": True,
        "degraded_after_s": 30,
        "rules": [
            {"action": "allow", "lists": ["national"], "categories": ["B1"], "match": "near", "within_bits": 12},
            {"action": "hold"},
        ],
    }
    assert table.keys() == Policy.__dataclass_fields__.keys()
    rules = (Rule("allow", ("national",), ("B1",), "near", 12), Rule("hold"))
    assert read_policy(table) == Policy("hold", "hold", 20, 60.0, "allow", 80, False, True, 30.0, rules)  # noqa: FBT003


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
        ("min_quality", 49),
        ("min_quality", 101),
        ("variants", 1),
        ("every_frame", 1),
        ("degraded_after_s", 0),
        ("rules", {}),
        ("rules", [{"action": "block"}] * 101),
        ("speed", 1),
    ],
)
def test_a_bad_setting_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"policy\.{name}"):
        read_policy({name: value})


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({}, "action"),
        ({"action": "delete"}, "action"),
        ({"action": "block", "lists": "national"}, "lists"),
        ({"action": "block", "lists": []}, "lists"),
        ({"action": "block", "categories": [1]}, "categories"),
        ({"action": "block", "match": "both"}, "match"),
        ({"action": "block", "within_bits": 32}, "within_bits"),
        ({"action": "block", "category": "A1"}, "category"),
    ],
)
def test_a_bad_rule_is_refused_by_number_and_name(rule: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"policy\.rules\.1\.{named}"):
        read_policy({"rules": [{"action": "block"}, rule]})


def test_the_first_rule_that_fits_decides() -> None:
    policy = Policy(
        near="hold",
        rules=(
            Rule("block", categories=("A1",), match="near", within_bits=8),
            Rule("allow", lists=("other",)),
            Rule("allow", categories=("B2",), match="near"),
        ),
    )

    def near(category: str, distance_bits: int, list_name: str = "national") -> str:
        return policy.answer(list_name=list_name, categories=(category,), algorithm="pdq", distance_bits=distance_bits)

    assert [near("A1", 8), near("A1", 9), near("B2", 31), near("B1", 0)] == ["block", "hold", "allow", "hold"]
    assert near("B1", 0, "other") == "allow"
    assert policy.answer(list_name="national", categories=("B2",), algorithm="md5", distance_bits=0) == "block"


def test_of_several_categories_the_strictest_answer_holds() -> None:
    policy = Policy(rules=(Rule("allow", categories=("B1",)), Rule("hold", categories=("B2",))))
    for categories, answer in (
        (("B1",), "allow"),
        (("B1", "B2"), "hold"),
        (("B2", "A1", "B1"), "block"),
        ((), "block"),
    ):
        found = policy.answer(list_name="national", categories=categories, algorithm="sha256", distance_bits=0)
        assert found == answer


@pytest.mark.parametrize(("age_s", "degraded"), [(0.0, False), (300.0, False), (300.1, True), (None, True)])
def test_an_old_list_degrades_the_filter(age_s: float | None, degraded: bool) -> None:  # noqa: FBT001
    assert Policy().is_degraded(age_s) is degraded
    assert Policy().is_degraded(float("nan"))
    assert Policy().is_degraded(float("inf"))
