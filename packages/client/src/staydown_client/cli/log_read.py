"""What the auditors' commands have in common: the list they ask, and the files they are given."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from staydown_client.address import checked_hub_address
from staydown_client.config import find_hub
from staydown_client.errors import ConfigurationError
from staydown_client.feed import Feed
from staydown_client.folder import checked_list_name
from staydown_client.hub import Hub
from staydown_client.key import find_key
from staydown_client.log.texts import MAX_TEXT_CHARACTERS
from staydown_client.transport import Transport

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

_MAX_BYTES: Final = 4 * MAX_TEXT_CHARACTERS


@contextmanager
def feed_of(args: argparse.Namespace) -> Iterator[Feed]:
    """Give the feed of the list that the options and the environment name."""
    address = checked_hub_address(find_hub(args.hub), insecure=args.insecure)
    name, key = checked_list_name(args.list_name), find_key(args.key_file)
    with Transport(address, key) as transport:
        feed = Hub(transport, insecure=args.insecure).me().feed
    with Transport(feed, key) as transport:
        yield Feed(transport, list_name=name)


def text_of(path: Path) -> str:
    """Return a file's text; raise `ConfigurationError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not a text in UTF-8.") from error
