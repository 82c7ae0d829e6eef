"""The audit app's place in Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The hash-chained record of every act."""

    name = "staydown_hub.audit"
