"""Showing the whole address of a sighting: an act of its own, recorded before the page is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import Http404, HttpRequest

from staydown_hub.audit.services import record
from staydown_hub.registry.sightings import address_of, count_peers, peers_of, sighting_at
from staydown_hub.rules.peers import may_see_peers
from staydown_hub.staff.viewer import Viewer

ADDRESS_SHOWN = "address shown"
HOSTS_SHOWN = "hosts shown"
PEERS_SHOWN = "peers shown"
_MAX_PEERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address that this one page shows; it is asked for anew each time."""

    sighting: UUID
    url: str
    peers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Leave the address out: it belongs on the page and nowhere else."""
        return f"ShownAddress({self.sighting})"


def asked_for(request: HttpRequest) -> UUID:
    """Return the sighting that a "Show address" button names. Raises BadRequest (400) for anything else."""
    try:
        return UUID(request.POST.get("sighting", ""))
    except ValueError:
        raise BadRequest("sighting: press the button of a sighting on the page.") from None


def note_hosts(viewer: Viewer, *, subject: str, sightings: Iterable[UUID]) -> None:
    """Record that this page shows the hosts of these sightings: they are sealed like the addresses they are part of."""
    if named := sorted({str(one) for one in sightings}):
        record(
            act=HOSTS_SHOWN,
            subject=subject,
            organisation=viewer.organisation,
            person=viewer.person,
            detail={"sightings": named},
            source="staff",
        )


def show(viewer: Viewer, *, item_id: UUID, sighting_id: UUID, request_id: UUID | None = None) -> ShownAddress:
    """Record that this person is shown the address of one of the item's sightings, and return it.

    ``request_id`` is the request that they see it through, if so. Raises Http404 when the item was not seen there.
    """
    with transaction.atomic():
        sighting = sighting_at(item_id, sighting_id)
        if sighting is None:
            raise Http404
        record(
            act=ADDRESS_SHOWN,
            subject=f"sighting:{sighting_id}",
            organisation=viewer.organisation,
            person=viewer.person,
            detail={"item": str(item_id)} | ({"request": str(request_id)} if request_id else {}),
            source="staff",
        )
        if sighting.is_erased:
            raise Http404
        return ShownAddress(sighting_id, address_of(sighting), _peers(viewer, sighting_id))


def _peers(viewer: Viewer, sighting_id: UUID) -> tuple[str, ...]:
    """Return the latest observations of peers, for police; none and no record for others."""
    if not may_see_peers(viewer.kind) or not count_peers(sighting_id):
        return ()
    record(
        act=PEERS_SHOWN,
        subject=f"sighting:{sighting_id}",
        organisation=viewer.organisation,
        person=viewer.person,
        source="staff",
    )
    return tuple(peers_of(sighting_id, at_most=_MAX_PEERS_SHOWN))
