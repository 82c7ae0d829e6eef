"""Reading who the witnesses are, and what each signed last."""

from django.db.models import QuerySet

from staydown_hub.witnesses.models import Witness


def witnesses() -> QuerySet[Witness]:
    """Return all witnesses by list and name, each with its newest cosignature if it has one."""
    rows = Witness.objects.select_related("shared_list", "cosignature")
    return rows.order_by("shared_list__slug", "name")
