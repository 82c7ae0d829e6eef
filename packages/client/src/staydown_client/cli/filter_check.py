"""staydown filter check: hold files against the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from staydown_client.cli.files import complain_of, problem_code
from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.config import find_folder
from staydown_client.filter import Filter
from staydown_client.verdict import Problem, Verdict

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from staydown_client.verdict import Reason

_OF_LIST: Final = frozenset({"never_synced", "list_old", "list_unreadable"})
_OLD_S: Final = 3600.0


def run(args: argparse.Namespace) -> int:
    """Check each file and return the exit status."""
    with Filter.open(find_folder(args.folder)) as opened:
        verdicts = [_check(opened, path, as_json=args.json) for path in args.files]
    _complain_of_list(verdicts)
    if any(_is_bad_file(verdict) for verdict in verdicts):
        return 2
    return 0 if all(verdict.action == "allow" for verdict in verdicts) else 1


def _check(opened: Filter, path: Path, *, as_json: bool) -> Verdict:
    try:
        verdict = opened.check(path)
    except OSError as error:
        verdict = Verdict("unchecked", (), (Problem(problem_code(error), error.strerror or ""),), None, None)
    if as_json:
        tell_json({"file": str(path), **verdict.as_json()})
    else:
        tell(f"{path}: {_described(verdict)}")
    for problem in verdict.problems:
        if _is_of_file(problem):
            complain_of(path, problem.code, problem.detail)
    return verdict


def _described(verdict: Verdict) -> str:
    details = [_reason_text(reason) for reason in verdict.reasons]
    if not details:
        details = [problem.code for problem in verdict.problems if verdict.action != "allow"]
    return f"{verdict.action} ({'; '.join(details)})" if details else verdict.action


def _reason_text(reason: Reason) -> str:
    near = f"{reason.distance_bits} bits apart" if reason.algorithm == "pdq" else "exact"
    return f"list {reason.list}, position {reason.position}, {' '.join(reason.categories)}, {reason.algorithm}, {near}"


def _is_of_file(problem: Problem) -> bool:
    # Too few features is no defect of the file.
    return problem.code not in _OF_LIST and problem.code != "featureless"


def _is_bad_file(verdict: Verdict) -> bool:
    # A file of which we decode a part only is nobody's mistake.
    return any(_is_of_file(problem) and problem.code != "limit" for problem in verdict.problems)


def _complain_of_list(verdicts: list[Verdict]) -> None:
    """Say once what is wrong with the list, however many files met it."""
    details = dict.fromkeys(p.detail for verdict in verdicts for p in verdict.problems if p.code in _OF_LIST)
    for detail in details:
        complain(detail)
    age_s = max((verdict.list_age_s or 0.0 for verdict in verdicts), default=0.0)
    if not details and age_s > _OLD_S:
        complain(
            f"the list was last confirmed {age_s / 3600:.0f} hours ago; is 'staydown filter sync --follow' running?"
        )
