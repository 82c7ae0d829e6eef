"""Which network addresses a check may reach: the public internet, and what the operator names besides.

Somebody who reports an address chooses where the hub connects to; it must not be led into the hub's own network.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Network = IPv4Network | IPv6Network

_IPV6_UNICAST: Final = IPv6Network("2000::/3")
# Special by RFC 6890, which Python learned only in part and late.
_IPV4_SPECIAL: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_NAT64: Final = IPv6Network("64:ff9b::/96")
_IPV4_COMPATIBLE: Final = IPv6Network("::/96")


def may_be_reached(address: str, *, allowed: Collection[Network]) -> bool:
    """Tell whether a check may connect to this IP address, as ``getaddrinfo`` gives it."""
    ip = ip_address(address.partition("%")[0])
    return all(_is_public(each) or any(each in network for network in allowed) for each in (ip, *_inside(ip)))


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if _inside(ip):
        return True  # it leads to the IPv4 address inside, which is judged as well
    is_unicast = ip in _IPV6_UNICAST if isinstance(ip, IPv6Address) else not any(ip in each for each in _IPV4_SPECIAL)
    return is_unicast and ip.is_global and not ip.is_multicast and not ip.is_reserved


def _inside(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for: mapped, NAT64, 6to4 or Teredo."""
    if isinstance(ip, IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64 or (ip in _IPV4_COMPATIBLE and not ip.is_loopback):
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
