"""The identification app's place in Django."""

from django.apps import AppConfig


class IdentificationConfig(AppConfig):
    """What police units say of the victims of items, and what they are told of."""

    name = "staydown_hub.identification"
