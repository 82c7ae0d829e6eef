"""The takedowns app's place in Django."""

from django.apps import AppConfig


class TakedownsConfig(AppConfig):
    """Requests, their transitions and checks."""

    name = "staydown_hub.takedowns"
