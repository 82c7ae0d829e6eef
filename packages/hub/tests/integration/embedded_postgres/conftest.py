"""Folders and processes for the tests of the embedded database."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from staydown_hub.embedded_postgres.accounts import Account, own_account

from packages.hub.tests.integration.embedded_postgres.processes import MakeFolder, Users, accounts


@pytest.fixture(params=accounts(), ids=lambda account: account.name)
def users(request: pytest.FixtureRequest, make_folder: MakeFolder) -> Iterator[Users]:
    del make_folder  # only that its folders are removed after the processes ended
    users = Users(request.param)
    yield users
    users.end_all()


@pytest.fixture
def our_users(make_folder: MakeFolder) -> Iterator[Users]:
    """For what does not depend on the account: only under our own."""
    del make_folder
    users = Users(own_account())
    yield users
    users.end_all()


@pytest.fixture
def make_folder() -> Iterator[MakeFolder]:
    """Make a folder that all can enter, as pytest's own cannot be, and that the account owns."""
    made: list[Path] = []

    def make(account: Account) -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="staydown-test-", dir="/tmp")))
        made[-1].chmod(0o755)
        os.chown(made[-1], account.uid, account.gid)
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture
def folder(users: Users, make_folder: MakeFolder) -> Path:
    return make_folder(users.account)


@pytest.fixture
def our_folder(our_users: Users, make_folder: MakeFolder) -> Path:
    return make_folder(our_users.account)


@pytest.fixture(scope="session")
def made_homes() -> Iterator[dict[str, Path]]:
    """Make a home for each account, its cluster made once: to make one takes longer than most tests."""
    root = Path(tempfile.mkdtemp(prefix="staydown-test-", dir="/tmp"))
    root.chmod(0o755)
    homes: dict[str, Path] = {}
    for account in accounts():
        parent = root / account.name
        parent.mkdir(mode=0o755)
        os.chown(parent, account.uid, account.gid)
        users = Users(account)
        users.enter(parent / "home").leave()
        users.end_all()
        homes[account.name] = parent / "home"
    yield homes
    shutil.rmtree(root)


@pytest.fixture
def home(users: Users, made_homes: dict[str, Path]) -> Path:
    """Give a home whose cluster is made and whose server does not run; what a test leaves in its database stays."""
    return made_homes[users.account.name]


@pytest.fixture
def our_home(our_users: Users, made_homes: dict[str, Path]) -> Path:
    return made_homes[our_users.account.name]


@pytest.fixture
def own_copy(our_folder: Path, our_home: Path) -> Path:
    """Give a home to be damaged."""
    subprocess.run(["cp", "-a", str(our_home), str(our_folder / "home")], check=True)
    return our_folder / "home"
