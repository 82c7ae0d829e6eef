"""The audit log from the command line."""

import sys
from argparse import Namespace

from staydown_hub.audit.chain import BadHeadError, parse_head
from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json
from staydown_hub.sealing.places import signing_folder


def verify(asked: Namespace) -> int:
    """Check the whole chain, every entry and batch against it, and each list's tree against its last signed checkpoint.

    Exit status 1 when something was changed.
    """
    try:
        known = parse_head(asked.known_head) if asked.known_head else None
    except BadHeadError as error:
        raise CommandError(f"--known-head: {error}") from None
    with database():
        from staydown_hub.audit import queries  # noqa: PLC0415 -- after Django is set up
        from staydown_hub.lists import accounting  # noqa: PLC0415 -- after Django is set up
        from staydown_hub.registry import accounting as registry  # noqa: PLC0415 -- after Django is set up

        found = queries.verify(known_head=known)
        problems = (*found.problems, *accounting.problems(signing_folder()), *registry.problems())
    if asked.json:
        head = str(found.head) if found.head else None
        say_json({"whole": not problems, "records": found.seals, "head": head, "problems": problems})
    elif problems:
        sys.stderr.write("".join(f"staydown-hub: the audit log: {problem}\n" for problem in problems))
    else:
        whole = f"The audit log is whole: {found.seals} records, and every entry is as recorded."
        say(f"{whole} Note its head elsewhere: {found.head or '-'}")
    return 1 if problems else 0
