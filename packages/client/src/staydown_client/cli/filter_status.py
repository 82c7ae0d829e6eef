"""staydown filter status: how the filter stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from staydown_client.cli.output import tell, tell_json
from staydown_client.config import find_folder
from staydown_client.filter import Filter
from staydown_client.status import filter_status

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Show the status and return the exit status."""
    with Filter.open(find_folder(args.folder)) as opened:
        status = filter_status(opened)
    if args.json:
        tell_json(status)
    else:
        for line in _lines(status):
            tell(line)
    return 0 if _is_well(status) else 1


def _is_well(status: dict[str, Any]) -> bool:
    problems = (status["policy_problem"], status["local_problem"])
    return (
        status["ready"]
        and not status["refusal"]
        and not status["degraded"]
        and not status["floods"]
        and problems == (None, None)
    )


def _lines(status: dict[str, Any]) -> list[str]:
    lines = [f"list {status['list']}: {_list_text(status)}"]
    refusal = status["refusal"]
    lines += [f"the hub's list is refused ({refusal['problem']}): {refusal['message']}"] if refusal else []
    lines += [f"policy: {status['policy_problem']}"] if status["policy_problem"] else []
    lines += [f"the platform's own file: {status['local_problem']}"] if status["local_problem"] else []
    for entry in status["silenced"]:
        lines.append(f"position {entry['position']} is silenced: {entry['reason']} (dispute {entry['dispute']})")
    for flood in status["floods"]:
        lines.append(
            f"position {flood['position']} is held: it matched {flood['matches']} of {flood['uploads']} uploads"
        )
    matches = status["matches"]
    if matches is not None:
        lines.append(
            f"matches: {matches['waiting']} wait, {matches['delivered']} delivered, {matches['dropped']} dropped, "
            f"{matches['refused']} refused by the hub"
        )
    return lines


def _list_text(status: dict[str, Any]) -> str:
    if not status["ready"]:
        return "never received whole; run 'staydown filter sync'"
    age_s = status["list_age_s"]
    age = "at a time that no clock can tell" if age_s is None else f"{age_s:.0f} s ago"
    degraded = "; degraded: older than the policy finds good" if status["degraded"] else ""
    return f"position {status['list_position']}, confirmed {age}{degraded}"
