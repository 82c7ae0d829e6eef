"""A filter's status as Prometheus reads it: no fingerprint, no name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from staydown_client.errors import LogProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def status_lines(status: dict[str, Any]) -> list[str]:
    """Return a filter's status (see `status.py`) as Prometheus reads it."""
    matches = status["matches"] or {}
    values: dict[str, Any] = {
        "list_position": -2 if status["list_position"] is None else status["list_position"],
        "list_age_seconds": float("nan") if status["list_age_s"] is None else status["list_age_s"],
        "ready": int(status["ready"]),
        "degraded": int(status["degraded"]),
        "list_refused": int(status["refusal"] is not None),
        "policy_refused": int(status["policy_problem"] is not None),
        "local_problem": int(status["local_problem"] is not None),
        "silenced_entries": len(status["silenced"]),
        "flooding_entries": len(status["floods"]),
        "matches_waiting": matches.get("waiting", 0),
        "matches_oldest_seconds": matches.get("oldest_age_s") or 0.0,
    }
    lines = [line for name, value in values.items() for line in _gauge(name, value)]
    refusal = None if status["refusal"] is None else status["refusal"]["problem"]
    lines += _one_of("list_problem", "problem", get_args(LogProblem), chosen=refusal)
    for name in ("delivered", "dropped", "refused"):
        lines += _gauge(f"matches_{name}_total", matches.get(name, 0), kind="counter")
    return [*lines, *_gauge("matches_unrecorded_total", status["unrecorded"], kind="counter")]


def _gauge(name: str, value: float, *, kind: str = "gauge") -> Iterator[str]:
    """Yield one value as Prometheus reads it."""
    yield f"# TYPE staydown_{name} {kind}"
    yield f"staydown_{name} {value}"


def _one_of(name: str, label: str, words: Iterable[str], *, chosen: str | None) -> Iterator[str]:
    """Yield a gauge for each of `words`: 1 for the one that is so, 0 for the others."""
    yield f"# TYPE staydown_{name} gauge"
    for word in words:
        yield f'staydown_{name}{{{label}="{word}"}} {int(word == chosen)}'
