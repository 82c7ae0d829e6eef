"""API keys as text: made, taken apart and hashed in one place for the web and the feed process.

A token reads ``sdk_<8 character prefix>_<43 character secret>``. The prefix finds the row; only the SHA-256 of the
whole token is kept. The secret has 256 random bits, so a plain hash is enough: there is nothing to guess.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

PREFIX_LENGTH: Final = 8
_PREFIX_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_TOKEN: Final = re.compile(r"sdk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: ``token`` is shown once, ``prefix`` and ``token_hash`` are stored."""

    prefix: str
    token: str
    token_hash: bytes

    def __repr__(self) -> str:
        """Leave the secret out, so that a stray log line or traceback cannot hold it."""
        return f"NewToken(prefix={self.prefix!r})"


def make_token() -> NewToken:
    """Return a fresh token from the operating system's random source."""
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(PREFIX_LENGTH))
    token = f"sdk_{prefix}_{secrets.token_urlsafe(32)}"
    return NewToken(prefix=prefix, token=token, token_hash=hash_token(token))


def prefix_of(token: str) -> str | None:
    """Return the prefix of a well-formed token, else None."""
    found = _TOKEN.fullmatch(token)
    return found.group(1) if found else None


def hash_token(token: str) -> bytes:
    """Return the 32 bytes that are stored in place of the token."""
    return hashlib.sha256(token.encode()).digest()


def same_hash(token: str, token_hash: bytes) -> bool:
    """Tell in constant time whether this is the token that was hashed."""
    return hmac.compare_digest(hash_token(token), token_hash)


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an ``Authorization: Bearer ...`` header, or None when it has another form."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and prefix_of(token) else None
