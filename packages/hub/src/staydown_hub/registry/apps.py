"""The registry app's place in Django."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Items, fingerprints, sightings and assessments."""

    name = "staydown_hub.registry"
