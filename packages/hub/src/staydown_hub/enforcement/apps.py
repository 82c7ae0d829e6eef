"""The enforcement app's place in Django."""

from django.apps import AppConfig


class EnforcementConfig(AppConfig):
    """Receipts of filters, matches and disputes."""

    name = "staydown_hub.enforcement"
