"""Runs one command and turns what goes wrong into one line and an exit status."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from staydown_client.cli.output import complain
from staydown_client.cli.parser import make_parser
from staydown_client.errors import HubError, StaydownError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE: Final = 0
NOT_SO: Final = 1
BAD: Final = 2
_INTERRUPTED: Final = 130
_PIPE_BROKEN: Final = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `staydown` with `arguments` (default: the process's own) and return its exit status."""
    _show_any_text()
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_BROKEN
    return status


def _run(arguments: Sequence[str] | None) -> int:
    parser = make_parser()
    args = parser.parse_args(arguments)
    if not hasattr(args, "runs"):
        getattr(args, "incomplete", parser).print_help()
        return DONE
    try:
        return int(import_module(f"staydown_client.cli.{args.runs}").run(args))
    except HubError as error:
        complain(str(error))
        return NOT_SO
    except StaydownError as error:
        complain(str(error))
        return BAD


def _show_any_text() -> None:
    """Let no file name fail to print, whatever the terminal's encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
