"""Where the commands find the hub and the folder: an option first, then the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

HUB_VARIABLE: Final = "STAYDOWN_HUB"
FILTER_VARIABLE: Final = "STAYDOWN_FILTER"


def find_hub(option: str | None, *, environment: Mapping[str, str] = os.environ) -> str:
    """Return the hub's address, unchecked, from --hub or STAYDOWN_HUB."""
    address = option or environment.get(HUB_VARIABLE)
    if not address:
        raise ConfigurationError(f"No hub: give its address with --hub, or set {HUB_VARIABLE}.")
    return address


def find_folder(option: Path | None, *, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the filter's folder, from the command line or STAYDOWN_FILTER."""
    if option is not None:
        return option
    path = environment.get(FILTER_VARIABLE)
    if not path:
        raise ConfigurationError(f"No filter: name its folder, or set {FILTER_VARIABLE}.")
    return Path(path)
