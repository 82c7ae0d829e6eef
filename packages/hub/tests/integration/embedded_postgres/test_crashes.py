"""However a process ends, no server is left for good, nothing committed is lost, and no stranger is harmed."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from packages.hub.tests.integration.embedded_postgres.processes import (
    Users,
    eventually,
    find_process,
    is_alive,
    is_free,
    kill,
)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_process_leaves_no_server_and_loses_nothing(users: Users, home: Path, signal_number: int) -> None:
    user = users.enter(home)
    user.sql("drop table if exists committed; create table committed as select 42 as value")
    user.end_by(signal_number)

    assert eventually(lambda: is_free(home))
    assert not is_alive(user.server_pid)
    assert users.enter(home).sql("select value from committed") == 42


def test_a_killed_server_is_started_again_with_all_that_was_committed(users: Users, home: Path) -> None:
    first = users.enter(home)
    first.sql("drop table if exists committed; create table committed as select 42 as value")
    kill(first.server_pid)

    second = users.enter(home)
    assert second.server_pid != first.server_pid
    assert second.sql("select value from committed") == 42


def test_everything_killed_at_once_is_started_again(users: Users, home: Path) -> None:
    user = users.enter(home)
    user.sql("drop table if exists committed; create table committed as select 42 as value")
    watchdog_pid = find_process("staydown_hub.embedded_postgres.watchdog", str(home))
    assert watchdog_pid
    kill(watchdog_pid)
    kill(user.server_pid)
    user.end_by(signal.SIGKILL)

    assert users.enter(home).sql("select value from committed") == 42


def test_a_server_left_by_killed_users_and_watchdog_is_found_and_then_ended(users: Users, home: Path) -> None:
    user = users.enter(home)
    watchdog_pid = find_process("staydown_hub.embedded_postgres.watchdog", str(home))
    assert watchdog_pid
    kill(watchdog_pid)
    user.end_by(signal.SIGKILL)
    assert is_alive(user.server_pid)

    second = users.enter(home)
    assert second.server_pid == user.server_pid
    second.leave()
    assert not is_alive(user.server_pid)


def test_initdb_killed_halfway_with_its_process_is_made_again(our_users: Users, our_folder: Path) -> None:
    home = our_folder / "home"
    first = our_users.begin(home)
    assert eventually(lambda: any(home.glob("unfinished-*/*")))
    assert not (home / "data").exists()
    first.end_by(signal.SIGKILL)
    if initdb_pid := find_process("-D", str(next(home.glob("unfinished-*")))):
        kill(initdb_pid)

    assert our_users.enter(home).sql("select 1") == 1
    assert not list(home.glob("unfinished-*"))


def test_a_process_killed_while_initdb_goes_on_is_waited_for(our_users: Users, our_folder: Path) -> None:
    home = our_folder / "home"
    first = our_users.begin(home)
    assert eventually(lambda: any(home.glob("unfinished-*/*")))
    first.end_by(signal.SIGKILL)

    assert our_users.enter(home).sql("select 1") == 1
    assert not list(home.glob("unfinished-*"))


@pytest.mark.parametrize("ending", ["leave", "killed"])
def test_a_stale_pid_file_naming_a_stranger_harms_nobody(users: Users, home: Path, ending: str) -> None:
    as_root = os.geteuid() == 0
    data_owner = (home / "data").stat()
    with subprocess.Popen(  # under the server's own account: PostgreSQL itself would take it for another server
        ["/bin/sleep", "600"], user=data_owner.st_uid if as_root else None, group=data_owner.st_gid if as_root else None
    ) as stranger:
        try:
            pid_file = home / "data" / "postmaster.pid"
            begun_at = int(time.time())
            sockets = home / "sockets"
            pid_file.write_text(f"{stranger.pid}\n{home}/data\n{begun_at}\n5432\n{sockets}\n\n 1 1\nready   \n")
            os.chown(pid_file, data_owner.st_uid, data_owner.st_gid)

            user = users.enter(home)
            assert user.server_pid != stranger.pid
            assert user.sql("select 1") == 1
            if ending == "leave":
                user.leave()
            else:
                user.end_by(signal.SIGKILL)
            assert eventually(lambda: is_free(home))
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_strangers_pid_that_appears_while_the_server_runs_is_not_signalled(our_users: Users, our_home: Path) -> None:
    user = our_users.enter(our_home)
    pid_file = our_home / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["/bin/sleep", "600"]) as stranger:
        try:
            pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            user.process.kill()
            user.process.wait()
            time.sleep(0.5)  # the watchdog looks at once; there is nothing to wait for when it does nothing
            assert stranger.poll() is None
            assert is_alive(user.server_pid)
        finally:
            stranger.kill()
    pid_file.write_text("\n".join(lines) + "\n")
    assert eventually(lambda: is_free(our_home))
