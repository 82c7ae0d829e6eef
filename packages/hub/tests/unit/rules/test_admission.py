"""The admission rule as a table, and against a slow and obvious second telling of it."""

from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.rules.admission import (
    MAX_FINGERPRINTS_OF_ENTRY,
    Content,
    Judgement,
    ListRule,
    Supply,
    decide,
    is_met,
    status_of,
    vouched,
)
from staydown_hub.rules.fingerprints import Fingerprint

RULE = ListRule(2, frozenset({"police", "support_centre"}), frozenset({"A1", "TEST"}))
POLICE, CENTRE, REGULATOR, MONITOR = (UUID(int=number) for number in range(1, 5))
KIND = {POLICE: "police", CENTRE: "support_centre", REGULATOR: "regulator", MONITOR: "monitor"}
FILE = Fingerprint("sha256", bytes(32))
OTHER_FILE = Fingerprint("sha256", b"\x01" * 32)


def judged(*views: tuple[UUID, str]) -> list[Judgement]:
    return [Judgement(who.int, who, KIND[who], code, qualifies=code != "NONE") for who, code in views]


def supplied(*pairs: tuple[UUID, Fingerprint]) -> list[Supply]:
    """Return what organisations supplied, each with the assessment that `judged` gives it."""
    return [Supply(who.int, who, KIND[who], one) for who, one in pairs]


def told(*pairs: tuple[UUID, Fingerprint]) -> list[Supply]:
    """Return what organisations reported without judging it."""
    return [Supply(None, who, KIND[who], one) for who, one in pairs]


def pdq(distance_bits: int = 0, quality: int = 100) -> Fingerprint:
    return Fingerprint("pdq", ((1 << distance_bits) - 1).to_bytes(32), quality)


BOTH = supplied((POLICE, FILE), (CENTRE, FILE))


@pytest.mark.parametrize(
    ("views", "met"),
    [
        ([], False),
        ([(POLICE, "A1")], False),
        ([(POLICE, "A1"), (POLICE, "TEST")], False),
        ([(REGULATOR, "A1"), (MONITOR, "A1")], False),
        ([(POLICE, "A1"), (MONITOR, "NONE")], False),
        ([(POLICE, "A1"), (MONITOR, "B2")], False),
        ([(POLICE, "A1"), (MONITOR, "A1")], True),
        ([(CENTRE, "A1"), (REGULATOR, "TEST")], True),
        ([(POLICE, "A1"), (CENTRE, "A1"), (REGULATOR, "NONE")], True),
    ],
)
def test_the_rule(views: list[tuple[UUID, str]], *, met: bool) -> None:
    assert is_met(RULE, judged(*views)) is met


IN_FORCE = Content((FILE,), ("A1",))


@pytest.mark.parametrize(
    ("views", "in_force", "step"),
    [
        ([], None, "leave"),
        ([(POLICE, "A1")], None, "leave"),
        ([(POLICE, "A1"), (CENTRE, "A1")], None, "admit"),
        ([(POLICE, "A1"), (CENTRE, "A1"), (REGULATOR, "NONE")], None, "leave"),
        ([(POLICE, "A1"), (CENTRE, "A1")], IN_FORCE, "leave"),
        ([(POLICE, "A1"), (CENTRE, "TEST")], IN_FORCE, "amend"),
        ([(POLICE, "A1"), (CENTRE, "TEST"), (REGULATOR, "NONE")], IN_FORCE, "leave"),
        ([(POLICE, "A1"), (CENTRE, "NONE")], IN_FORCE, "withdraw"),
        ([(POLICE, "A1"), (CENTRE, "A1"), (REGULATOR, "NONE")], IN_FORCE, "leave"),
        ([(POLICE, "A1"), (MONITOR, "A1"), (CENTRE, "NONE")], IN_FORCE, "leave"),
        ([(REGULATOR, "A1"), (MONITOR, "A1"), (CENTRE, "NONE")], IN_FORCE, "withdraw"),
    ],
)
def test_what_is_done(views: list[tuple[UUID, str]], in_force: Content | None, step: str) -> None:
    decision = decide(rule=RULE, judgements=judged(*views), supplies=BOTH, in_force=in_force)
    assert decision.step == step


def test_an_admission_says_who_carried_it() -> None:
    views = judged((MONITOR, "B1"), (POLICE, "TEST"), (CENTRE, "A1"))
    decision = decide(rule=RULE, judgements=views, supplies=BOTH, in_force=None)
    assert decision.carried_by == (1, 2)
    assert decision.admitted_by == ("police", "support_centre")
    assert decision.content == Content((FILE,), ("A1", "TEST"))


def test_nothing_vouched_is_not_admitted() -> None:
    alone = supplied((POLICE, FILE), (CENTRE, OTHER_FILE))
    decision = decide(rule=RULE, judgements=judged((POLICE, "A1"), (CENTRE, "A1")), supplies=alone, in_force=None)
    assert decision.step == "leave"


@pytest.mark.parametrize(
    ("supplies", "listed"),
    [
        (supplied((POLICE, FILE)), ()),
        (supplied((POLICE, FILE), (POLICE, FILE)), ()),
        (BOTH, (FILE,)),
        (supplied((POLICE, FILE), (CENTRE, FILE), (POLICE, OTHER_FILE)), (FILE,)),
        (supplied((REGULATOR, FILE), (MONITOR, FILE)), ()),
        (supplied((REGULATOR, FILE), (MONITOR, FILE), (POLICE, FILE)), (FILE,)),
        (supplied((REGULATOR, pdq()), (MONITOR, pdq())), ()),
        (supplied((POLICE, pdq()), (MONITOR, pdq(30)), (REGULATOR, pdq(60))), (pdq(), pdq(30))),
        (supplied((POLICE, pdq()), (POLICE, pdq(5))), ()),
        (supplied((POLICE, pdq()), (CENTRE, pdq())), (pdq(),)),
        (supplied((POLICE, pdq()), (CENTRE, pdq(31))), (pdq(), pdq(31))),
        (supplied((POLICE, pdq()), (CENTRE, pdq(32))), ()),
        (supplied((POLICE, pdq(0, 50)), (CENTRE, pdq(0, 50))), (pdq(0, 50),)),
        (supplied((POLICE, pdq(0, 49)), (CENTRE, pdq(0, 100))), ()),
        (supplied((POLICE, pdq(0, 60)), (CENTRE, pdq(0, 80)), (MONITOR, pdq(0, 20))), (pdq(0, 80),)),
        # A chain: the middle one is vouched by both ends, and the ends by the middle.
        (supplied((POLICE, pdq()), (CENTRE, pdq(30)), (MONITOR, pdq(60))), (pdq(), pdq(30), pdq(60))),
    ],
)
def test_what_is_vouched(supplies: list[Supply], listed: tuple[Fingerprint, ...]) -> None:
    everybody = judged(*[(who, "A1") for who in KIND])
    assert vouched(rule=RULE, judgements=everybody, supplies=supplies) == listed


@pytest.mark.parametrize("one", [FILE, pdq()])
@pytest.mark.parametrize(
    ("views", "listed"),
    [
        ([(POLICE, "A1"), (CENTRE, "A1")], True),
        ([(POLICE, "A1"), (CENTRE, "NONE")], False),
        ([(POLICE, "A1"), (CENTRE, "B2")], False),
        ([(POLICE, "A1"), (REGULATOR, "A1")], False),
    ],
)
def test_only_what_came_with_a_judgement_that_speaks_for_the_list_counts(
    one: Fingerprint, views: list[tuple[UUID, str]], *, listed: bool
) -> None:
    found = vouched(rule=RULE, judgements=judged(*views), supplies=supplied((POLICE, one), (CENTRE, one)))
    assert found == ((one,) if listed else ())


def test_a_report_without_a_judgement_vouches_for_nothing_although_its_sender_judges() -> None:
    supplies = [*supplied((POLICE, FILE)), *told((CENTRE, FILE), (MONITOR, FILE), (REGULATOR, FILE))]
    assert vouched(rule=RULE, judgements=judged((POLICE, "A1"), (CENTRE, "A1")), supplies=supplies) == ()


def test_what_came_with_a_superseded_judgement_does_not_count() -> None:
    former = Supply(99, CENTRE, "support_centre", FILE)
    views = judged((POLICE, "A1"), (CENTRE, "A1"))
    assert vouched(rule=RULE, judgements=views, supplies=[*supplied((POLICE, FILE)), former]) == ()


def entry_of(supplies: list[Supply], *, in_force: Content | None) -> Content | None:
    views = judged((POLICE, "A1"), (CENTRE, "A1"), (MONITOR, "A1"))
    decision = decide(rule=RULE, judgements=views, supplies=supplies, in_force=in_force)
    return None if decision.step == "leave" else decision.content


@pytest.mark.parametrize("fresh", [pdq(1), pdq(31), pdq(0, 100)])
def test_a_pdq_near_a_listed_one_amends_nothing(fresh: Fingerprint) -> None:
    in_force = Content((pdq(0, 60),), ("A1",))
    listed = supplied((POLICE, pdq(0, 60)), (CENTRE, pdq(0, 60)))
    assert entry_of([*listed, *supplied((MONITOR, fresh))], in_force=in_force) is None


def test_another_amendment_does_not_take_a_near_pdq_along() -> None:
    in_force = Content((pdq(),), ("A1",))
    supplies = supplied((POLICE, pdq()), (CENTRE, pdq()), (MONITOR, pdq(20)), (POLICE, FILE), (MONITOR, FILE))
    assert entry_of(supplies, in_force=in_force) == Content((pdq(), FILE), ("A1",))


def test_a_pdq_far_from_the_listed_ones_amends() -> None:
    in_force = Content((pdq(),), ("A1",))
    supplies = supplied((POLICE, pdq()), (CENTRE, pdq()), (POLICE, pdq(90)), (CENTRE, pdq(95)))
    assert entry_of(supplies, in_force=in_force) == Content((pdq(), pdq(90), pdq(95)), ("A1",))


def test_an_entry_never_outgrows_what_filters_take_and_the_oldest_stay() -> None:
    files = [Fingerprint("sha256", (1000 - number).to_bytes(32)) for number in range(MAX_FINGERPRINTS_OF_ENTRY + 5)]
    everybodys = [pair for one in files for pair in ((POLICE, one), (CENTRE, one))]
    listed = entry_of(supplied(*everybodys), in_force=None)
    assert listed == Content(tuple(sorted(files[:MAX_FINGERPRINTS_OF_ENTRY])), ("A1",))
    assert entry_of(supplied(*reversed(everybodys)), in_force=listed) is None


@pytest.mark.parametrize(
    ("views", "last_operations", "status"),
    [
        ([], [], "open"),
        ([(POLICE, "A1")], [], "waiting"),
        ([(POLICE, "A1"), (CENTRE, "NONE")], [], "disputed"),
        ([(CENTRE, "NONE")], [], "disputed"),
        ([(POLICE, "A1"), (CENTRE, "A1")], ["admit"], "admitted"),
        ([(POLICE, "A1"), (REGULATOR, "NONE")], ["amend"], "admitted"),
        ([(POLICE, "A1")], ["withdraw"], "withdrawn"),
        ([(POLICE, "A1")], ["withdraw", "admit"], "admitted"),
    ],
)
def test_the_standing(views: list[tuple[UUID, str]], last_operations: list[str], status: str) -> None:
    assert status_of(judgements=judged(*views), last_operations=last_operations) == status


WHO = st.sampled_from(sorted(KIND, key=str))
PRINTS = st.sampled_from([FILE, OTHER_FILE, pdq(), pdq(20), pdq(40), pdq(200), pdq(0, 49), pdq(20, 50)])


@given(
    st.dictionaries(WHO, st.sampled_from(["A1", "TEST", "B2", "NONE"])), st.lists(st.tuples(WHO, PRINTS), max_size=12)
)
def test_no_single_organisation_ever_admits_anything(
    views: dict[UUID, str], pairs: list[tuple[UUID, Fingerprint]]
) -> None:
    """Whatever one organisation says and supplies: without it or with it alone, it changes nothing that is listed."""
    decision = decide(rule=RULE, judgements=judged(*views.items()), supplies=supplied(*pairs), in_force=None)
    if decision.step == "admit":
        speaking = {who for who, code in views.items() if code in RULE.codes}
        assert any({"police", "support_centre"} & {KIND[a], KIND[b]} for a, b in combinations(speaking, 2))
    for one in decision.content.fingerprints:
        suppliers = {
            who
            for who, other in pairs
            if other.algorithm == one.algorithm
            and (other.value == one.value or one.algorithm == "pdq")
            and (other.quality is None or other.quality >= 50)
        }
        assert len(suppliers) >= 2
