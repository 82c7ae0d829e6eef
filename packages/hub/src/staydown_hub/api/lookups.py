"""Looking an item up by its fingerprints, without adding to it."""

from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key, caller, note_reading
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import ItemAnswer, Kind, OneFile, standing_form
from staydown_hub.registry import queries
from staydown_hub.registry.errors import UnknownItemError

router = Router(tags=["lookups"])


class LookupForm(OneFile):
    """The fingerprints of one file."""

    kind: Kind = "picture"


@router.post("/lookups", auth=Key("read"), response=answers(has_body=True, s200=ItemAnswer))
def look_up(request: HttpRequest, lookup: LookupForm) -> ItemAnswer:
    """Find the item with these fingerprints and tell how it stands; `unknown_item` (404) when there is none."""
    item = queries.find_item(kind=lookup.kind, fingerprints=lookup.plain())
    if item is None:
        raise UnknownItemError
    note_reading(caller(request), act="item looked up", subject=f"item:{item.pk}")
    return ItemAnswer(item=item.pk, standing=standing_form(item.pk, who=caller(request)))
