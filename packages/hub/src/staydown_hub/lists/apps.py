"""The lists app's place in Django."""

from django.apps import AppConfig


class ListsConfig(AppConfig):
    """Shared lists and their entries."""

    name = "staydown_hub.lists"
