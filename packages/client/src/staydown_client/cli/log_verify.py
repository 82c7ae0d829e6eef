"""staydown log verify: check a proof with nothing but the keys that one trusts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from staydown_client.cli.log_read import text_of
from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.errors import ConfigurationError, LogRefusedError
from staydown_client.log.keys import parse_vkey
from staydown_client.log.texts import InclusionProof, parse_proof
from staydown_client.log_settings import trust_in

if TYPE_CHECKING:
    import argparse

    from staydown_client.log.notes import Checkpoint
    from staydown_client.log.trust import Trust


def run(args: argparse.Namespace) -> int:
    """Verify the proof and return the exit status: 1 when it does not hold."""
    trust = _trust(args)
    try:
        proof = parse_proof(text_of(args.file))
    except LogRefusedError as error:
        raise ConfigurationError(f"{args.file}: {error}") from error
    checkpoint = trust.open_checkpoint(proof.note, now_s=time.time())
    if isinstance(proof, InclusionProof):
        holds, found = proof.holds_for(checkpoint), _found(proof, checkpoint)
    elif args.since is None:
        raise ConfigurationError("This proof needs the older checkpoint that it starts from: --since FILE.")
    else:
        # The older one may be from before its witnesses were; what it is held against carries their signatures.
        old = replace(trust, need_k=0).open_checkpoint(text_of(args.since), now_s=time.time())
        holds, found = proof.holds_for(old, checkpoint), {"old_size": old.size}
    if not holds:
        complain("This proof does not hold: what it says is not in what the list's key signed.")
        return 1
    _show({"origin": checkpoint.origin, "size": checkpoint.size, **found}, as_json=args.json)
    return 0


def _trust(args: argparse.Namespace) -> Trust:
    witnesses = tuple(parse_vkey(each) for each in args.witnesses or ())
    return replace(trust_in(args.log_keys), witnesses=witnesses, need_k=len({each.name for each in witnesses}))


def _found(proof: InclusionProof, checkpoint: Checkpoint) -> dict[str, object]:
    body = proof.record[1]
    entry = None if body is None else body.decode("utf-8", "backslashreplace")
    return {"position": proof.index, "entry": entry, "cosigned_by": sorted(checkpoint.cosigned_by)}


def _show(found: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        tell_json(found)
    elif "position" in found:
        entry = found["entry"] or "an entry that was redacted"
        tell(f"Position {found['position']} of {found['origin']}, among {found['size']} entries, is: {entry}")
    else:
        tell(f"The {found['size']} entries of {found['origin']} continue the {found['old_size']} of before.")
