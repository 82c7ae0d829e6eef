"""Several processes use one server; it ends with the last of them."""

import signal
from pathlib import Path

from staydown_hub.embedded_postgres.server import is_held
from staydown_hub.embedded_postgres.sharing import SERVER_LOCK, WATCHDOG_LOCK

from packages.hub.tests.integration.embedded_postgres.processes import Users, find_process, kill


def test_two_processes_share_one_server_until_the_last_leaves(users: Users, home: Path) -> None:
    first = users.enter(home)
    second = users.enter(home)
    assert second.server_pid == first.server_pid

    first.sql("drop table if exists shared; create table shared as select 1 as value")
    first.leave()
    assert second.sql("select value from shared") == 1
    assert is_held(home / SERVER_LOCK)

    second.leave()
    assert not is_held(home / SERVER_LOCK)


def test_first_starts_at_the_same_moment_make_one_cluster(our_users: Users, our_folder: Path) -> None:
    begun = [our_users.begin(our_folder / "home") for _ in range(3)]
    connected = [user.wait_until_connected() for user in begun]
    assert len({user.server_pid for user in connected}) == 1
    connected[0].sql("drop table if exists seen_by_all; create table seen_by_all as select 1 as value")
    assert [user.sql("select value from seen_by_all") for user in connected] == [1, 1, 1]


def test_a_killed_process_does_not_take_the_server_from_the_others(users: Users, home: Path) -> None:
    first = users.enter(home)
    second = users.enter(home)
    first.end_by(signal.SIGKILL)
    assert second.sql("select 1") == 1
    assert users.enter(home).server_pid == second.server_pid


def test_comings_and_goings_at_once_always_find_a_server(our_users: Users, our_home: Path) -> None:
    begun = [our_users.begin(our_home) for _ in range(4)]
    for _ in range(3):
        for user in begun:
            user.wait_until_connected()
            assert user.sql("select 1") == 1
            assert user.process.stdin
            user.process.stdin.close()  # leaves while the next ones arrive
        begun = [our_users.begin(our_home) for _ in range(4)]
    for user in begun:
        assert user.wait_until_connected().sql("select 1") == 1


def test_a_lost_watchdog_is_replaced(our_users: Users, our_home: Path) -> None:
    first = our_users.enter(our_home)
    watchdog_pid = find_process("staydown_hub.embedded_postgres.watchdog", str(our_home))
    assert watchdog_pid
    kill(watchdog_pid)
    second = our_users.enter(our_home)
    assert second.server_pid == first.server_pid
    assert is_held(our_home / WATCHDOG_LOCK)
