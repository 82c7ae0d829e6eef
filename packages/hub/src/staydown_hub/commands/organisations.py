"""Organisations from the command line: bringing in a roll, and listing them."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table
from staydown_hub.rules.roll import read_roll

if TYPE_CHECKING:
    from staydown_hub.organisations.importing import Imported
    from staydown_hub.organisations.models import Organisation


def bring_in(asked: Namespace) -> int:
    """Make what the file names and does not exist yet; print the new passwords and keys, once."""
    lines = read_roll(_text_of(Path(asked.file)))
    with database():
        from staydown_hub.organisations.importing import import_roll  # noqa: PLC0415 -- after Django is set up

        imported = import_roll(lines)
        made = _described(imported)
        waiting = [{"proposal": str(one.pk), "slug": one.payload["slug"]} for one in imported.proposed]
    if asked.json:
        say_json({"organisations": made} | ({"waiting": waiting} if waiting else {}))
    else:
        _tell(made, waiting)
    return 0


def show(asked: Namespace) -> int:
    """List all organisations."""
    with database():
        from staydown_hub.organisations.queries import organisations  # noqa: PLC0415 -- after Django is set up

        rows = [_line(one) for one in organisations()]
    if asked.json:
        say_json({"organisations": rows})
    else:
        header = ("slug", "kind", "name", "domains", "abuse_mail")
        say_table(
            header,
            [(*[str(row[name]) for name in header[:3]], " ".join(row["domains"]), row["abuse_mail"]) for row in rows],
        )
    return 0


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not text in UTF-8.") from None


def _line(one: "Organisation") -> dict[str, Any]:
    return {
        "slug": one.slug,
        "name": one.name,
        "kind": one.kind,
        "domains": list(one.domains),
        "abuse_mail": one.abuse_mail,
    }


def _described(imported: "Imported") -> list[dict[str, Any]]:
    """Return the organisations of which something was made, each with what was made."""
    touched = {one.slug: one for one in imported.organisations}
    touched |= {one.person.organisation.slug: one.person.organisation for one in imported.people}
    touched |= {one.key.organisation.slug: one.key.organisation for one in imported.keys}
    return [
        {
            "slug": slug,
            "name": one.name,
            "kind": one.kind,
            "people": [
                {"email": new.person.email, "role": new.person.role, "password": new.password}
                for new in imported.people
                if new.person.organisation_id == one.pk
            ],
            "keys": [
                {"name": new.key.name, "prefix": new.key.prefix, "scopes": list(new.key.scopes), "token": new.token}
                for new in imported.keys
                if new.key.organisation_id == one.pk
            ],
        }
        for slug, one in sorted(touched.items())
    ]


def _tell(made: list[dict[str, Any]], waiting: list[dict[str, str]]) -> None:
    for new in waiting:
        say(f"{new['slug']}: waits for a supervisor or administrator here to agree (proposal {new['proposal']}).")
    if not made:
        if waiting:
            return
        say("Everything in this file exists already; nothing was made.")
        return
    for one in made:
        say(f"{one['slug']}: {one['name']} ({one['kind']})")
        for person in one["people"]:
            say(f"  person {person['email']} ({person['role']})  password {person['password']}")
        for key in one["keys"]:
            say(f"  key {key['name']} ({' '.join(key['scopes']) or 'no scope'})  {key['token']}")
    say("Passwords and keys are shown this once. Hand each to its organisation over a safe way.")
