"""The hub's address: no key crosses a network in the clear unless that was asked for."""

from __future__ import annotations

import pytest
from staydown_client.address import checked_hub_address
from staydown_client.errors import ConfigurationError


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("https://hub.example", "https://hub.example"),
        ("https://hub.example:8443/staydown/", "https://hub.example:8443/staydown"),
        ("http://127.0.0.1:8600", "http://127.0.0.1:8600"),
        ("http://127.8.9.1:8600/", "http://127.8.9.1:8600"),
        ("http://localhost:8600", "http://localhost:8600"),
        ("http://[::1]:8600", "http://[::1]:8600"),
    ],
)
def test_a_good_address_is_taken_without_its_last_slash(address: str, taken: str) -> None:
    assert checked_hub_address(address, insecure=False) == taken


@pytest.mark.parametrize(
    "address",
    [
        "http://hub.example",
        "http://10.0.0.1",
        "http://localhost.hub.example",
        "http://127.0.0.1.example",
        "http://[::2]",
    ],
)
def test_plain_http_to_another_machine_must_be_asked_for(address: str) -> None:
    with pytest.raises(ConfigurationError, match="--insecure"):
        checked_hub_address(address, insecure=False)
    assert checked_hub_address(address, insecure=True) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hub.example",
        "ftp://hub.example",
        "https://",
        "https://name:secret@hub.example",
        "https://hub.example?x=1",
        "https://hub.example#x",
        "https://hub.example/ x",
        'https://hub.example/"',
        "https://hub.example\n",
        "https://hub.example\\x",
        "https://hüb.example",
        "https://hub.example:99999",
        "https://hub.example:port",
        "https://[hub",
        "https://" + "h" * 3000,
    ],
)
def test_a_bad_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"https://hub\.example"):
        checked_hub_address(address, insecure=True)
