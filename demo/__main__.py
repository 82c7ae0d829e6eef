"""`./staydown demo`: plays the story, then leaves the hub's pages open until Ctrl-C."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from staydown_hub.embedded_postgres import EmbeddedPostgresError, remove

from demo.hub import HubError
from demo.member import MemberError
from demo.story import Story

if TYPE_CHECKING:
    from types import FrameType

_DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / ".staydown" / "demo"
_FOLDER = Path(os.environ.get("STAYDOWN_DEMO_HOME") or _DEFAULT_FOLDER).absolute()


def main() -> int:
    """Return the exit status: 0 when all of the story happened, 1 when some did not, 2 when it could not be played."""
    parser = argparse.ArgumentParser(prog="./staydown demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object on standard output")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    _FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with _FOLDER.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("staydown: another demo is running in this folder; stop it first (Ctrl-C there)", file=sys.stderr)
            return 2
        try:
            _clear()  # an earlier demo may have been killed
            try:
                return _play(once=options.once, as_json=options.json)
            finally:
                _clear()
        except (EmbeddedPostgresError, HubError, MemberError) as error:
            print(f"staydown: {error}", file=sys.stderr)
            return 2


def _play(*, once: bool, as_json: bool) -> int:
    """Tell the story on standard error when standard output is for the figures."""
    is_told = False
    out = sys.stderr if as_json else sys.stdout
    story = Story(_FOLDER, lambda line: print(f"- {line}", file=out, flush=True))
    try:
        story.play()
        is_told = True
        if as_json:
            print(json.dumps(asdict(story.figures)), flush=True)
        else:
            print(f"- {'all' if story.figures.good() else 'NOT all'} as it should be, in {story.figures.seconds} s")
        if not once:
            _leave_open(story, out=out)
    except KeyboardInterrupt:
        print(file=out)
    finally:
        story.close()
    if not is_told:
        return 130
    return 0 if story.figures.good() else 1


def _leave_open(story: Story, *, out: TextIO) -> None:
    email, password = story.members["lantern"].sign_in or ("", "")
    print(f"\nThe hub's pages are open: {story.hub.web_url}", file=out)
    print(f"Sign in as {email} with {password}", file=out)
    print("Ctrl-C ends the demo.", file=out, flush=True)
    threading.Event().wait()


def _clear() -> None:
    """Remove all that a demo made: each tells its story from the beginning, and leaves nothing."""
    remove(_FOLDER / "hub" / "postgres")
    shutil.rmtree(_FOLDER, ignore_errors=True)


def _stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001  # the signal module's signature
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
