"""The key ring from the command line: made, rotated, wrapped anew with, retired, listed."""

import re
from argparse import Namespace
from datetime import UTC, datetime
from typing import Final

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table

_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")
_BROKEN: Final = 1


def make(_asked: Namespace) -> int:
    """Make the ring and print its newest key's id."""
    with database():
        from staydown_hub.vault import services  # noqa: PLC0415 -- after Django is set up

        say(services.make(source="command").hex())
    return 0


def rotate(_asked: Namespace) -> int:
    """Make one more key and print its id."""
    with database():
        from staydown_hub.vault import services  # noqa: PLC0415 -- the same

        say(services.rotate(source="command").hex())
    return 0


def rewrap(_asked: Namespace) -> int:
    """Wrap all records with the newest key; exit status 1 when some of them do not open."""
    with database():
        from staydown_hub.vault import services  # noqa: PLC0415 -- the same

        done = services.rewrap_all(source="command")
    say(f"{done.count} records are wrapped anew.")
    for one in done.broken:
        say(f"{one} does not open: it was changed, or belongs to another record.")
    return _BROKEN if done.broken else 0


def retire(asked: Namespace) -> int:
    """Take a key away for good."""
    if not _KEY_ID.fullmatch(asked.key):
        raise CommandError("KEY is the id of a key, eight digits such as 1a2b3c4d: see `staydown-hub ring list`.")
    with database():
        from staydown_hub.vault import services  # noqa: PLC0415 -- the same

        services.retire(bytes.fromhex(asked.key), source="command")
    say(f"{asked.key} opens nothing any more.")
    return 0


def show(asked: Namespace) -> int:
    """List the keys, the oldest first, and how many records each wraps."""
    with database():
        from staydown_hub.vault import queries, services  # noqa: PLC0415 -- the same

        counts, keys = queries.counts_by_key(), services.ring().ring_keys()
    rows = [
        {
            "key": key.id.hex(),
            "made_at": datetime.fromtimestamp(key.made_at_s, UTC).isoformat(timespec="seconds"),
            "records": counts.pop(key.id, 0),
            "state": "wraps" if key is keys[-1] else "opens",
        }
        for key in keys
    ]
    rows += [{"key": key.hex(), "made_at": "-", "records": count, "state": "missing"} for key, count in counts.items()]
    if asked.json:
        say_json({"keys": rows})
    else:
        header = ("key", "state", "records", "made_at")
        say_table(header, [[str(row[name]) for name in header] for row in rows])
    return _BROKEN if counts else 0
