"""Where a caller comes from, and whether a key may be used from there."""

from ipaddress import ip_network

import pytest
from staydown_hub.rules.callers import Origin, may_call_from, origin_of, read_address, read_network

PROXY = (ip_network("10.0.0.0/24"),)
OFFICE = ["192.0.2.0/24", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("peer", "chain", "subject", "expected"),
    [
        ("10.0.0.7", "192.0.2.5", "CN=ana", ("192.0.2.5", "CN=ana")),
        ("10.0.0.7", "192.0.2.5, 10.0.0.8", "", ("192.0.2.5", "")),
        ("10.0.0.7", "198.51.100.1, 192.0.2.5", "", ("192.0.2.5", "")),
        ("10.0.0.7", "nonsense", "CN=ana", ("10.0.0.7", "CN=ana")),
        # Nobody but a trusted proxy is believed.
        ("198.51.100.1", "192.0.2.5", "CN=ana", ("198.51.100.1", "")),
        ("::ffff:10.0.0.7", "::ffff:192.0.2.5", "", ("192.0.2.5", "")),
    ],
)
def test_headers_count_from_a_trusted_proxy_alone(
    peer: str, chain: str, subject: str, expected: tuple[str, str]
) -> None:
    found = origin_of(peer, chain=chain, subject=subject, trusted=PROXY)
    assert (str(found.address), found.subject) == expected


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("192.0.2.5", True),
        ("::ffff:192.0.2.5", True),
        ("2001:db8::1", True),
        ("192.0.3.1", False),
        ("2001:db9::1", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_key_bound_to_networks(address: str, *, allowed: bool) -> None:
    assert may_call_from(Origin(read_address(address)), networks=OFFICE, subject="") == allowed
    assert may_call_from(Origin(read_address(address)), networks=[], subject="")


def test_a_key_bound_to_a_certificate() -> None:
    here = read_address("192.0.2.5")
    assert may_call_from(Origin(here, "CN=ana,O=Police"), networks=OFFICE, subject="CN=ana,O=Police")
    for subject in ("", "CN=ana", "CN=ana,O=Police ", "cn=ana,o=police"):
        assert not may_call_from(Origin(here, subject), networks=OFFICE, subject="CN=ana,O=Police")
    assert not may_call_from(Origin(read_address("198.51.100.1"), "CN=ana"), networks=OFFICE, subject="CN=ana")


def test_networks_are_kept_as_they_are_meant() -> None:
    assert read_network(" 192.0.2.5/24 ") == "192.0.2.0/24"
    assert read_network("192.0.2.5") == "192.0.2.5/32"
    with pytest.raises(ValueError, match="A network is written"):
        read_network("office")
