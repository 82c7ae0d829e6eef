"""Addresses of a hub: which ones the client will talk to, so that no key crosses a network in the clear."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from staydown_client.errors import ConfigurationError

# No quote and no backslash: an address can be written into filter.toml as it is.
_PLAIN = re.compile(r"[A-Za-z0-9.:/_~%\[\]-]{1,2000}")
_WANTED = "The hub's address must look like https://hub.example"


def checked_hub_address(address: str, *, insecure: bool) -> str:
    """Return `address` without a trailing slash, or raise `ConfigurationError` saying what is wrong with it.

    Plain http is taken for this machine's own addresses only, unless `insecure` is set.
    """
    parts = _split(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{_WANTED}, not another kind of address.")
    if parts.scheme == "http" and not insecure and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            "The hub's address is plain http to another machine: the key could be read on the way. "
            "Use https, or --insecure on a network you trust with the key."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _split(address: str) -> SplitResult:
    if not _PLAIN.fullmatch(address):
        raise ConfigurationError(f"{_WANTED}: no user name, no '?', no '#', no spaces.")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{_WANTED}: {error}.") from error
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
