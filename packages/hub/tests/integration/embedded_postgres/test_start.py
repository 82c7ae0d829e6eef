"""A cluster is made and used, from either source of programs, as root and as an ordinary user."""

import os
import signal
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from packages.hub.tests.integration.embedded_postgres.processes import Users, eventually, kill


@pytest.mark.parametrize("source", ["system", "wheel"])
def test_makes_a_cluster_and_connects(users: Users, folder: Path, source: str) -> None:
    parents = [folder, *folder.parents]
    before = [modes(each) for each in parents]
    user = users.enter(folder / "home", source=source)

    assert int(user.sql("show server_version_num")) >= 150000
    assert user.sql("show server_encoding") == "UTF8"
    assert user.sql("select string_agg(t, '' order by t) from unnest(array['a', 'B', 'b', 'A', 'é']) t") == "ABabé"
    assert user.sql("select upper('é')") == "É"
    assert user.sql("show data_checksums") == "on"
    assert user.sql("show fsync") == "on"
    assert user.sql("show listen_addresses") == ""  # the empty text is the point
    assert user.sql("select rolsuper from pg_roles where rolname = current_user") is False
    assert [modes(each) for each in parents] == before


def modes(path: Path) -> tuple[int, int, int]:
    """Give what must not change of a parent folder."""
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_gid


def test_server_runs_without_privileges(users: Users, home: Path) -> None:
    user = users.enter(home)

    server_uid = Path(f"/proc/{user.server_pid}").stat().st_uid
    assert server_uid != 0
    assert users.account.uid in {server_uid, 0}


def test_second_start_takes_under_a_second(users: Users, home: Path) -> None:
    starts_s = []
    for _ in range(3):
        user = users.enter(home)
        starts_s.append(user.start_s)
        user.leave()
    assert min(starts_s) < 1.0  # the best of three: the machine may be busy with others


def test_data_outlives_the_server(users: Users, home: Path) -> None:
    first = users.enter(home)
    first.sql("drop table if exists kept; create table kept as select 7 as value")
    first.leave()
    assert users.enter(home).sql("select value from kept") == 7


def test_what_it_makes_is_closed_to_others(users: Users, home: Path) -> None:
    user = users.enter(home)
    sockets = Path(str(conninfo_to_dict(user.database_url)["host"]))
    assert sockets.stat().st_mode & 0o077 == 0
    assert (home / "data").stat().st_mode & 0o077 == 0
    readable_by_others = {each.name for each in home.iterdir() if each.is_file() and each.stat().st_mode & 0o077}
    assert readable_by_others == {"pg_hba.conf", "pg_ident.conf"}


def test_a_long_path_of_odd_characters_gets_a_short_socket_folder(our_users: Users, our_folder: Path) -> None:
    home = our_folder / ("d" * 60) / "a b&c?ö%20'\"" / ("e" * 60)
    user = our_users.enter(home)
    sockets = Path(str(conninfo_to_dict(user.database_url)["host"]))
    assert str(sockets).startswith("/tmp/staydown-postgres-")  # noqa: S108  # where the short folder is
    assert sockets.stat().st_mode & 0o777 == 0o700
    kill(user.server_pid)
    again = our_users.enter(home)
    assert again.database_url == user.database_url  # whoever uses the old address finds the new server
    again.leave()
    user.end_by(signal.SIGKILL)
    assert eventually(lambda: not sockets.exists())

    sockets.mkdir()  # somebody else took its name
    os.chown(sockets, 4711 if os.geteuid() == 0 else -1, -1)
    if os.geteuid() == 0:
        third = our_users.enter(home)
        assert third.database_url != user.database_url
        assert list(sockets.iterdir()) == []
        third.leave()
    sockets.rmdir()


def test_a_short_path_of_odd_characters(our_users: Users, own_copy: Path) -> None:
    home = own_copy.rename(own_copy.with_name("a b&c?ö%20'\""))
    assert our_users.enter(home).sql("select 1") == 1


def test_the_log_never_holds_a_statement_or_a_value(our_users: Users, our_home: Path) -> None:
    user = our_users.enter(our_home)
    user.sql("drop table if exists unique_value; create table unique_value (value text primary key)")
    user.sql("insert into unique_value values ('do-not-log-this')")
    assert user.process.stdin
    user.process.stdin.write("insert into unique_value values ('do-not-log-this')\n")  # refused by the server
    user.process.stdin.close()
    assert user.process.wait() != 0
    log = (our_home / "server.log").read_text()
    assert "ready to accept connections" in log
    assert "do-not-log-this" not in log
