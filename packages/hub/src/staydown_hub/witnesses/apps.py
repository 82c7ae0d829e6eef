"""The witnesses app's place in Django."""

from django.apps import AppConfig


class WitnessesConfig(AppConfig):
    """The witnesses of each list, and the newest cosignature of each."""

    name = "staydown_hub.witnesses"
