"""Where keys and served files are kept, and what the logs are called; read from the environment."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from staydown_hub.config import environment
from staydown_hub.config.environment import BadSettingError
from staydown_hub.sealing.notes import is_name

_MAX_ORIGIN_CHARACTERS: Final = 180


def signing_folder() -> Path:
    """Return the folder of keys and of what was signed: outside the database, for the hub's account only."""
    given = environment.text("STAYDOWN_SIGNING_FOLDER")
    return Path(given).absolute() if given else environment.home() / "signing"


def log_folder() -> Path:
    """Return the folder of what is made from the entries and can be made again: the tree's hashes and the bundles."""
    given = environment.text("STAYDOWN_LOG_FOLDER")
    return Path(given).absolute() if given else environment.home() / "log"


def log_origin() -> str:
    """Return what this hub's logs are called by, without the list: by default the public address's host and port."""
    given = environment.text("STAYDOWN_LOG_ORIGIN") or _public_host()
    if not is_name(given) or not given.isascii() or given.endswith("/") or len(given) > _MAX_ORIGIN_CHARACTERS:
        raise BadSettingError("STAYDOWN_LOG_ORIGIN must look like hub.example or hub.example/lists.")
    return given


def list_origin(slug: str) -> str:
    """Return the name of one list's log, which is also the name of its keys."""
    return f"{log_origin()}/{slug}"


def _public_host() -> str:
    web = environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:8600")
    return urlsplit(environment.url("STAYDOWN_PUBLIC_URL", f"http://{web}", schemes=("https", "http"))).netloc
