"""What a witness signed last: on the disk before the signature is made, and looked at with suspicion ever after."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from staydown_client.errors import FolderError
from staydown_client.log.compact_range import CompactRange
from staydown_client.private_files import check_private, replace_private

if TYPE_CHECKING:
    from pathlib import Path

RECORD_NAME: Final = "signed.json"
_FIELDS: Final = frozenset({"tree", "checkpoint", "written_at", "forked", "endorsed"})
# Setting a clock right moves it less than this; bringing files back from a backup or a copy takes longer.
_WRITING_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest tree that was signed, with its checkpoint as the hub showed it; None before the first.

    `is_forked`: the hub signed a second history. This witness signs nothing of this log any more. `endorsed`: the log's
    newer keys, each with the note by which an older one handed over to it.
    """

    tree: CompactRange
    checkpoint: str | None = None
    is_forked: bool = False
    endorsed: tuple[tuple[str, str], ...] = ()


def write_record(folder: Path, signed: Signed) -> None:
    """Put the record on the disk; on return it outlives any crash. Raise `FolderError` when that cannot be had."""
    fields = {
        "tree": b64encode(signed.tree.to_bytes()).decode("ascii"),
        "checkpoint": signed.checkpoint,
        "written_at": time.time(),
        "forked": signed.is_forked,
        "endorsed": signed.endorsed,
    }
    try:
        replace_private(folder / RECORD_NAME, json.dumps(fields))
    except OSError as error:
        raise FolderError(
            f"What is to be signed cannot be written down in {folder}: {error.strerror}. Nothing was signed."
        ) from error


def read_record(folder: Path) -> Signed:
    """Return what was signed last; raise `FolderError` when it is gone or damaged: without it nothing may be signed."""
    path = folder / RECORD_NAME
    check_private(path, f"chmod 600 {path}")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(fields, dict) or fields.keys() != _FIELDS:
            raise ValueError  # noqa: TRY301 - all that is wrong with the file is said in one place
        tree = CompactRange.from_bytes(b64decode(fields["tree"], validate=True))
        checkpoint, forked = fields["checkpoint"], fields["forked"]
        endorsed = tuple((str(vkey), str(note)) for vkey, note in fields["endorsed"])
        if not (checkpoint is None or isinstance(checkpoint, str)) or not isinstance(forked, bool):
            raise ValueError  # noqa: TRY301 - as above
    except (OSError, ValueError, TypeError) as error:
        raise FolderError(
            f"{path} cannot be read, and without it this witness cannot know what it signed. Make a new witness with a "
            "new key, and have the hub's operator register that one."
        ) from error
    return Signed(tree, checkpoint, is_forked=forked, endorsed=endorsed)


def seems_restored(folder: Path) -> bool:
    """Say whether the record was put here by something else than this witness: a backup or a copy brought back.

    A file's change time cannot be set as its other times can. An image of the whole disk, brought back, does not show.
    """
    path = folder / RECORD_NAME
    written_at = json.loads(path.read_text(encoding="utf-8"))["written_at"]
    return not isinstance(written_at, float) or abs(path.stat().st_ctime - written_at) > _WRITING_S
