"""What reporting and assessing have in common: the hub, and one attempt for each file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from staydown_match import FingerprintPool

from staydown_client.address import checked_hub_address
from staydown_client.cli.files import complain_of, problem_code
from staydown_client.cli.output import complain
from staydown_client.config import find_hub
from staydown_client.errors import HubRefusedError, StaydownError
from staydown_client.hub import Hub, is_unknown_item
from staydown_client.key import find_key
from staydown_client.publish import PUBLISHING_LIMITS, NotPublishableError
from staydown_client.transport import Transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from staydown_client.hub import Standing
    from staydown_client.publish import Fingerprinter

Sent = TypeVar("Sent")
_OF_THE_KEY: Final = frozenset({401, 403})


@contextmanager
def hub_of(args: argparse.Namespace) -> Iterator[Hub]:
    """Give the hub that the options and the environment name."""
    address = checked_hub_address(find_hub(args.hub), insecure=args.insecure)
    with Transport(address, find_key(args.key_file)) as transport:
        yield Hub(transport, insecure=args.insecure)


@contextmanager
def decoding() -> Iterator[Fingerprinter]:
    """Give what fingerprints files in a process of its own: they are strangers', and this one holds the key."""
    with FingerprintPool(limits=PUBLISHING_LIMITS, workers=1) as pool:
        yield pool.fingerprint_file


def noting(path: Path) -> Callable[[str], None]:
    """Return what says a note about one file."""
    return lambda note: complain(f"{path}: {note}")


def for_each(files: Sequence[Path], *, send: Callable[[Path], Sent], show: Callable[[Path, Sent], None]) -> int:
    """Send each file's fingerprints and show the answer; name each that fails. Return the exit status.

    A hub that is away and a key that is refused end the run: raised, after the number of files that were not sent.
    """
    status = 0
    for number, path in enumerate(files):
        try:
            sent = send(path)
        except (OSError, StaydownError) as error:
            if _ends_the_run(error):
                _tell_unsent(files[number:])
                raise
            status = max(status, _complain(path, error))
        else:
            show(path, sent)
    return status


def standing_as_json(standing: Standing) -> dict[str, object]:
    """Return where an item stands in the hub's own form."""
    entries = [{"list": name, "position": position} for name, position in standing.entries]
    return {"item": str(standing.item), "standing": {"status": standing.status, "entries": entries}}


def standing_text(standing: Standing) -> str:
    """Say where an item stands, on one line."""
    entries = ", ".join(f"position {position} of list {name}" for name, position in standing.entries)
    return f"item {standing.item}, {standing.status}" + (f" ({entries})" if entries else "")


def _ends_the_run(error: Exception) -> bool:
    if isinstance(error, HubRefusedError):
        # What the hub says of the key is true of every file to come.
        return error.status in _OF_THE_KEY
    return not isinstance(error, OSError | NotPublishableError)


def _complain(path: Path, error: Exception) -> int:
    if isinstance(error, OSError):
        complain_of(path, problem_code(error), error.strerror or "")
        return 2
    if isinstance(error, HubRefusedError):
        complain(f"{path}: {_reported_first(error)}")
        return 1
    complain(f"{path} is {error}")
    return 2


def _reported_first(error: HubRefusedError) -> str:
    if is_unknown_item(error):
        return "nobody has reported this file yet. Report it: staydown report FILE --seen-at URL --code CODE"
    return str(error)


def _tell_unsent(files: Sequence[Path]) -> None:
    if len(files) > 1:
        complain(f"{len(files)} files were not sent, from {files[0]} on.")
