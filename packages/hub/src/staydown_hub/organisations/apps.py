"""The organisations app's place in Django."""

from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    """Organisations, people and API keys."""

    name = "staydown_hub.organisations"

    def ready(self) -> None:
        """Say how an organisation is added once two agree."""
        from staydown_hub.organisations import proposed  # noqa: PLC0415 -- models exist only from here on

        proposed.register()
