"""The staff pages' place in Django."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Pages for the people of the organisations, and the record of who signed in."""

    name = "staydown_hub.staff"

    def ready(self) -> None:
        """Have sign-ins and sign-outs recorded."""
        from staydown_hub.staff import sign_ins  # noqa: PLC0415 -- models exist only from here on

        sign_ins.connect()
