"""What the command line takes. Standard library only: `--help` answers at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from staydown_client import __version__

_TOP = """\
Staydown for members: refuse what is listed, report and assess by fingerprints.
Files are fingerprinted on this machine; no file, and no part of one, ever leaves it.
"""
_TOP_END = """\
a platform blocks re-uploads:
  export STAYDOWN_API_KEY=sdk_...
  staydown filter init ./filter --hub https://hub.example --list national
  staydown filter sync ./filter --follow &
  staydown filter check upload.jpg --folder ./filter

an agency reports and assesses:
  export STAYDOWN_HUB=https://hub.example STAYDOWN_API_KEY=sdk_...
  staydown report picture.jpg --seen-at https://host.example/page --code TEST
  staydown assess picture.jpg --code TEST

environment:
  STAYDOWN_API_KEY   the key, unless --key-file names a file; keys are never given on the command line
  STAYDOWN_HUB       the hub's address, unless --hub gives it
  STAYDOWN_FILTER    the filter's folder, unless the command names it

exit status: 0 done (filter check: every file allowed), 1 not so (a file blocked, held or unchecked; the hub refused
or is away), 2 a file, a setting or the usage was bad
"""
_CHECK_END = """\
One line for each FILE on standard output: "FILE: allow", or block, hold or unchecked with the reason. With --json one
JSON object a line: {"file", "action", "reasons": [{"list", "position", "categories", "algorithm", "distance_bits"}],
"problems": [{"code", "detail"}], "list_position", "list_age_s", "overruled": [as reasons], "degraded"}.

  allow      checked in full against the whole list, and not on it
  block      on the list: refuse it
  hold       on the list, to be looked at by a person first
  unchecked  nobody can say: it could not be decoded, or the list was never received. Never treat it as allow.

exit status: 0 every file is allowed, 1 something else was found, 2 a file (damaged, empty, missing, a folder) or the
usage was bad; the other files are checked all the same
"""
_SYNC_END = """\
Without --follow: catches up once and ends. With --follow: stays connected and applies each entry when it is made, until
Ctrl-C; when the hub is away it tries again by itself and the last list stays in force. One sync a folder is enough:
every filter that has the folder open sees what is applied, at once. With --json one JSON object a line: {"event":
"caught_up", "position", "applied"}, {"event": "applied", "position", "operation"} or {"event": "trouble", "message",
"retry_in_s"}.
"""
_INIT_END = """\
Makes FOLDER, closed to other users (mode 0700), with filter.toml (settings and policy, to be edited), the key and the
list. The hub is asked whether the key and the list fit. Next: staydown filter sync FOLDER
"""
_FINGERPRINT_END = """\
With --json one JSON object a line: {"file", "kind", "media_type", "width", "height", "fingerprints", "problems"}, the
fingerprints in the form that the hub's API takes.
"""
_REPORT_END = """\
Sends each file's fingerprints (of a long video those of some 250 frames), the addresses and the assessment. The
answer says where the item stands: open (nobody assessed it), waiting (for another organisation), admitted (with its
positions), disputed or withdrawn. With --json one JSON object a line: {"file", "item", "known", "standing": {"status",
"entries": [{"list", "position"}]}, "sightings"}. A key without the scope read gets "file" and "item" only.
"""
_ASSESS_END = """\
The item is found by the file's fingerprints; somebody must have reported it before. With --json one JSON object a
line: {"file", "item", "standing": {"status", "entries": [{"list", "position"}]}}.
"""
_CODE = "the assessment: A1, A2, B1, B2, NCII, TEST (drills), or NONE (does not qualify)"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; a parsed command carries, as `runs`, the name of the module in `cli` that runs it."""
    parser = argparse.ArgumentParser(
        prog="staydown", description=_TOP, epilog=_TOP_END, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"staydown {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_filter(commands)
    _add_fingerprint(commands)
    _add_report(commands)
    _add_assess(commands)
    return parser


def _add_filter(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser(
        "filter", help="a platform's filter: init, sync, check", description="A platform's filter."
    )
    group.set_defaults(incomplete=group)
    parts = group.add_subparsers(title="commands", metavar="COMMAND")

    init = _command(parts, "init", runs="filter_init", about="make a filter's folder", end=_INIT_END)
    init.add_argument("folder", metavar="FOLDER", type=Path, help="where to make it; nothing may be there yet")
    init.add_argument("--list", metavar="NAME", required=True, dest="list_name", help="the list to follow")
    _add_hub_options(init)

    sync = _command(parts, "sync", runs="filter_sync", about="bring the list up to date with the hub", end=_SYNC_END)
    sync.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="default: STAYDOWN_FILTER")
    sync.add_argument("--follow", action="store_true", help="stay connected and apply entries as they are made")
    _add_json(sync)

    check = _command(parts, "check", runs="filter_check", about="hold files against the list", end=_CHECK_END)
    _add_files(check)
    check.add_argument("--folder", metavar="FOLDER", type=Path, help="the filter's folder; default: STAYDOWN_FILTER")
    _add_json(check)


def _add_fingerprint(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "fingerprint", runs="fingerprint", about="show files' fingerprints", end=_FINGERPRINT_END
    )
    _add_files(parser)
    _add_json(parser)


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(commands, "report", runs="report", about="report files, by fingerprints", end=_REPORT_END)
    _add_files(parser)
    parser.add_argument(
        "--seen-at",
        metavar="URL",
        action="append",
        required=True,
        help="where it was seen; may be given more than once",
    )
    parser.add_argument("--code", metavar="CODE", help=_CODE)
    _add_hub_options(parser)
    _add_json(parser)


def _add_assess(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "assess", runs="assess", about="assess reported files, by fingerprints", end=_ASSESS_END
    )
    _add_files(parser)
    parser.add_argument("--code", metavar="CODE", required=True, help=_CODE)
    _add_hub_options(parser)
    _add_json(parser)


def _command(
    parent: argparse._SubParsersAction[argparse.ArgumentParser], name: str, *, runs: str, about: str, end: str
) -> argparse.ArgumentParser:
    parser = parent.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=end,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(runs=runs)
    return parser


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", type=Path, nargs="+")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")


def _add_hub_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hub", metavar="URL", help="the hub's address; default: STAYDOWN_HUB")
    parser.add_argument(
        "--key-file", metavar="FILE", type=Path, help="a file that holds the key; default: STAYDOWN_API_KEY"
    )
    parser.add_argument("--insecure", action="store_true", help="permit plain http to another machine")
