"""API keys from the command line."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table
from staydown_hub.rules.pace import MOST_REQUESTS_A_MINUTE

if TYPE_CHECKING:
    from staydown_hub.organisations.keys import NewApiKey


_MOST_DAYS: Final = 36_500
_MOST_OVERLAP_HOURS: Final = 30 * 24


def make(asked: Namespace) -> int:
    """Make a key and print it, once."""
    if asked.days is not None and not 1 <= asked.days <= _MOST_DAYS:
        raise CommandError("--days is a whole number from 1 to 36500.")
    if not 1 <= asked.a_minute <= MOST_REQUESTS_A_MINUTE:
        raise CommandError(f"--a-minute is a whole number from 1 to {MOST_REQUESTS_A_MINUTE}.")
    expires_at = None if asked.days is None else datetime.now(UTC) + timedelta(days=asked.days)
    with database():
        from staydown_hub.organisations import keys, queries  # noqa: PLC0415 -- after Django is set up

        person = queries.people_called([asked.person])[0] if asked.person else None
        bounds = keys.Bounds(person, expires_at, tuple(asked.network), asked.client_subject, asked.a_minute)
        organisation = queries.organisation_called(asked.organisation)
        try:
            made = keys.make_api_key(organisation, name=asked.name, scopes=asked.scope, bounds=bounds)
        except ValueError as error:
            raise CommandError(f"--network: {error}") from None
        _tell(made, is_json=asked.json)
    return 0


def rotate(asked: Namespace) -> int:
    """Make a key's successor and print it, once; the old one works on for a while."""
    if not 0 <= asked.overlap_hours <= _MOST_OVERLAP_HOURS:
        raise CommandError(f"--overlap-hours is a whole number from 0 to {_MOST_OVERLAP_HOURS}.")
    with database():
        from staydown_hub.organisations import keys  # noqa: PLC0415 -- after Django is set up

        made = keys.rotate_api_key(prefix=asked.prefix, overlap=timedelta(hours=asked.overlap_hours))
        _tell(made, is_json=asked.json)
    return 0


def bind(asked: Namespace) -> int:
    """Have a key that names nobody act for a person from now on."""
    with database():
        from staydown_hub.organisations import keys, queries  # noqa: PLC0415 -- after Django is set up

        key = keys.bind_api_key(prefix=asked.prefix, person=queries.people_called([asked.email])[0])
    say(f"{key.prefix} acts for {asked.email}.")
    return 0


def revoke(asked: Namespace) -> int:
    """Revoke a key for good."""
    with database():
        from staydown_hub.organisations import keys  # noqa: PLC0415 -- after Django is set up

        key = keys.revoke_api_key(prefix=asked.prefix)
    say(f"{key.prefix} is revoked.")
    return 0


def _tell(made: "NewApiKey", *, is_json: bool) -> None:
    key = made.key
    if is_json:
        say_json({"prefix": key.prefix, "scopes": key.scopes, "expires_at": key.expires_at, "token": made.token})
    else:
        say(made.token)


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
                "acts_for": one.person.email if one.person else None,
                "networks": list(one.networks),
                "client_subject": one.client_subject or None,
                "requests_a_minute": one.requests_a_minute,
            }
            for one in api_keys()
        ]
    if asked.json:
        say_json({"api_keys": rows})
    else:
        header = ("organisation", "name", "prefix", "scopes", "acts_for", "expires_at", "revoked_at", "last_used_at")
        say_table(header, [[_cell(row[name]) for name in header] for row in rows])
    return 0


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list):
        return " ".join(value) or "-"
    return str(value) if value is not None else "-"
