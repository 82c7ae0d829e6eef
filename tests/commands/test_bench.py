"""The benchmark runner: lists what there is, prints a table, writes the documented JSON."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.report import Report, Row, render_table


def test_it_lists_the_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert {"pdq", "propagation"} <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}


def test_an_unknown_benchmark_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
    assert "'nonsense'" in capsys.readouterr().err


def test_a_rate_is_judged_by_its_ratio_to_the_peer() -> None:
    assert Row.rate("x", 300.0, "1/s", peer=100.0, target=2.0).met is True
    assert Row.rate("x", 150.0, "1/s", peer=100.0, target=2.0).met is False
    assert Row.rate("x", 150.0, "1/s", target=200.0).met is False
    assert Row.rate("x", 150.0, "1/s").met is None


def test_the_table_and_the_json_say_the_same() -> None:
    report = Report("a machine", "abc", (Row.rate("lookups", 300.0, "1/s", peer=100.0, target=2.0),))
    document = json.loads(json.dumps(report.as_json()))
    assert document == {
        "machine": "a machine",
        "commit": "abc",
        "rows": [
            {
                "name": "lookups",
                "value": 300.0,
                "unit": "1/s",
                "peer": 100.0,
                "ratio": 3.0,
                "target": 2.0,
                "met": True,
                "note": "",
            }
        ],
    }
    assert "lookups  300   1/s   100   3.0x   2x      yes" in render_table(report)
