"""The lists app's place in Django."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.db.models.signals import post_migrate

if TYPE_CHECKING:
    from django.apps.registry import Apps


class ListsConfig(AppConfig):
    """Shared lists and their entries."""

    name = "staydown_hub.lists"

    def ready(self) -> None:
        """Say what is done once two people agree, and bring the shipped safe corpus in with each migration."""
        from staydown_hub.lists import proposed  # noqa: PLC0415 -- models exist only from here on

        proposed.register()
        post_migrate.connect(_store_corpus, sender=self)


def _store_corpus(*, apps: "Apps", **_: object) -> None:
    try:
        apps.get_model("lists", "SafeFingerprint")
    except LookupError:
        return  # taken back to before there was one
    from staydown_hub.lists.corpus import shipped  # noqa: PLC0415 -- models are there only now
    from staydown_hub.lists.gate import add_to_corpus  # noqa: PLC0415 -- the same

    for source, fingerprints in shipped().items():
        add_to_corpus(fingerprints, source=source)
