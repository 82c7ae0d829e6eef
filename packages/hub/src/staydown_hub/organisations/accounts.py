"""People's accounts: the operator makes them, nobody signs up; what second factors are made from is kept sealed."""

import base64
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest

from staydown_hub.organisations.models import Person

_PURPOSE: Final = b"staydown second factors 1"


class ClosedAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Closes sign-up: people are made by `staydown-hub organisations import`."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- allauth's signature
        """Return False for everybody."""
        return False

    def send_password_reset_mail(self, user: Person, email: str, context: dict[str, Any]) -> None:  # noqa: ARG002 -- the same
        """Leave the mail to the worker: neither a slow mail server nor one that is away tells who has an account."""
        from staydown_hub.organisations.jobs import send_password_reset  # noqa: PLC0415 -- the worker's, made later

        send_password_reset.defer(person_id=str(user.pk))


class SecondFactorUnreadableError(Exception):
    """A stored second factor was sealed with another secret key."""

    def __init__(self) -> None:
        super().__init__(
            "A second factor cannot be read: run the hub with the secret key that it was set up with, or take the "
            "factor away and let the person set it up anew."
        )


class SealedFactorsAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keeps what second factors are made from sealed, so that the database or a backup of it does not give them away.

    Sealed with Fernet (AES-128-CBC and HMAC-SHA-256), its key derived from the hub's secret key by HKDF (RFC 5869).
    """

    def encrypt(self, text: str) -> str:
        """Return the text sealed."""
        return _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the sealed text. Raises SecondFactorUnreadableError: an empty secret would be anybody's."""
        try:
            return _seal().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            raise SecondFactorUnreadableError from None


def _seal() -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(derived))
