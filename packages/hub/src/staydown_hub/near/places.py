"""Where the near process is asked: a socket file that only the hub's own account can open."""

import os
from pathlib import Path
from typing import Final

from staydown_hub.config import environment

# What the kernel takes of a socket's name, its end included.
_MAX_PATH_BYTES: Final = 107


def socket_path() -> Path:
    """Return the socket's place. Raises BadSettingError when its name is too long for one."""
    path = Path(environment.text("STAYDOWN_NEAR_SOCKET") or environment.home() / "near.sock").absolute()
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise environment.BadSettingError(
            f"STAYDOWN_NEAR_SOCKET must name a place of at most {_MAX_PATH_BYTES} bytes: the data folder's is longer."
        )
    return path
