"""staydown witness init: make a witness's folder and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.address import checked_hub_address
from staydown_client.cli.output import tell
from staydown_client.config import find_hub
from staydown_client.errors import ConfigurationError
from staydown_client.folder import checked_list_name
from staydown_client.hub import Hub
from staydown_client.key import find_key
from staydown_client.log.keys import checked_key_name
from staydown_client.log_settings import trust_in
from staydown_client.transport import Transport
from staydown_client.witness.folder import make_witness_folder, require_absent

if TYPE_CHECKING:
    import argparse

    from staydown_client.hub import ListOffered
    from staydown_client.key import ApiKey


def run(args: argparse.Namespace) -> int:
    """Make the folder, print the witness's public key, and return the exit status."""
    require_absent(args.folder)
    hub = checked_hub_address(find_hub(args.hub), insecure=args.insecure)
    list_name = checked_list_name(args.list_name)
    key = find_key(args.key_file)
    organisation, offered = _ask(hub, key, list_name=list_name, insecure=args.insecure)
    trust = trust_in(args.log_keys or offered.keys)
    if offered.origin != trust.origin:
        raise ConfigurationError(
            f"The hub's list is the log {offered.origin}, and the key is for {trust.origin}: another hub, or list."
        )
    name = checked_key_name(args.name or f"{trust.origin.split('/')[0]}/witness/{organisation}")
    folder = make_witness_folder(
        args.folder, hub=hub, list_name=list_name, insecure=args.insecure, trust=trust, keys=(key, name)
    )
    vkey = folder.signing_key().public.vkey
    tell(f"Made {args.folder}. The hub's operator registers this witness:")
    tell(f"  staydown-hub keys witness add {name} '{vkey}' --list {list_name}")
    if not args.log_keys:
        # Trust on first use: whoever answered for the hub just now chose the key.
        keys = ", ".join(each.vkey for each in trust.keys)
        tell(f"The hub says that this key signs the list. Compare it with what its operator says elsewhere: {keys}")
    tell(f"Then: staydown witness run {args.folder}")
    return 0


def _ask(hub: str, key: ApiKey, *, list_name: str, insecure: bool) -> tuple[str, ListOffered]:
    """Return the key's organisation and the list as the hub offers it."""
    with Transport(hub, key) as transport:
        asked = Hub(transport, insecure=insecure)
        organisation, lists = asked.me().organisation, asked.lists()
    found = next((each for each in lists if each.slug == list_name), None)
    if found is None:
        there = ", ".join(each.slug for each in lists) or "none"
        raise ConfigurationError(f"This key may not follow a list named {list_name}. Lists it may follow: {there}.")
    return organisation, found
