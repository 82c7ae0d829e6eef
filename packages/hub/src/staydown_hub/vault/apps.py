"""The vault app's place in Django; it has no tables of its own."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Sealed records, and the ring that opens them."""

    name = "staydown_hub.vault"
