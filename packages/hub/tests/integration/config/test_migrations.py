"""The migrations say what the models say, and can be taken back."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
def test_every_step_can_be_undone() -> None:
    ours = [
        one
        for (app, _), one in MigrationLoader(connection).disk_migrations.items()
        if type(one).__module__.startswith("staydown_hub.")
    ]
    assert len(ours) > 8
    for migration in ours:
        for operation in migration.operations:
            assert operation.reversible, f"{migration}: {operation}"
