"""API keys from the command line."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table


def make(asked: Namespace) -> int:
    """Make a key and print it, once."""
    if asked.days is not None and not 1 <= asked.days <= 36_500:  # noqa: PLR2004 -- a hundred years
        raise CommandError("--days is a whole number from 1 to 36500.")
    expires_at = None if asked.days is None else datetime.now(UTC) + timedelta(days=asked.days)
    with database():
        from staydown_hub.organisations import queries, services  # noqa: PLC0415 -- after Django is set up

        organisation = queries.organisation_called(asked.organisation)
        made = services.make_api_key(organisation, name=asked.name, scopes=asked.scope, expires_at=expires_at)
    if asked.json:
        say_json({"prefix": made.key.prefix, "scopes": made.key.scopes, "expires_at": expires_at, "token": made.token})
    else:
        say(made.token)
    return 0


def revoke(asked: Namespace) -> int:
    """Revoke a key for good."""
    with database():
        from staydown_hub.organisations import services  # noqa: PLC0415 -- after Django is set up

        key = services.revoke_api_key(prefix=asked.prefix)
    say(f"{key.prefix} is revoked.")
    return 0


def show(asked: Namespace) -> int:
    """List all keys, without their secrets."""
    with database():
        from staydown_hub.organisations.queries import api_keys  # noqa: PLC0415 -- after Django is set up

        rows = [
            {
                "organisation": one.organisation.slug,
                "name": one.name,
                "prefix": one.prefix,
                "scopes": list(one.scopes),
                "made_at": one.made_at,
                "expires_at": one.expires_at,
                "revoked_at": one.revoked_at,
                "last_used_at": one.last_used_at,
            }
            for one in api_keys()
        ]
    if asked.json:
        say_json({"api_keys": rows})
    else:
        header = ("organisation", "name", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at")
        say_table(header, [[_cell(row[name]) for name in header] for row in rows])
    return 0


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return " ".join(value) or "-"
    return str(value) if value is not None else "-"
