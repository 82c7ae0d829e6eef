"""Where a check may connect to: nowhere inside, however the address is written."""

from ipaddress import ip_network

import pytest
from staydown_hub.takedowns.networks import may_be_reached


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "2606:2800:220:1:248:1893:25c8:1946", "2001:4860:4860::8888"]
)
def test_the_public_internet_may(address: str) -> None:
    assert may_be_reached(address, allowed=())


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 -- nothing listens there here
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:5db8:d822:0:0:80ff:fffe",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_what_is_inside_may_not(address: str) -> None:
    assert not may_be_reached(address, allowed=())


@pytest.mark.parametrize(
    ("address", "may"),
    [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("::1", False), ("fd00::5", True)],
)
def test_but_where_the_operator_allows_it(address: str, may: bool) -> None:  # noqa: FBT001
    assert may_be_reached(address, allowed=(ip_network("127.0.0.0/8"), ip_network("fd00::/8"))) == may


def test_allowing_an_ipv6_wrapper_does_not_allow_what_is_inside() -> None:
    assert not may_be_reached("64:ff9b::a00:1", allowed=(ip_network("64:ff9b::/96"),))
