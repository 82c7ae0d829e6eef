"""Decides what a witness signs: what continues all that it signed before, written down first, and nothing else ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NoReturn

from staydown_client.errors import FolderError, LogRefusedError
from staydown_client.evidence import keep_evidence
from staydown_client.log.compact_range import CompactRange
from staydown_client.log.notes import checkpoint_body, cosignature_line, parse_checkpoint_body, parse_note
from staydown_client.log.proofs import consistency_proof, root_of, verify_consistency
from staydown_client.log.texts import ConsistencyProof
from staydown_client.witness.record import read_record, write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from staydown_client.errors import LogProblem
    from staydown_client.feed import Records
    from staydown_client.log.notes import Checkpoint
    from staydown_client.log.tiles import NodeReader
    from staydown_client.witness.folder import WitnessFolder
    from staydown_client.witness.record import Signed

_NOTHING_SIGNED: Final = "Nothing was signed."


class Witness:
    """The one signer of a folder; its lock is held by the caller."""

    def __init__(self, folder: WitnessFolder, *, accept_restored: bool = False) -> None:
        """Read what was signed. `accept_restored`: go on from newer signatures of this key that the hub shows."""
        self._folder = folder
        self._key = folder.signing_key()
        self._signed = read_record(folder.path)
        self._accept_restored = accept_restored
        trust = replace(folder.trust, witnesses=(self._key.public,), need_k=0, max_witness_age_s=None)
        self._trust = trust.follow_endorsements(self._signed.endorsed)
        if self._signed.is_forked:
            self._stop_for_good()

    @property
    def size(self) -> int:
        """How many entries the newest signed tree has."""
        return self._signed.tree.size

    def knows(self, note: str) -> bool:
        """Say whether `note` claims no more than what was signed last; it may still be a lie."""
        body = parse_note(note).body
        size = parse_checkpoint_body(body)[1]
        return size < self.size or (self._signed.checkpoint is not None and self._signed.checkpoint.startswith(body))

    def follow_endorsements(self, offered: list[tuple[str, str | None]]) -> bool:
        """Trust the log's keys that trusted ones endorsed, from now on; say whether there are new ones."""
        before = self._trust
        trust = before.follow_endorsements(offered)
        if trust is before:
            return False
        new = {key.vkey for key in trust.keys} - {key.vkey for key in before.keys}
        used = tuple((vkey, note) for vkey, note in offered if vkey in new and note is not None)
        self._remember(replace(self._signed, endorsed=self._signed.endorsed + used))
        self._trust = trust
        return True

    def countersign(
        self, note: str, *, tiles: Callable[[int], NodeReader], now_s: float, news: Records | None = None
    ) -> str:
        """Return the checkpoint's text with this witness's signature, which by then is on record.

        `tiles` gives the nodes of the log's tree of a size; `news` may be the entries that lead to the checkpoint.
        Raise `LogRefusedError`: signature, garbage, shrunk or fork. The last two leave evidence, a fork ends it all.
        """
        checkpoint = self._trust.open_checkpoint(note, now_s=now_s)
        tree = self._continued(checkpoint, tiles, news)
        self._check_own_signature(checkpoint)
        if tree != self._signed.tree or self._signed.checkpoint is None or self._accept_restored:
            self._remember(replace(self._signed, tree=tree, checkpoint=checkpoint.text))
        body = checkpoint.body
        return f"{body}\n{cosignature_line(body, self._key, time_s=int(now_s))}"

    def signed_before(self, *, now_s: float) -> str | None:
        """Return the checkpoint that was signed last as the hub signed it, countersigned: proof that it did.

        None before the first. It says nothing new, so it may be shown to anyone at any time.
        """
        if self._signed.checkpoint is None:
            return None
        body = parse_note(self._signed.checkpoint).body
        logs = {key.name for key in self._trust.keys}
        lines = self._signed.checkpoint.removeprefix(f"{body}\n").splitlines(keepends=True)
        signed = "".join(line for line in lines if line.split(" ", 2)[1] in logs)
        return f"{body}\n{signed}{cosignature_line(body, self._key, time_s=int(now_s))}"

    def _continued(
        self, checkpoint: Checkpoint, tiles: Callable[[int], NodeReader], news: Records | None
    ) -> CompactRange:
        """Return the checkpoint's tree, shown to begin with the one that was signed; raise otherwise."""
        tree = self._signed.tree
        if checkpoint.size < tree.size:
            self._refuse(
                "shrunk", checkpoint, f"The hub shows {checkpoint.size} entries where {tree.size} were signed."
            )
        if checkpoint.size == tree.size:
            if checkpoint.root != tree.root():
                self._refuse("fork", checkpoint, f"The hub signed two different lists of {tree.size} entries.")
            return tree
        if news is not None and news.first == tree.size and news.first + len(news) == checkpoint.size:
            tried = tree.copy()
            tried.append_many(news.leaves)
            if tried.root() == checkpoint.root:
                return tried
        return self._proved(checkpoint, tiles(checkpoint.size))

    def _proved(self, checkpoint: Checkpoint, nodes: NodeReader) -> CompactRange:
        """Return the checkpoint's tree out of the log's tiles, by a proof of consistency."""
        tree, size = self._signed.tree, checkpoint.size
        new = CompactRange(size, _complete_subtrees(nodes, size))
        if new.root() != checkpoint.root:
            raise LogRefusedError(
                f"The hub's tiles do not lead to the root that it signed. {_NOTHING_SIGNED}", problem="garbage"
            )
        proof = consistency_proof(nodes, old_size=tree.size, size=size)
        if verify_consistency(proof, old_size=tree.size, old_root=tree.root(), size=size, root=checkpoint.root):
            return new
        return self._refuse_other_beginning(checkpoint, root_of(nodes, size=tree.size), proof)

    def _refuse_other_beginning(self, checkpoint: Checkpoint, old_root: bytes, proof: list[bytes]) -> NoReturn:
        """Refuse for good when it is proved that the list shown began otherwise; a broken tile proves nothing."""
        old_size, size = self._signed.tree.size, checkpoint.size
        if not verify_consistency(proof, old_size=old_size, old_root=old_root, size=size, root=checkpoint.root):
            raise LogRefusedError(f"The hub's tiles contradict each other. {_NOTHING_SIGNED}", problem="garbage")
        begun = checkpoint_body(checkpoint.origin, old_size, old_root)
        self._refuse(
            "fork",
            checkpoint,
            f"The hub's {size} entries do not continue the {old_size} signed.",
            proof=f"The list shown below began as this, by the proof under it:\n{begun}\n"
            + ConsistencyProof(old_size, tuple(proof), checkpoint.text).text(),
        )

    def _check_own_signature(self, checkpoint: Checkpoint) -> None:
        """Refuse when the hub shows a signature of this key that this folder knows nothing of."""
        if self._key.public.name not in checkpoint.cosigned_by or checkpoint.size <= self._signed.tree.size:
            return
        if not self._accept_restored:
            raise FolderError(
                f"The hub shows this witness's own signature on {checkpoint.size} entries, and this folder knows of "
                f"{self._signed.tree.size}: it is an old copy, or the same key signs elsewhere too. Stop the other; "
                "if there is none, go on from what was signed: staydown witness run FOLDER --accept-restored"
            )

    def _refuse(self, problem: LogProblem, checkpoint: Checkpoint, what: str, *, proof: str = "") -> NoReturn:
        message = f"{what} {_NOTHING_SIGNED} Both checkpoints are kept in {self._folder.path / 'evidence'}."
        keep_evidence(
            self._folder.path,
            problem,
            verified=self._signed.checkpoint,
            shown=checkpoint.text,
            message=f"{message}\n{proof}",
        )
        if problem == "fork":
            self._remember(replace(self._signed, is_forked=True))
            message += " Show them to the hub's operator and to the filters that count on this witness."
        raise LogRefusedError(message, problem=problem)

    def _remember(self, signed: Signed) -> None:
        write_record(self._folder.path, signed)
        self._signed = signed

    def _stop_for_good(self) -> NoReturn:
        raise LogRefusedError(
            f"The hub signed two different histories of this list; the proof is in {self._folder.path / 'evidence'}. "
            "This witness signs nothing of it any more. Once that is cleared up, make a new witness with a new key.",
            problem="fork",
        )


def _complete_subtrees(nodes: NodeReader, size: int) -> list[bytes]:
    """Return the roots of the complete subtrees that a tree of `size` leaves consists of, largest first."""
    found: list[bytes] = []
    start = 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            found.append(nodes.node(height, start >> height))
            start += 1 << height
    return found
