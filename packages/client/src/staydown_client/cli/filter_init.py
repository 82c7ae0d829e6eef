"""staydown filter init: make a filter's folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from staydown_client.address import checked_hub_address
from staydown_client.cli.output import tell
from staydown_client.config import find_hub
from staydown_client.errors import ConfigurationError, HubUnavailableError
from staydown_client.folder import Settings, checked_list_name, make_folder, require_absent
from staydown_client.hub import Hub
from staydown_client.key import find_key
from staydown_client.log_settings import trust_in
from staydown_client.transport import Transport

if TYPE_CHECKING:
    import argparse

    from staydown_client.hub import ListOffered
    from staydown_client.key import ApiKey


def run(args: argparse.Namespace) -> int:
    """Make the folder and return the exit status."""
    require_absent(args.folder)
    settings = Settings(
        hub=checked_hub_address(find_hub(args.hub), insecure=args.insecure),
        list=checked_list_name(args.list_name),
        insecure=args.insecure,
    )
    pinned = trust_in(args.log_keys) if args.log_keys else None
    key = find_key(args.key_file)
    offered = _ask_hub(settings, key)
    trust = pinned or trust_in(offered.keys)
    if offered.origin != trust.origin:
        raise ConfigurationError(
            f"The hub's list is the log {offered.origin}, and the key is for {trust.origin}: another hub, or list."
        )
    make_folder(args.folder, settings=replace(settings, log=trust), key=key)
    tell(f"Made {args.folder}. Next: staydown filter sync {args.folder}")
    if pinned is None:
        # Trust on first use: whoever answered for the hub just now chose the key.
        keys = ", ".join(each.vkey for each in trust.keys)
        tell(f"The hub says that this key signs the list. Compare it with what its operator says elsewhere: {keys}")
    return 0


def _ask_hub(settings: Settings, key: ApiKey) -> ListOffered:
    """Return the list as the hub offers it; raise unless it knows the key and lets it follow the list."""
    with Transport(settings.hub, key) as transport:
        hub = Hub(transport, insecure=settings.insecure)
        hub.me()
        lists = hub.lists()
    found = next((each for each in lists if each.slug == settings.list), None)
    if found is None:
        there = ", ".join(each.slug for each in lists) or "none"
        raise ConfigurationError(f"This key may not follow a list named {settings.list}. Lists it may follow: {there}.")
    if not found.origin or not found.keys:
        raise HubUnavailableError(
            "The hub has not opened the list's log yet. Does its feed run? Try again in a moment."
        )
    return found
