"""The command `staydown-hub`: its words, and where each is carried out."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from staydown_hub.rules.pace import DEFAULT_REQUESTS_A_MINUTE

_USAGE_ERROR: Final = 2
_SETTINGS: Final = """\
settings (environment):
  STAYDOWN_HOME                     data folder (./.staydown/hub)
  DATABASE_URL                      PostgreSQL 15 or newer; unset: one of our own in the data folder
  STAYDOWN_WEB_ADDRESS              where the web process listens (127.0.0.1:8600)
  STAYDOWN_FEED_ADDRESS             where the feed process listens (127.0.0.1:8601)
  STAYDOWN_PUBLIC_URL               how browsers and clients reach the web process
  STAYDOWN_TRUSTED_PROXY            networks of the proxies in front of the web process, comma-separated (none)
  STAYDOWN_FEED_URL                 how filters reach the feed process
  STAYDOWN_FEED_HEARTBEAT_S         seconds between the comment lines that keep a stream open (10)
  STAYDOWN_NEAR_SOCKET              where the near process is asked ($STAYDOWN_HOME/near.sock)
  STAYDOWN_SMTP_URL                 mail server: smtp://, smtp+tls:// (STARTTLS) or smtps://[user:password@]host:port
  STAYDOWN_MAIL_FROM                sender of the hub's mails
  STAYDOWN_CHECK_INTERVAL_S         seconds between two checks of an address
  STAYDOWN_CHECK_PRIVATE_ADDRESSES  private networks that checks may reach, comma-separated (none)
  STAYDOWN_SCHEMES                  folder with law packs of your own beside those that the hub ships (none)
  STAYDOWN_SIGNING_FOLDER           keys of the lists' logs, and what was signed ($STAYDOWN_HOME/signing)
  STAYDOWN_SIGNING_PROVIDER         who keeps these keys: file, or the name of an installed plug-in (file)
  STAYDOWN_LOG_FOLDER               what is served of the logs and can be made again ($STAYDOWN_HOME/log)
  STAYDOWN_LOG_ORIGIN               what the logs are called, without the list (the public address's host)
  STAYDOWN_RETENTION                TOML file with this hub's own periods of retention, in days (none)
  STAYDOWN_RING_FOLDER              keys that open what is encrypted in the database ($STAYDOWN_HOME/ring)
  STAYDOWN_RING_PROVIDER            who keeps these keys: file, or the name of an installed plug-in (file)
  STAYDOWN_SECOND_FACTOR            required or optional: whether pages ask everybody for a second factor (required)
  STAYDOWN_SECRET_KEY               signs sessions; unset: made once and kept in the data folder
"""


def parser() -> argparse.ArgumentParser:
    """Return the whole command line; docs/reference/staydown-hub.md is held to it by a test."""
    top = argparse.ArgumentParser(
        prog="staydown-hub",
        description="The hub: organisations act together so that what was taken down stays down.",
        epilog=_SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    words = top.add_subparsers(metavar="COMMAND", required=True)
    _add(words, "up", "run everything: database, migrations, web, feed, worker and near match", "up:run")
    serve = _add(words, "serve", "run the web process alone: pages and API", "serve:run")
    serve.add_argument("--workers", type=int, default=1, metavar="N", help="processes that answer (1)")
    _add(words, "feed", "run the feed process alone: lists for filters, pushed live", "feed:run")
    _add(words, "worker", "run the worker alone: mails and checks", "worker:run")
    _add(words, "near", "run the near process alone: finds near copies where much is stored", "near:run")
    _add(words, "migrate", "bring the database up to date", "migrate:run")
    _add_organisations(words)
    _add_people(words)
    _add_keys(words)
    _add_lists(words)
    _add_safe_corpus(words)
    _add_signing_keys(words)
    retention = _add(
        words, "retention", "delete and erase what is over its time, as the worker does at night", "retention:run"
    )
    retention.add_argument("--dry-run", action="store_true", help="only say what would be done, and why")
    _json(retention)
    _add_ring(words)
    _add_audit(words)
    figures = _add(words, "figures", "account for the work in numbers", "figures:run")
    _json(figures)
    openapi = _add(words, "openapi", "print the API's description, as in docs/reference/openapi.json", "openapi:run")
    openapi.add_argument("--out", metavar="FILE", help="write it to a file instead")
    return top


def _add_organisations(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "organisations", "the member agencies, their people and keys")
    importing = _add(group, "import", "make what a TOML file names and does not exist yet", "organisations:bring_in")
    importing.add_argument(
        "file", metavar="FILE.toml", help="[[organisation]] tables; see docs/reference/staydown-hub.md"
    )
    _json(importing)
    _json(_add(group, "list", "list them", "organisations:show"))


def _add_keys(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "api-keys", "the keys of the organisations' programs")
    make = _add(group, "make", "make a key and print it once", "api_keys:make")
    make.add_argument("organisation", metavar="ORGANISATION", help="its slug")
    make.add_argument("name", metavar="NAME", help="how the organisation tells it from its other keys")
    make.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="what it may do; once for each")
    make.add_argument("--days", type=int, metavar="N", help="expires after so many days (never)")
    make.add_argument("--person", metavar="EMAIL", help="for whom it acts; a key that assesses needs one")
    make.add_argument("--network", action="append", default=[], metavar="NETWORK", help="may be used from there alone")
    make.add_argument("--client-subject", default="", metavar="NAME", help="of the client certificate it comes with")
    make.add_argument(
        "--a-minute", type=int, default=DEFAULT_REQUESTS_A_MINUTE, metavar="N", help="requests a minute (6000)"
    )
    _json(make)
    rotate = _add(group, "rotate", "make a key's successor and print it once; both work for a while", "api_keys:rotate")
    rotate.add_argument("prefix", metavar="PREFIX", help="the eight characters after sdk_ of the old one")
    rotate.add_argument("--overlap-hours", type=int, default=24, metavar="N", help="how long the old one works on (24)")
    _json(rotate)
    bind = _add(group, "bind", "have a key that names nobody act for a person, for good", "api_keys:bind")
    bind.add_argument("prefix", metavar="PREFIX", help="the eight characters after sdk_")
    bind.add_argument("email", metavar="EMAIL", help="of somebody of its organisation")
    revoke = _add(group, "revoke", "revoke a key for good, at once", "api_keys:revoke")
    revoke.add_argument("prefix", metavar="PREFIX", help="the eight characters after sdk_")
    _json(_add(group, "list", "list them, without their secrets", "api_keys:show"))


def _add_people(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "people", "who signs in, and what they were trained for")
    certify = _add(group, "certify", "record a certificate: who assesses needs one that is valid", "people:certify")
    certify.add_argument("email", metavar="EMAIL", help="whose it is")
    certify.add_argument("--course", required=True, metavar="NAME", help="what they were trained in")
    certify.add_argument("--issued", required=True, metavar="DAY", help="the first day of the right, as 2026-01-31")
    certify.add_argument("--expires", required=True, metavar="DAY", help="the first day without it, from 00:00 UTC")
    _json(_add(group, "list", "list them with their roles", "people:show"))


def _add_lists(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "lists", "the shared lists")
    export = _add(group, "export", "write a list's log into a folder, as files that anyone can serve", "lists:export")
    export.add_argument("list", metavar="LIST", help="the list's slug")
    export.add_argument("folder", metavar="DIR", type=Path, help="made if it is not there; kept up when run again")
    _json(export)
    redact = _add(
        group, "redact", "erase what a list says about an item, for good; the log still verifies", "lists:redact"
    )
    redact.add_argument("list", metavar="LIST", help="the list's slug")
    redact.add_argument("position", metavar="POSITION", type=int, help="of an entry about the item")
    redact.add_argument("--reason", required=True, metavar="TEXT", help="kept in the audit log")
    redact.add_argument(
        "--confirmed-by", action="append", required=True, metavar="EMAIL", help="twice: people of two organisations"
    )
    _json(redact)
    _json(
        _add(
            group,
            "open-self-reports",
            "make the list on which people's own reports are held",
            "lists:open_self_reports",
        )
    )


def _add_safe_corpus(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "safe-corpus", "what the benign gate knows to be harmless")
    add = _add(group, "add", "add the fingerprints of a CSV file", "safe_corpus:add")
    add.add_argument("file", metavar="FILE.csv", help="with the columns algorithm,value,quality,source")
    _json(add)
    _json(_add(group, "show", "count them, by their source", "safe_corpus:show"))


def _add_signing_keys(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "keys", "the keys that sign the lists' logs, and the witnesses beside them")
    for word, text in (
        ("make", "make a list's first key and print its public half"),
        ("rotate", "make one more key, endorsed by the present ones; both sign until the old one is retired"),
    ):
        _add(group, word, text, f"keys:{word}").add_argument("list", metavar="LIST", help="the list's slug")
    retire = _add(group, "retire", "take a key away for good", "keys:retire")
    retire.add_argument("list", metavar="LIST", help="the list's slug")
    retire.add_argument("key", metavar="KEY", help="its id, as `keys list` shows it")
    accept = _add(group, "accept-restored", "go on from a signing folder that was brought back", "keys:accept_restored")
    accept.add_argument("list", metavar="LIST", help="the list's slug")
    accept.add_argument(
        "--size", required=True, type=int, metavar="N", help="how many entries were signed; nobody may have seen more"
    )
    _json(_add(group, "list", "list their public halves, the oldest first", "keys:show"))
    witnesses = _group(group, "witness", "parties that check a log and countersign it")
    add = _add(witnesses, "add", "take a witness's cosignatures", "keys:add_witness")
    add.add_argument("name", metavar="NAME", help="the name that the key bears")
    add.add_argument("vkey", metavar="VKEY", help="the key, as `staydown witness` printed it")
    remove = _add(witnesses, "remove", "take no more cosignatures of a witness", "keys:remove_witness")
    remove.add_argument("name", metavar="NAME", help="as `keys witness list` shows it")
    for one in (add, remove):
        one.add_argument("--list", required=True, metavar="LIST", help="the list's slug")
    _json(_add(witnesses, "list", "list them, with what each signed last", "keys:show_witnesses"))


def _add_ring(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "ring", "the keys that open what is encrypted at rest")
    _add(group, "make", "make the ring; where nothing was sealed yet the hub does it by itself", "ring:make")
    _add(group, "rotate", "make one more key, which wraps from now on", "ring:rotate")
    _add(group, "rewrap", "wrap all records with the newest key; may be stopped and run again", "ring:rewrap")
    retire = _add(group, "retire", "take a key away for good, once it wraps nothing", "ring:retire")
    retire.add_argument("key", metavar="KEY", help="its id, as `ring list` shows it")
    _json(_add(group, "list", "list the keys without their secrets, and what each wraps", "ring:show"))


def _add_audit(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = _group(words, "audit", "the record of every act")
    verify = _add(
        group, "verify", "check that nothing in it was changed; exit status 1 if something was", "audit:verify"
    )
    verify.add_argument("--known-head", metavar="HEAD", help="a head printed earlier: finds a cut-off end too")
    _json(verify)


def _group(
    words: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    group = words.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    return group.add_subparsers(metavar="COMMAND", required=True)


def _add(
    words: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str, place: str
) -> argparse.ArgumentParser:
    one = words.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
    one.set_defaults(place=place)
    return one


def _json(one: argparse.ArgumentParser) -> None:
    one.add_argument("--json", action="store_true", help="print JSON")


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Carry out a command and exit: 0 done, 1 something is wrong with what was looked at, 2 it could not be done."""
    asked = parser().parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "staydown_hub.config.settings")
    module, _, function = asked.place.partition(":")
    act: Callable[[argparse.Namespace], int] = getattr(
        importlib.import_module(f"staydown_hub.commands.{module}"), function
    )
    sys.exit(_guarded(act, asked))


def _guarded(act: Callable[[argparse.Namespace], int], asked: argparse.Namespace) -> int:
    try:
        return act(asked)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough; what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 -- the last place that can keep an error's words from the terminal
        from staydown_hub.commands.failing import explain  # noqa: PLC0415 -- only when something failed

        sys.stderr.write(explain(error))
        return _USAGE_ERROR
