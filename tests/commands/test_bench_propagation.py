"""What the benchmark of propagation tells: times to every filter, and nothing that was lost is passed over."""

import pytest

from benchmarks._propagation_table import Load, Way, as_markdown, rows_of
from benchmarks.report import Report

MS = 1_000_000
COMMITTED = [1000 * MS, 2000 * MS]
LOAD = Load("admit", {"real filters": 0.5}, seconds=2.0, events=2)


def way(*answered_ms: tuple[int | None, int | None], verified: int = 3) -> Way:
    answered_ns = [[None if at is None else at * MS for at in each] for each in answered_ms]
    return Way("admit", COMMITTED, answered_ns, [(0, 0, 1900 * MS, verified), (0, 0, 2100 * MS, 3)])


def test_times_run_from_the_commit_to_each_filter() -> None:
    told = {row.name.strip(): row for row in rows_of([way((1010, 2030), (1050, 2090))], [LOAD], real=2, light=3)}
    median, p99 = told["admission to refusal, median"], told["admission to refusal, p99"]
    assert (median.value, median.met, p99.value, p99.met) == (40.0, True, 90.0, True)
    assert told["at the last of the real filters, median"].value == 70.0
    assert told["at the last of all light clients, median"].value == 500.0
    assert (told["lost"].value, told["lost"].met) == (0, True)
    assert told["processor's time of all parts"].value == 0.25


@pytest.mark.parametrize(("answered", "verified"), [((None, 2030), 3), ((1050, 2030), 2)])
def test_what_never_arrived_is_counted_as_lost(answered: tuple[int | None, int | None], verified: int) -> None:
    told = rows_of([way((1010, 2090), answered, verified=verified)], [LOAD], real=2, light=3)
    [lost] = [row for row in told if row.name.strip() == "lost"]
    assert (lost.value, lost.met) == (1, False)


def test_the_page_says_that_the_peer_was_not_measured() -> None:
    rows = tuple(rows_of([way((1300, 2300))], [LOAD], real=1, light=3))
    page = as_markdown(Report("a machine", "abc", rows), "./staydown bench propagation", every_ms=200)
    assert "| 300 | ms | 165,000 | 100 | **no** |" in page
    assert "**not measured**" in page
