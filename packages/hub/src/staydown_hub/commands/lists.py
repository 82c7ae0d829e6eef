"""The lists from the command line."""

from argparse import Namespace
from functools import partial

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json
from staydown_hub.sealing import places
from staydown_hub.sealing.export import export_log
from staydown_hub.sealing.memory import read_signed

_MAX_REASON_CHARACTERS = 1000
_BOTH = 2


def export(asked: Namespace) -> int:
    """Write a list's log into a folder, as files that anyone can serve."""
    with database():
        from staydown_hub.lists import queries  # noqa: PLC0415 -- after Django is set up

        shared_list = queries.list_called(asked.list)
        if shared_list is None:
            raise CommandError("There is no such list.")
        signed = read_signed(places.signing_folder() / shared_list.slug)
        read = partial(queries.records, shared_list)
        try:
            export_log(asked.folder, slug=shared_list.slug, signed=signed, read=read)
        except OSError as error:
            raise CommandError(f"DIR: {asked.folder} cannot be written to: {error.strerror}.") from None
    if asked.json:
        say_json({"list": asked.list, "size": signed.size, "folder": str(asked.folder)})
    else:
        say(f"{asked.folder} holds the log of list {asked.list} with its {signed.size} entries.")
    return 0


def redact(asked: Namespace) -> int:
    """Erase what a list says about one item, for good."""
    if not 0 < len(asked.reason.strip()) <= _MAX_REASON_CHARACTERS:
        raise CommandError("--reason says why, in 1 to 1000 characters.")
    with database():
        from django.db import connection, transaction  # noqa: PLC0415 -- after Django is set up

        from staydown_hub.audit.services import SensitiveDetailError  # noqa: PLC0415 -- the same
        from staydown_hub.lists import proposed, queries  # noqa: PLC0415 -- the same
        from staydown_hub.lists.errors import NotConfirmedError  # noqa: PLC0415 -- the same
        from staydown_hub.organisations import four_eyes  # noqa: PLC0415 -- the same
        from staydown_hub.organisations.queries import actors_called  # noqa: PLC0415 -- the same

        shared_list = queries.list_called(asked.list)
        if shared_list is None:
            raise CommandError("There is no such list.")
        both = actors_called(asked.confirmed_by, source="command")
        if len(both) != _BOTH:
            raise NotConfirmedError
        try:
            with transaction.atomic():
                made = proposed.propose_redaction(
                    both[0], shared_list=shared_list, position=asked.position, reason=asked.reason.strip()
                )
                done = four_eyes.approve(both[1], proposal_id=made.pk).result or {}
        except SensitiveDetailError:
            raise CommandError("--reason may not hold an address or a fingerprint.") from None
        with connection.cursor() as cursor:
            cursor.execute("VACUUM entry")  # what was erased shall not lie about in the table's file
    if asked.json:
        say_json({"list": asked.list, "position": done["position"], "item": done["item"]})
    else:
        say(f"Redacted at position {done['position']}; every filter erases it as it follows on.")
    return 0


def open_self_reports(asked: Namespace) -> int:
    """Make the list on which people's own reports are held."""
    with database():
        from staydown_hub.lists.deciding import open_self_report_list  # noqa: PLC0415 -- after Django is set up

        is_new = open_self_report_list(slug="self-reported", name="Self-reported")
    if asked.json:
        say_json({"list": "self-reported", "new": is_new})
    else:
        say("Opened; its log has a key when the hub starts again." if is_new else "The hub has this list already.")
    return 0
