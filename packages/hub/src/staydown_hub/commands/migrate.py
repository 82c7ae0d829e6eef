"""Bringing the database up to date."""

from argparse import Namespace

from staydown_hub.commands.database import database


def run(_asked: Namespace) -> int:
    """Apply every migration that is missing."""
    with database():
        from django.core.management import call_command  # noqa: PLC0415 -- after Django is set up

        call_command("migrate", interactive=False, verbosity=0)
    return 0
