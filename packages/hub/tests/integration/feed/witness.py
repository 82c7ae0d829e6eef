"""A witness with a key of its own, and a dishonest one: they sign what they are told, by the standard's text alone."""

import base64
import hashlib
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from staydown_hub.lists.models import SharedList
from staydown_hub.witnesses.services import add_witness


@dataclass
class Signer:
    """A party that signs checkpoints under its name; written without any code of the hub."""

    name: str
    secret: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> bytes:
        return self.secret.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x04" + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        data = base64.b64encode(b"\x04" + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{data}"

    def line(self, note: str, *, at_s: int | None = None) -> str:
        """Return the cosignature line for the checkpoint in this note."""
        text = note.split("\n\n", maxsplit=1)[0] + "\n"
        signed_at_s = int(time.time()) if at_s is None else at_s
        signature = self.secret.sign(f"cosignature/v1\ntime {signed_at_s}\n{text}".encode())
        data = self.key_id + signed_at_s.to_bytes(8, "big") + signature
        return f"— {self.name} {base64.b64encode(data).decode()}\n"

    def cosigned(self, note: str, *, at_s: int | None = None) -> bytes:
        """Return the note with this party's line under it, as it is sent."""
        return (note + self.line(note, at_s=at_s)).encode()

    def registered(self) -> "Signer":
        """Have the main list take this party's cosignatures."""
        add_witness(SharedList.objects.get(slug="main"), name=self.name, vkey=self.vkey)
        return self
