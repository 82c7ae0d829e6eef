"""staydown witness run: countersign what a list's log continues with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.errors import LogRefusedError
from staydown_client.witness.folder import open_witness_folder
from staydown_client.witness.run import Countersigned, opened

if TYPE_CHECKING:
    import argparse

    from staydown_client.witness.run import Progress

REFUSED: Final = 3
_GRAVE: Final = frozenset({"fork", "shrunk"})


def run(args: argparse.Namespace) -> int:
    """Countersign once, or until interrupted; return the exit status: 3 when the log lost or changed its history."""
    show = _show_json if args.json else _show
    try:
        with opened(open_witness_folder(args.folder), accept_restored=args.accept_restored) as witnessing:
            if args.once:
                witnessing.once(show)
            else:
                witnessing.follow(show)
    except LogRefusedError as error:
        return _refused(error, as_json=args.json)
    return 0


def _refused(error: LogRefusedError, *, as_json: bool) -> int:
    if error.problem not in _GRAVE:
        raise error
    complain(f"{error.problem.upper()}: {error}")
    if as_json:
        tell_json({"event": "refused", "problem": error.problem, "message": str(error)})
    return REFUSED


def _show(progress: Progress) -> None:
    if isinstance(progress, Countersigned):
        tell(f"Countersigned the list of {progress.size} entries.")
    else:
        shout = f"{progress.problem.upper()}: " if progress.problem in _GRAVE else ""
        complain(f"{shout}{progress.message} Next try in {progress.retry_in_s:.1f} s.")


def _show_json(progress: Progress) -> None:
    if isinstance(progress, Countersigned):
        tell_json({"event": "countersigned", "size": progress.size})
    else:
        fields = {"problem": progress.problem, "message": progress.message, "retry_in_s": progress.retry_in_s}
        tell_json({"event": "trouble", **fields})
