"""Adding and removing the witnesses of a list: acts of the hub's operator."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.sealing.cosignatures import parse_witness_key
from staydown_hub.sealing.notes import BadNoteError
from staydown_hub.witnesses.errors import BadWitnessKeyError, OtherNameError, UnknownWitnessError, WitnessExistsError
from staydown_hub.witnesses.models import Witness

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList


@transaction.atomic
def add_witness(shared_list: "SharedList", *, name: str, vkey: str) -> Witness:
    """Have the list take the cosignatures of this key. Raises WitnessError."""
    try:
        key = parse_witness_key(vkey)
    except BadNoteError as error:
        raise BadWitnessKeyError(str(error)) from None
    if key.name != name:
        raise OtherNameError(name=key.name, given=name)
    if Witness.objects.filter(shared_list=shared_list, name=name).exists():
        raise WitnessExistsError(name)
    witness = Witness.objects.create(shared_list=shared_list, name=name, vkey=key.text, added_at=timezone.now())
    _record("witness added", shared_list, witness=name, key=key.id.hex())
    return witness


@transaction.atomic
def remove_witness(shared_list: "SharedList", *, name: str) -> None:
    """Take no more cosignatures of this witness, and serve none. Raises UnknownWitnessError."""
    deleted, _ = Witness.objects.filter(shared_list=shared_list, name=name).delete()
    if not deleted:
        raise UnknownWitnessError(name)
    _record("witness removed", shared_list, witness=name)


def note_key(act: str, shared_list: "SharedList", *, key: str) -> None:
    """Write that the operator made, rotated or retired a signing key, named by its id."""
    with transaction.atomic():
        _record(act, shared_list, key=key)


def note_acceptance(shared_list: "SharedList", *, size: int) -> None:
    """Write that the operator had the list go on from a signing folder that was brought back."""
    with transaction.atomic():
        _record("signing memory accepted", shared_list, size=size)


def _record(act: str, shared_list: "SharedList", **detail: str | int) -> None:
    record(act=act, subject=f"list:{shared_list.slug}", detail=detail, source="command")
