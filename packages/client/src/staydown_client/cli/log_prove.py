"""staydown log prove: a proof out of a list's log, as a text that can be verified anywhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from staydown_client.cli.log_read import feed_of, text_of
from staydown_client.errors import ConfigurationError, LogRefusedError
from staydown_client.log.notes import Checkpoint, parse_checkpoint_body, parse_note
from staydown_client.log.proofs import consistency_proof, inclusion_proof
from staydown_client.log.texts import ConsistencyProof, InclusionProof
from staydown_client.log.tiles import Tiles

if TYPE_CHECKING:
    import argparse

    from staydown_client.feed import Feed


def run(args: argparse.Namespace) -> int:
    """Print the proof and return the exit status."""
    kept = None if args.checkpoint is None else text_of(args.checkpoint)
    old = None if args.since is None else _claimed(text_of(args.since))
    with feed_of(args) as feed:
        new = _claimed(kept or feed.checkpoint())
        proof = _inclusion(feed, args.position, new) if old is None else _consistency(feed, old, new)
    sys.stdout.write(proof.text())
    return 0


def _inclusion(feed: Feed, position: int, checkpoint: Checkpoint) -> InclusionProof:
    if position >= checkpoint.size:
        raise ConfigurationError(
            f"The list has {checkpoint.size} entries at this checkpoint: 0 to {checkpoint.size - 1}."
        )
    record = feed.record(position)
    if record is None:
        raise LogRefusedError("The hub has a checkpoint for this position and no entry at it.", problem="garbage")
    hashes = inclusion_proof(Tiles(feed.tile, size=checkpoint.size), index=position, size=checkpoint.size)
    proof = InclusionProof(position, record, tuple(hashes), checkpoint.text)
    if not proof.holds_for(checkpoint):
        raise LogRefusedError("What the hub shows at this position is not what it signed.", problem="garbage")
    return proof


def _consistency(feed: Feed, old: Checkpoint, new: Checkpoint) -> ConsistencyProof:
    if old.size > new.size:
        raise ConfigurationError(f"The older checkpoint is of {old.size} entries and the newer of {new.size}.")
    hashes = consistency_proof(Tiles(feed.tile, size=new.size), old_size=old.size, size=new.size)
    proof = ConsistencyProof(old.size, tuple(hashes), new.text)
    if not proof.holds_for(old, new):
        raise LogRefusedError(
            f"The list of {new.size} entries does not continue the one of {old.size}: this log forked, or one of the "
            "checkpoints is not its own. Verify both with its key and keep them.",
            problem="fork",
        )
    return proof


def _claimed(text: str) -> Checkpoint:
    """Return a checkpoint whose signatures nobody looked at: whoever verifies the proof does."""
    origin, size, root = parse_checkpoint_body(parse_note(text).body)
    return Checkpoint(origin, size, root, text, {})
