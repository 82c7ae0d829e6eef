"""Whose signatures a member believes for one list: the log's keys, and how many of which witnesses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError, LogRefusedError
from staydown_client.log.keys import LOG_KEY, WITNESS_KEY, VerifierKey, checked_key_name, parse_vkey
from staydown_client.log.notes import Checkpoint, open_note, parse_note, verified_signatures

if TYPE_CHECKING:
    from collections.abc import Iterable

ENDORSEMENT: Final = "staydown key endorsement"
MAX_KEYS: Final = 16
# A witness's clock may run this far ahead of ours.
CLOCK_LEEWAY_S: Final = 300


@dataclass(frozen=True, slots=True)
class Trust:
    """What must be on a checkpoint: a signature of one of `keys`, and those of `need_k` of the `witnesses`.

    With `max_witness_age_s` a witness counts only if it signed within so many seconds before now.
    """

    origin: str
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...] = ()
    need_k: int = 0
    max_witness_age_s: float | None = None

    def __post_init__(self) -> None:
        """Raise `ConfigurationError` for what could never be met, or be met by fewer parties than it says."""
        checked_key_name(self.origin)
        if not self.keys or any(key.kind != LOG_KEY or key.name != self.origin for key in self.keys):
            raise ConfigurationError(f"The log needs a key that bears its name, {self.origin}.")
        if any(key.kind != WITNESS_KEY for key in self.witnesses):
            raise ConfigurationError("A witness's key is another kind of key; its base64 begins with B.")
        if len({key.public_key for key in self.witnesses}) < len(self.witnesses):
            raise ConfigurationError("One witness's key is named twice: it would be counted as two witnesses.")
        if not 0 <= self.need_k <= len({key.name for key in self.witnesses}):
            raise ConfigurationError("need asks for more witnesses than are named.")
        if self.max_witness_age_s is not None and self.max_witness_age_s <= 0:
            raise ConfigurationError("max_witness_age_s must be above 0.")

    def open_checkpoint(self, text: str, *, now_s: float) -> Checkpoint:
        """Return the checkpoint in the note `text`; raise `LogRefusedError`: garbage, signature or witnesses.

        `now_s`: seconds since 1970. Whether it continues the list that was verified before is the caller's to check.
        """
        checkpoint = open_note(text, (*self.keys, *self.witnesses))
        if checkpoint.origin != self.origin:
            raise LogRefusedError("The hub's checkpoint is of another list; it was refused.", problem="signature")
        counted = sum(self._is_fresh(time_s, now_s) for time_s in checkpoint.cosigned_by.values())
        if counted < self.need_k:
            raise LogRefusedError(
                f"The hub's checkpoint bears the signatures of {counted} witnesses where {self.need_k} are needed. "
                "The list verified before stays in force; ask whether the witnesses run.",
                problem="witnesses",
            )
        return checkpoint

    def fresh_until_s(self, checkpoint: Checkpoint) -> float:
        """Return until when (seconds since 1970) enough witnesses' signatures of `checkpoint` are young enough."""
        if self.max_witness_age_s is None or self.need_k == 0:
            return math.inf
        times_s = sorted(checkpoint.cosigned_by.values(), reverse=True)
        return times_s[self.need_k - 1] + self.max_witness_age_s if len(times_s) >= self.need_k else -math.inf

    def follow_endorsements(self, offered: Iterable[tuple[str, str | None]]) -> Trust:
        """Return this trust with every offered key that a trusted one endorsed, directly or through another.

        `offered`: pairs of a key as text and its endorsement, a signed note, or None. What is not endorsed, or not for
        this log, is left out without an error: anyone may offer anything.
        """
        trust, waiting = self, [pair for pair in list(offered)[:MAX_KEYS] if pair[1] is not None]
        while True:
            found = [key for vkey, note in waiting if (key := trust.endorsed_key(vkey, note or "")) is not None]
            new = [key for key in dict.fromkeys(found) if key not in trust.keys]
            if not new or len(trust.keys) + len(new) > MAX_KEYS:
                return trust
            trust = replace(trust, keys=(*trust.keys, *new))

    def endorsed_key(self, vkey: str, endorsement: str) -> VerifierKey | None:
        """Return the key `vkey` when `endorsement` is a note by which a trusted key hands over to it."""
        try:
            key, note = parse_vkey(vkey), parse_note(endorsement)
            signed = verified_signatures(note, self.keys)
        except (ConfigurationError, LogRefusedError):
            return None
        if key.kind != LOG_KEY or key.name != self.origin or note.body != endorsement_body(self.origin, key):
            return None
        return key if signed else None

    def _is_fresh(self, time_s: int, now_s: float) -> bool:
        if self.max_witness_age_s is None:
            return True
        return now_s - self.max_witness_age_s <= time_s <= now_s + CLOCK_LEEWAY_S


def endorsement_body(origin: str, key: VerifierKey) -> str:
    """Return the text by which an old key of `origin` hands over to `key`, when it is signed."""
    return f"{ENDORSEMENT}\n{origin}\n{key.vkey}\n"
