"""The organisations app's place in Django."""

from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    """Organisations, people and API keys."""

    name = "staydown_hub.organisations"
