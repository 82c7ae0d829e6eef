"""People from the command line: who there is, and what they were trained for."""

from argparse import Namespace
from datetime import UTC, date, datetime

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table


def certify(asked: Namespace) -> int:
    """Record a certificate."""
    issued_on, expires_on = _day(asked.issued, "--issued"), _day(asked.expires, "--expires")
    with database():
        from staydown_hub.organisations import queries, training  # noqa: PLC0415 -- after Django is set up

        person = queries.people_called([asked.email])[0]
        training.record_certificate(
            None, person=person, course=asked.course, issued_on=issued_on, expires_on=expires_on
        )
    say(f"{asked.email} may assess from {issued_on} until {expires_on} begins (UTC).")
    return 0


def show(asked: Namespace) -> int:
    """List all people with their roles, and until when they may assess."""
    with database():
        from staydown_hub.organisations import queries, training  # noqa: PLC0415 -- after Django is set up

        now = datetime.now(UTC)
        rows = [
            {
                "organisation": one.organisation.slug,
                "email": one.email,
                "role": one.role,
                "active": one.is_active,
                "certified_until": training.valid_until(one, at=now),
            }
            for one in queries.people()
        ]
    if asked.json:
        say_json({"people": rows})
    else:
        header = ("organisation", "email", "role", "active", "certified_until")
        say_table(header, [[str(row[name] if row[name] is not None else "-") for name in header] for row in rows])
    return 0


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option} is a day such as 2026-01-31.") from None
