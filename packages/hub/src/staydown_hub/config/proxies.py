"""Who really asks, and how, when a proxy stands in front of the web process: believed of trusted proxies only."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from staydown_hub.rules.callers import is_within, origin_of, read_address

_FORWARDED: Final = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_CLIENT_SUBJECT")
# Where the subject of a verified client certificate is kept; nobody's header can be called so.
CLIENT_SUBJECT: Final = "staydown.client_subject"


def trusted_proxies(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Make the middleware, the outermost: from here on the caller's address and scheme are the real ones.

    It takes the headers away whoever sent them, so that nothing behind it can believe them by mistake.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        chain, scheme, subject = (str(request.META.pop(name, "")) for name in _FORWARDED)
        peer = str(request.META.get("REMOTE_ADDR", ""))
        if is_within(read_address(peer), settings.TRUSTED_PROXY):
            origin = origin_of(peer, chain=chain, subject=subject, trusted=settings.TRUSTED_PROXY)
            request.META["REMOTE_ADDR"] = str(origin.address)
            request.META[CLIENT_SUBJECT] = origin.subject
            # Only the nearest proxy's word counts, and it stands last.
            if scheme.rpartition(",")[2].strip().lower() == "https":
                request.META[settings.SECURE_PROXY_SSL_HEADER[0]] = settings.SECURE_PROXY_SSL_HEADER[1]
        return get_response(request)

    return answer
