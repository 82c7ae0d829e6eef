"""Who really asks, and how, when a proxy stands in front of the web process: believed of trusted proxies only."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO")


def trusted_proxies(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Make the middleware, the outermost: from here on the caller's address and scheme are the real ones.

    It takes the headers away whoever sent them, so that nothing behind it can believe them by mistake.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        chain, scheme = (str(request.META.pop(name, "")) for name in _FORWARDED)
        if _is_trusted(_address(request.META.get("REMOTE_ADDR", ""))):
            if caller := caller_behind(chain):
                request.META["REMOTE_ADDR"] = str(caller)
            # Only the nearest proxy's word counts, and it stands last.
            if scheme.rpartition(",")[2].strip().lower() == "https":
                request.META[settings.SECURE_PROXY_SSL_HEADER[0]] = settings.SECURE_PROXY_SSL_HEADER[1]
        return get_response(request)

    return answer


def caller_behind(chain: str) -> IPv4Address | IPv6Address | None:
    """Return the caller that an `X-Forwarded-For` names: the last address in it that is not a trusted proxy's.

    What stands before that was written by the caller itself and is worth nothing. None when it cannot be told.
    """
    for part in reversed(chain.split(",")):
        address = _address(part.strip())
        if address is None or not _is_trusted(address):
            return address
    return None


def _is_trusted(address: IPv4Address | IPv6Address | None) -> bool:
    return address is not None and any(address in network for network in settings.TRUSTED_PROXY)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
