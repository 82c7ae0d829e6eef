"""The lists app's place in Django."""

from django.apps import AppConfig


class ListsConfig(AppConfig):
    """Shared lists and their entries."""

    name = "staydown_hub.lists"

    def ready(self) -> None:
        """Say how entries are withdrawn and redacted once two people agree."""
        from staydown_hub.lists import proposed  # noqa: PLC0415 -- models exist only from here on

        proposed.register()
