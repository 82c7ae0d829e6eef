"""Changing what a list asks for: people of two organisations, and nothing that one alone could meet."""

from dataclasses import replace

import pytest
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists import proposed
from staydown_hub.lists.errors import BadRuleError
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.queries import standing_of
from staydown_hub.organisations import four_eyes
from staydown_hub.organisations.errors import MayNotProposeError, NotASecondHandError
from staydown_hub.rules.admission import ListRule

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess
from packages.hub.tests.people import self_report_list

RULE = ListRule(2, frozenset({"police"}), frozenset({"TEST", "KR-YPA-11"}), minimum_votes=3)


def main() -> SharedList:
    return SharedList.objects.get(slug="main")


def test_two_organisations_change_a_rule_and_it_counts_from_the_next_judgement_on(cast: Cast) -> None:
    before = admitted_item(cast, "boat")
    made = proposed.propose_rule(cast.police.person("supervisor"), shared_list=main(), rule=RULE)
    assert main().minimum_votes == 0
    with pytest.raises(NotASecondHandError):
        four_eyes.approve(cast.police.person("supervisor", "sam"), proposal_id=made.pk)
    four_eyes.approve(cast.support_centre.person("supervisor"), proposal_id=made.pk)
    assert (main().minimum_votes, main().codes, main().required_kinds) == (3, ["KR-YPA-11", "TEST"], ["police"])
    assert AuditRecord.objects.filter(act="rule changed", subject="list:main").count() == 1
    assert standing_of(before.pk).status == "admitted"
    item = admitted_item(cast, "tree")
    assert standing_of(item.pk).status == "waiting", "two votes are not three"
    assess(cast.regulator, "tree", code="TEST")
    assert standing_of(item.pk).status == "admitted"


def test_an_assessor_does_not_change_rules(cast: Cast) -> None:
    with pytest.raises(MayNotProposeError):
        proposed.propose_rule(cast.police.person("assessor"), shared_list=main(), rule=RULE)


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        (replace(RULE, minimum_organisations=1), "minimum_organisations"),
        (replace(RULE, minimum_organisations=21), "minimum_organisations"),
        (replace(RULE, minimum_votes=-1), "minimum_votes"),
        (replace(RULE, required_kinds=frozenset()), "required_kinds"),
        (replace(RULE, required_kinds=frozenset({"platform"})), "required_kinds"),
        (replace(RULE, codes=frozenset()), "codes"),
        (replace(RULE, codes=frozenset({"NONE"})), "codes"),
        (replace(RULE, codes=frozenset({"A1", "NOWHERE"})), "codes"),
    ],
)
def test_a_rule_that_no_list_can_have_is_refused_by_field(cast: Cast, rule: ListRule, named: str) -> None:
    with pytest.raises(BadRuleError, match=f"{named}:"):
        proposed.propose_rule(cast.police.person("supervisor"), shared_list=main(), rule=rule)


def test_a_list_of_self_reports_has_none(cast: Cast) -> None:
    with pytest.raises(BadRuleError, match="self-reports"):
        proposed.propose_rule(cast.police.person("supervisor"), shared_list=self_report_list(), rule=RULE)
