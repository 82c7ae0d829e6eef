"""The keys of the lists' logs, and the witnesses beside them, from the command line."""

import re
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from staydown_hub.commands.database import database
from staydown_hub.commands.failing import CommandError
from staydown_hub.commands.printing import say, say_json, say_table
from staydown_hub.sealing import places
from staydown_hub.sealing.memory import accept, read_signed
from staydown_hub.sealing.providers import key_store
from staydown_hub.sealing.rotation import ListKeys, public_keys

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList

_KEY_ID: Final = re.compile(r"[0-9a-f]{8}")


def make(asked: Namespace) -> int:
    """Make a list's first key and print its public half."""
    with database():
        shared_list = _list_called(asked.list)
        key = _keys_of(shared_list.slug).make_first()
        _note("signing key made", shared_list, key.id)
    say(key.text)
    return 0


def rotate(asked: Namespace) -> int:
    """Make one more key, endorsed by the present ones, and print its public half."""
    with database():
        shared_list = _list_called(asked.list)
        key = _keys_of(shared_list.slug).rotate()
        _note("signing key rotated", shared_list, key.id)
    say(key.text)
    return 0


def retire(asked: Namespace) -> int:
    """Take a key away for good."""
    if not _KEY_ID.fullmatch(asked.key):
        raise CommandError("KEY is the id of a key, eight digits such as 1a2b3c4d: see `staydown-hub keys list`.")
    with database():
        shared_list = _list_called(asked.list)
        _keys_of(shared_list.slug).retire(bytes.fromhex(asked.key))
        _note("signing key retired", shared_list, bytes.fromhex(asked.key))
    say(f"{asked.key} signs no more.")
    return 0


def accept_restored(asked: Namespace) -> int:
    """Sign on from a memory that was brought back; whoever says so has asked whether anyone has seen more."""
    with database():
        shared_list = _list_called(asked.list)
        folder = places.signing_folder() / shared_list.slug
        if (remembered := read_signed(folder).size) != asked.size:
            raise CommandError(f"--size: {remembered} entries are remembered as signed in {folder}, not {asked.size}.")
        accept(folder)
        _note_acceptance(shared_list, size=asked.size)
    say(f"List {asked.list} goes on from {asked.size} signed entries.")
    return 0


def show(asked: Namespace) -> int:
    """List the public halves of all lists' keys, the oldest first."""
    with database():
        from staydown_hub.lists.queries import slugs  # noqa: PLC0415 -- after Django is set up

        rows = [row for slug in slugs() for row in _rows_of(_keys_of(slug))]
    if asked.json:
        say_json({"keys": rows})
    else:
        endorsed = [{**row, "endorsed": "yes" if row["endorsement"] else "-"} for row in rows]
        header = ("list", "key", "endorsed", "vkey")
        say_table(header, [[str(row[name]) for name in header] for row in endorsed])
    return 0


def add_witness(asked: Namespace) -> int:
    """Have a list take a witness's cosignatures."""
    with database():
        from staydown_hub.witnesses import services  # noqa: PLC0415 -- after Django is set up

        services.add_witness(_list_called(asked.list), name=asked.name, vkey=asked.vkey)
    say(f"{asked.name} is a witness of list {asked.list}.")
    return 0


def remove_witness(asked: Namespace) -> int:
    """Take no more cosignatures of a witness."""
    with database():
        from staydown_hub.witnesses import services  # noqa: PLC0415 -- after Django is set up

        services.remove_witness(_list_called(asked.list), name=asked.name)
    say(f"{asked.name} is no witness of list {asked.list} any more.")
    return 0


def show_witnesses(asked: Namespace) -> int:
    """List the witnesses and what each signed last."""
    with database():
        from staydown_hub.witnesses.queries import witnesses  # noqa: PLC0415 -- after Django is set up

        rows = [
            {
                "list": one.shared_list.slug,
                "name": one.name,
                "vkey": one.vkey,
                "size": one.cosignature.size if hasattr(one, "cosignature") else None,
                "signed_at": one.cosignature.signed_at if hasattr(one, "cosignature") else None,
            }
            for one in witnesses()
        ]
    if asked.json:
        say_json({"witnesses": rows})
    else:
        header = ("list", "name", "size", "signed_at", "vkey")
        say_table(header, [["-" if row[name] is None else str(row[name]) for name in header] for row in rows])
    return 0


def _list_called(slug: str) -> "SharedList":
    from staydown_hub.lists.queries import list_called  # noqa: PLC0415 -- after Django is set up

    found = list_called(slug)
    if found is None:
        raise CommandError(f"There is no list {slug!r}.")
    return found


def _keys_of(slug: str) -> ListKeys:
    folder = places.signing_folder()
    store = key_store(folder, places.log_origin())
    return ListKeys(store, folder / slug, slug, places.list_origin(slug))


def _rows_of(keys: ListKeys) -> list[dict[str, str | None]]:
    found = keys.all()
    return [
        {"list": keys.slug, "key": key.id.hex(), "vkey": told["vkey"], "endorsement": told["endorsement"]}
        for key, told in zip(found, public_keys(keys.folder, found), strict=True)
    ]


def _note_acceptance(shared_list: "SharedList", *, size: int) -> None:
    from staydown_hub.witnesses.services import note_acceptance  # noqa: PLC0415 -- after Django is set up

    note_acceptance(shared_list, size=size)


def _note(act: str, shared_list: "SharedList", key_id: bytes) -> None:
    from staydown_hub.witnesses.services import note_key  # noqa: PLC0415 -- after Django is set up

    note_key(act, shared_list, key=key_id.hex())
