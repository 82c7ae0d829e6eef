"""The real PostgreSQL that the hub's integration tests run on, and the cast that acts in them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from staydown_hub.config import environment
from staydown_hub.embedded_postgres import embedded_postgres

from packages.hub.tests.cast import Cast, make_cast
from packages.hub.tests.emptying import empty_database


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server: DATABASE_URL's where that is set, else one of our own for this session."""
    home: Path = tmp_path_factory.mktemp("hub")
    with embedded_postgres(home / "postgres") as database_url:
        yield database_url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres: str) -> None:
    """Point Django at that server before pytest-django makes the test database in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres)
        given: dict[str, Any] = environment.database()
    connection.settings_dict.update(given, CONN_MAX_AGE=0)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database whose transactions really commit: for tests with threads, deferred triggers or other processes."""
    del django_db_setup
    with django_db_blocker.unblock():
        empty_database()
        yield
        connection.close()
        empty_database()
        connection.close()


@pytest.fixture
def cast(request: pytest.FixtureRequest) -> Cast:
    """The named organisations, each with a key that may do all that its kind may; in either kind of database."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    return make_cast()


@pytest.fixture
def client() -> Client:
    """A caller of the API that sees errors as a caller does."""
    return Client(raise_request_exception=False)
