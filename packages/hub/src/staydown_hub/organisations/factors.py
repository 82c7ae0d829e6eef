"""Second factors: whether somebody has one that they sign in with."""

from uuid import UUID

from allauth.mfa.models import Authenticator

# Codes to recover with come beside one of these, and are none by themselves.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(person: UUID) -> bool:
    """Tell whether the person has set up an authenticator app or a security key."""
    return bool(Authenticator.objects.filter(user=person, type__in=_FACTORS).exists())
