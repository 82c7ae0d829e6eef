"""The real PostgreSQL that the hub's integration tests run on, and the cast that acts in them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker
from staydown_hub.config import environment
from staydown_hub.embedded_postgres import embedded_postgres

from packages.hub.tests.cast import Cast, make_cast
from packages.hub.tests.emptying import empty_database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the address of a running server: DATABASE_URL's where that is set, else one of our own for this session."""
    folder = Path(tempfile.mkdtemp(prefix="staydown-test-", dir="/tmp"))
    folder.chmod(0o755)  # as root the server runs under another account, which pytest's own folders shut out
    try:
        with embedded_postgres(folder / "postgres") as database_url:
            yield database_url
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def ring_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give this process a key ring of its own, which opens what the tests seal."""
    folder = tmp_path_factory.mktemp("ring") / "ring"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAYDOWN_RING_FOLDER", str(folder))
        yield folder


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, postgres: str, ring_folder: Path
) -> Iterator[None]:
    """Make the test database on that server; pytest-django's own does so only where it sees who will ask for it."""
    del django_test_environment, ring_folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres)
        given: dict[str, Any] = environment.database()
    connection.settings_dict.update(given, CONN_MAX_AGE=0)
    # Each process of a parallel run has a database of its own, also where DATABASE_URL gives them one server.
    connection.settings_dict["TEST"]["NAME"] = f"test_staydown_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        connection.close()
        teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give a database whose transactions really commit: for threads, deferred triggers or other processes."""
    del django_db_setup
    with django_db_blocker.unblock():
        yield
        connection.close()
        empty_database()
        connection.close()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> Cast:
    """Give the named organisations, each with a key of all that its kind may do; in either kind of database."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    return make_cast()


@pytest.fixture
def client() -> Client:
    """Give a caller of the API that sees errors as a caller does."""
    return Client(raise_request_exception=False)
