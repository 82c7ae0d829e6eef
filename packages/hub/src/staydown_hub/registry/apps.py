"""The registry app's place in Django."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from staydown_hub.schemes.catalogue import known

if TYPE_CHECKING:
    from django.apps.registry import Apps


class RegistryConfig(AppConfig):
    """Items, fingerprints, sightings and assessments."""

    name = "staydown_hub.registry"

    def ready(self) -> None:
        """Read the law packs, so that a mistake in one is said at the start; bring them into the database with it."""
        known()
        post_migrate.connect(_store_schemes, sender=self)


def _store_schemes(*, apps: "Apps", **_: object) -> None:
    try:
        apps.get_model("registry", "SchemeCode")
    except LookupError:
        return  # taken back to before there were schemes
    from staydown_hub.registry.schemes import store  # noqa: PLC0415 -- models are there only now

    store(known())
