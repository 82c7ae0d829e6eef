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
"retry_in_s"}. With --metrics FILE the status is written there every 10 s, for node_exporter's textfile collector.
"""
_INIT_END = """\
Makes FOLDER, closed to other users (mode 0700), with filter.toml (settings and policy, to be edited), the key and the
list. The hub is asked whether the key and the list fit, and, unless --log-key says it, which key signs the list: that
is pinned in filter.toml, and only a list signed by it is ever believed. Next: staydown filter sync FOLDER
"""
_WITNESS_INIT_END = """\
Makes FOLDER, closed to other users (mode 0700), with witness.toml, the API key, the witness's own key and the record of
what it signed. Prints the line with which the hub's operator registers the witness. Next: staydown witness run FOLDER
"""
_WITNESS_RUN_END = """\
Countersigns each checkpoint that continues all that this witness signed before, live and once a minute, until Ctrl-C;
what it signs is on the disk first. A list that forked or shrank is not signed, and both checkpoints are kept in
FOLDER/evidence. With --json one JSON object a line: {"event": "countersigned", "size"}, {"event": "trouble", "problem",
"message", "retry_in_s"} or {"event": "refused", "problem", "message"}.

exit status: 0 done, 1 the hub is away or not believed, 2 the folder or the usage was bad, 3 the list forked (this
witness then signs nothing of it any more), or, with --once, shrank
"""
_CHECKPOINT_END = """\
Prints the signed note as it is, when one of the keys given signed it: staydown log checkpoint ... > 2026-05-01.note
"""
_PROVE_END = """\
Prints a text that anyone can verify without the hub: for a position a C2SP tlog-proof with the entry in it; for an
older checkpoint the old size, the hashes and the newer checkpoint, as C2SP's tlog-witness has them.
"""
_VERIFY_END = """\
Asks nobody: the proof, the older checkpoint and the keys are all it takes. With --json one JSON object: {"origin",
"size", "position", "entry", "cosigned_by"}, entry null when it was redacted; or {"origin", "size", "old_size"}.

exit status: 0 the proof holds, 1 it does not, 2 a file or the usage was bad
"""
_STATUS_END = """\
Shows the list's position and age, whether it is older than the policy finds good (degraded), what is silenced or held
for flooding, and what waits to be told to the hub. exit status: 0 all is well, 1 something needs a person
"""
_SILENCE_END = """\
Counts at once in every process on the folder, until it is taken back. The hub is told, as a dispute with your reason,
as soon as it can be reached. Other entries count as before.
"""
_UNSILENCE_END = """\
Counts at once in every process on the folder.
"""
_FLOOD_END = """\
An entry that suddenly matches a great share of all uploads is held instead of blocked, until people have looked at it;
see [flood] in docs/reference/policy.md.
"""
_SERVE_END = """\
POST /v1/check (a file), POST /v1/lookup (hashes), GET /v1/gate (for a web server), /v1/status, /metrics, /healthz,
/readyz: see docs/reference/sidecar.md. Listens on this machine alone unless --address says otherwise; then callers
must give a token, which STAYDOWN_SIDECAR_TOKEN or --token-file holds. Follows the hub as well, unless another process
does. SIGTERM ends it when what was begun is answered; SIGHUP replaces the workers one by one.
"""
_WATCH_END = """\
For servers that files are put on by other programs: checks each file when it has been written or moved into FOLDER, and
says what follows, as 'staydown filter check' does. With --quarantine what is blocked or held is moved away at once.
Checking begins after a file is in place: where nothing may be seen before, ask the sidecar from the upload instead.
"""
_FINGERPRINT_END = """\
With --json one JSON object a line: {"file", "kind", "media_type", "width", "height", "fingerprints", "problems"}, the
fingerprints in the form that the hub's API takes.

With --compare FILE is two videos: whether one is a part of the other, and from when to when each shows the other. With
--json one object: {"query", "known", "relation" (same, query_is_part, query_contains, overlap or none), "query_share",
"known_share", "parts"}. Exit status 0: something is in both; 1: nothing; 2: a file or the usage was bad.
"""
_REPORT_END = """\
Sends each file's fingerprints (of a long video those of some 250 frames), the addresses and the assessment. The
answer says where the item stands: open (nobody assessed it), waiting (for another organisation), admitted (with its
positions), disputed or withdrawn. With --json one JSON object a line: {"file", "item", "known", "standing": {"status",
"entries": [{"list", "position"}]}, "sightings"}. A key without the scope read gets "file" and "item" only.

With --batch nothing is fingerprinted here: each line of LINES is a report in JSON, with a reference of your own by
which the hub knows it again: {"reference", "kind", "fingerprints", "sightings": [{"url"}], and "assessment": {"code"}
if any}. Each line is answered for itself, by its number. After a failure run the same file again: nothing is reported
twice.
"""
_ASSESS_END = """\
The item is found by the file's fingerprints; somebody must have reported it before. With --json one JSON object a
line: {"file", "item", "standing": {"status", "entries": [{"list", "position"}]}}.
"""
_CODE = "the assessment: A1, A2, B1, B2, NCII, TEST (drills), NONE (does not qualify), or another that the hub knows"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; a parsed command carries, as `runs`, the name of the module in `cli` that runs it."""
    parser = argparse.ArgumentParser(
        prog="staydown", description=_TOP, epilog=_TOP_END, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"staydown {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_filter(commands)
    _add_witness(commands)
    _add_log(commands)
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
    _add_log_keys(init)
    _add_hub_options(init)

    sync = _command(parts, "sync", runs="filter_sync", about="bring the list up to date with the hub", end=_SYNC_END)
    sync.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="default: STAYDOWN_FILTER")
    sync.add_argument("--follow", action="store_true", help="stay connected and apply entries as they are made")
    sync.add_argument(
        "--metrics", metavar="FILE", type=Path, help="with --follow: keep the status there for Prometheus"
    )
    _add_json(sync)

    check = _command(parts, "check", runs="filter_check", about="hold files against the list", end=_CHECK_END)
    _add_files(check)
    check.add_argument("--folder", metavar="FOLDER", type=Path, help="the filter's folder; default: STAYDOWN_FILTER")
    _add_json(check)

    _add_status(parts)
    _add_own_decisions(parts)
    _add_serve(parts)
    _add_watch(parts)


def _add_status(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = _command(parts, "status", runs="filter_status", about="how the filter stands", end=_STATUS_END)
    _add_folder(status)
    _add_json(status)


def _add_own_decisions(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    silence = _command(
        parts, "silence", runs="filter_silence", about="let an entry's matches pass on this platform", end=_SILENCE_END
    )
    silence.add_argument("position", metavar="POSITION", type=int, help="the entry's, as a verdict names it")
    silence.add_argument("--reason", metavar="TEXT", required=True, help="why; the hub's people read it")
    _add_folder(silence)

    unsilence = _command(
        parts, "unsilence", runs="filter_unsilence", about="let a silenced entry count again", end=_UNSILENCE_END
    )
    unsilence.add_argument("position", metavar="POSITION", type=int, help="the entry's, as it was silenced")
    _add_folder(unsilence)

    flood = _command(
        parts, "flood", runs="filter_flood", about="show entries held for flooding, or reset them", end=_FLOOD_END
    )
    flood.add_argument("position", metavar="POSITION", type=int, nargs="?", help="one entry only")
    flood.add_argument("--reset", action="store_true", help="believe it (without POSITION: all of them) again")
    _add_folder(flood)


def _add_serve(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = _command(parts, "serve", runs="filter_serve", about="answer checks and lookups over HTTP", end=_SERVE_END)
    serve.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="default: STAYDOWN_FILTER")
    serve.add_argument("--address", metavar="HOST:PORT", default="127.0.0.1:8650", help="default: %(default)s")
    serve.add_argument("--token-file", metavar="FILE", type=Path, help="what callers must give; see below")
    serve.add_argument("--workers", metavar="N", type=int, default=1, help="processes that answer; default: 1")
    serve.add_argument("--decoders", metavar="N", type=int, help="files decoded at once, in all; default: one a core")
    serve.add_argument("--max-upload-mb", metavar="N", type=int, default=256, help="default: %(default)s")
    serve.add_argument(
        "--max-spool-mb", metavar="N", type=int, default=1024, help="uploads at once; default: %(default)s"
    )
    serve.add_argument("--max-receiving", metavar="N", type=int, default=64, help="uploads taken in at once, a worker")
    serve.add_argument("--max-waiting", metavar="N", type=int, default=32, help="files that wait, a worker")
    serve.add_argument("--scratch", metavar="DIR", type=Path, help="where large uploads pass through; default: TMPDIR")
    serve.add_argument("--files", metavar="DIR", type=Path, help="let GET /v1/gate check files in here")
    serve.add_argument("--no-follow", action="store_true", help="leave the sync to another process")


def _add_watch(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    watch = _command(
        parts, "watch", runs="filter_watch", about="check files as they come into a folder", end=_WATCH_END
    )
    watch.add_argument("watched", metavar="FOLDER", type=Path, help="where files appear; folders in it are seen, too")
    watch.add_argument("--existing", action="store_true", help="check the files that are there already, first")
    watch.add_argument("--quarantine", metavar="DIR", type=Path, help="move what is blocked or held here")
    _add_folder(watch)
    _add_json(watch)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", metavar="FOLDER", type=Path, help="the filter's folder; default: STAYDOWN_FILTER")


def _add_witness(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser(
        "witness", help="countersign a list: init, run", description="A witness of a list's log."
    )
    group.set_defaults(incomplete=group)
    parts = group.add_subparsers(title="commands", metavar="COMMAND")

    init = _command(
        parts, "init", runs="witness_init", about="make a witness's folder and its key", end=_WITNESS_INIT_END
    )
    init.add_argument("folder", metavar="FOLDER", type=Path, help="where to make it; nothing may be there yet")
    init.add_argument("--list", metavar="NAME", required=True, dest="list_name", help="the list to watch")
    init.add_argument("--name", metavar="NAME", help="the witness's name; default: HUB/witness/ORGANISATION")
    _add_log_keys(init)
    _add_hub_options(init)

    run = _command(parts, "run", runs="witness_run", about="countersign what continues the list", end=_WITNESS_RUN_END)
    run.add_argument("folder", metavar="FOLDER", type=Path, help="the witness's folder")
    run.add_argument("--once", action="store_true", help="countersign the present list and end")
    run.add_argument(
        "--accept-restored", action="store_true", help="go on although the folder was copied or brought back"
    )
    _add_json(run)


def _add_log(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = commands.add_parser(
        "log", help="audit a list's log: checkpoint, prove, verify", description="Proofs out of a list's log."
    )
    group.set_defaults(incomplete=group)
    parts = group.add_subparsers(title="commands", metavar="COMMAND")

    checkpoint = _command(
        parts, "checkpoint", runs="log_checkpoint", about="show a list's checkpoint, to be kept", end=_CHECKPOINT_END
    )
    checkpoint.add_argument("--list", metavar="NAME", required=True, dest="list_name", help="the list")
    _add_required_log_keys(checkpoint)
    _add_hub_options(checkpoint)

    prove = _command(parts, "prove", runs="log_prove", about="print a proof out of a list's log", end=_PROVE_END)
    what = prove.add_mutually_exclusive_group(required=True)
    what.add_argument("--position", metavar="N", type=_position, help="prove that this position holds what it holds")
    what.add_argument("--since", metavar="FILE", type=Path, help="prove that the list continues this older checkpoint")
    prove.add_argument(
        "--checkpoint", metavar="FILE", type=Path, help="a newer one that was kept; default: the present"
    )
    prove.add_argument("--list", metavar="NAME", required=True, dest="list_name", help="the list")
    _add_hub_options(prove)

    verify = _command(parts, "verify", runs="log_verify", about="check a proof, asking nobody", end=_VERIFY_END)
    verify.add_argument("file", metavar="FILE", type=Path, help="what staydown log prove printed")
    verify.add_argument(
        "--since", metavar="FILE", type=Path, help="the older checkpoint, for a proof that starts from one"
    )
    _add_required_log_keys(verify)
    verify.add_argument(
        "--witness", metavar="KEY", action="append", dest="witnesses", help="a witness that must have signed it too"
    )
    _add_json(verify)


def _add_required_log_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-key", metavar="KEY", action="append", dest="log_keys", required=True, help="a key that signs the list"
    )


def _position(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _add_fingerprint(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "fingerprint", runs="fingerprint", about="show files' fingerprints", end=_FINGERPRINT_END
    )
    _add_files(parser)
    parser.add_argument(
        "--compare", action="store_true", help="say which part of the first of two videos shows which of the second"
    )
    _add_json(parser)


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(commands, "report", runs="report", about="report files, by fingerprints", end=_REPORT_END)
    reported = parser.add_mutually_exclusive_group(required=True)
    reported.add_argument("files", metavar="FILE", type=Path, nargs="*", default=[])
    reported.add_argument(
        "--batch", metavar="LINES", type=Path, help="report by the thousand: a report a line in this file, - for stdin"
    )
    parser.add_argument("--seen-at", metavar="URL", action="append", help="where it was seen; may be given repeatedly")
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


def _add_log_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-key",
        metavar="KEY",
        action="append",
        dest="log_keys",
        help="the key that signs the list, as its operator published it; may be given more than once. Without it the "
        "hub is asked, and believed this once",
    )


def _add_hub_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hub", metavar="URL", help="the hub's address; default: STAYDOWN_HUB")
    parser.add_argument(
        "--key-file", metavar="FILE", type=Path, help="a file that holds the key; default: STAYDOWN_API_KEY"
    )
    parser.add_argument("--insecure", action="store_true", help="permit plain http to another machine")
