"""staydown filter init: make a filter's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.address import checked_hub_address
from staydown_client.cli.output import tell
from staydown_client.config import find_hub
from staydown_client.errors import ConfigurationError
from staydown_client.folder import Settings, checked_list_name, make_folder, require_absent
from staydown_client.hub import Hub
from staydown_client.key import find_key
from staydown_client.transport import Transport

if TYPE_CHECKING:
    import argparse

    from staydown_client.key import ApiKey


def run(args: argparse.Namespace) -> int:
    """Make the folder and return the exit status."""
    require_absent(args.folder)
    settings = Settings(
        hub=checked_hub_address(find_hub(args.hub), insecure=args.insecure),
        list=checked_list_name(args.list_name),
        insecure=args.insecure,
    )
    key = find_key(args.key_file)
    _ask_hub(settings, key)
    make_folder(args.folder, settings=settings, key=key)
    tell(f"Made {args.folder}. Next: staydown filter sync {args.folder}")
    return 0


def _ask_hub(settings: Settings, key: ApiKey) -> None:
    """Raise unless the hub knows the key and lets it follow the list: better now than when uploads wait."""
    with Transport(settings.hub, key) as transport:
        hub = Hub(transport, insecure=settings.insecure)
        hub.me()
        lists = hub.lists()
    if settings.list not in lists:
        there = ", ".join(lists) or "none"
        raise ConfigurationError(f"This key may not follow a list named {settings.list}. Lists it may follow: {there}.")
