"""Everything in one: the database, its migrations, and the web, feed and worker processes kept alive."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from contextlib import ExitStack
from threading import Event
from typing import Final

import psycopg

from staydown_hub.commands.children import Child, ChildFailedError, answers
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.first_keys import make_missing_keys
from staydown_hub.commands.printing import say
from staydown_hub.config import environment
from staydown_hub.config.environment import Address
from staydown_hub.embedded_postgres import RunningPostgres, start
from staydown_hub.near.places import socket_path

_READY_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.1
_LOOK_AFTER_DATABASE_EVERY_S: Final = 2.0
# From here on the registry asks the near process; a hub with less does without it, and without its memory.
_NEAR_FROM_FINGERPRINTS: Final = 1000
_STORED: Final = "SELECT coalesce((SELECT last_value FROM pg_sequences WHERE sequencename = 'fingerprint_id_seq'), 0)"


def run(_asked: Namespace) -> int:
    """Run until SIGTERM or SIGINT, then stop everything in order."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    web = environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:8600")
    feed = environment.address("STAYDOWN_FEED_ADDRESS", "127.0.0.1:8601")
    _check_free(web, name="STAYDOWN_WEB_ADDRESS")
    _check_free(feed, name="STAYDOWN_FEED_ADDRESS")
    with ExitStack() as closing:
        database = _database(closing)
        _migrate()
        make_missing_keys()
        # Entered in reverse of the order in which they stop: the web first, so that nothing new comes in.
        children = [closing.enter_context(Child(word)) for word in ("worker", "feed", "serve")]
        try:
            if _wait_until_ready(children, web=web, feed=feed, stopping=stopping):
                say(f"ready web=http://{web} feed=http://{feed}")
            _look_after(children, database=database, stopping=stopping, closing=closing)
        except ChildFailedError as error:
            raise CommandError(str(error)) from None
    return 0


def _check_free(address: Address, *, name: str) -> None:
    """Refuse an address that cannot be listened on before anything is started."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise CommandError(f"{address} cannot be used ({error.strerror}): set {name} to another address.") from None


def _database(closing: ExitStack) -> RunningPostgres | None:
    """Have a database until everything else is closed; return ours, or None when DATABASE_URL names one."""
    if os.environ.get("DATABASE_URL"):
        return None
    running = start(environment.home() / "postgres")
    closing.callback(running.stop)
    os.environ["DATABASE_URL"] = running.database_url
    return running


def _migrate() -> None:
    done = subprocess.run([sys.executable, "-P", "-m", "staydown_hub", "migrate"], check=False)
    if done.returncode:
        raise CommandError("The database could not be brought up to date; what was wrong stands above.")


def _wait_until_ready(children: list[Child], *, web: Address, feed: Address, stopping: Event) -> bool:
    """Wait until web and feed answer; False when we were asked to stop before."""
    waiting = [(web, "/healthz"), (feed, "/feed/v1/healthz")]
    until = time.monotonic() + _READY_WITHIN_S
    while waiting and not stopping.wait(_LOOK_EVERY_S):
        waiting = [(address, path) for address, path in waiting if not answers(address, path)]
        for child in children:
            child.revive()
        if waiting and time.monotonic() > until:
            raise CommandError(f"{waiting[0][0]} does not answer after {_READY_WITHIN_S:.0f} s; the log stands above.")
    return not waiting


def _can_have_near() -> bool:
    """Tell whether the near process has a place; where it has none the hub goes on without, and says so."""
    try:
        socket_path()
    except environment.BadSettingError as error:
        say(str(error))
        return False
    return True


def _needs_near() -> bool:
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
            stored = connection.execute(_STORED).fetchone()
    except psycopg.Error:
        return False  # it is looked after elsewhere, and asked again soon
    return stored is not None and stored[0] >= _NEAR_FROM_FINGERPRINTS


def _look_after(
    children: list[Child], *, database: RunningPostgres | None, stopping: Event, closing: ExitStack
) -> None:
    """Start again whatever dies, until we are asked to stop; and the near process once there is enough for it."""
    look_after_database_at = time.monotonic()
    has_near = not _can_have_near()
    while not stopping.wait(_LOOK_EVERY_S):
        if time.monotonic() > look_after_database_at:
            if database:
                database.ensure_running()
            if not has_near and _needs_near():
                has_near = True
                children.append(closing.enter_context(Child("near")))
            look_after_database_at = time.monotonic() + _LOOK_AFTER_DATABASE_EVERY_S
        for child in children:
            if child.revive():
                say(f"`{child.word}` had ended and was started again")
