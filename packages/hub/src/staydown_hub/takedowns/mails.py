"""The mails to a recipient: what is asked about one address, or that it is asked no longer. Plain text, one recipient.

A mail names the address and nothing else of the item: no fingerprint, no code, no organisation that reported it.
"""

from datetime import datetime
from email.utils import parseaddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage

from staydown_hub.registry.sightings import address_of
from staydown_hub.rules.takedown import ANSWER_WITHIN
from staydown_hub.takedowns.models import Request
from staydown_hub.takedowns.services import Mail

_NOTICE: Final = """\
To {recipient}

Organisations that act together against child sexual abuse material and intimate images shared without consent have
judged what is shown at one address on your service. We ask you to remove it and to keep it from being put up again.

The address:

{url}

Please act by {deadline}.
This request is number {request}.

You need not tell us when it is removed: we look at the address ourselves, without downloading what is there. If you
think that this is a mistake, or need to know more, answer this mail and leave the request's number in the subject.
Do not send us the picture or video, or any part of it, in any form.

{hub}
"""

_RETRACTION: Final = """\
To {recipient}

We asked you to remove what is shown at one address on your service. That request is withdrawn: please regard it as
never made, and forgive the trouble. If you removed something because of it, you may put it back.

The address:

{url}

The withdrawn request was number {request}.
If you have a question, answer this mail and leave the request's number in the subject.

{hub}
"""


def compose(mail: Mail) -> EmailMessage:
    """Return the mail, ready to be sent: another attempt at the same mail has the same Message-ID."""
    request = mail.request
    text = (_RETRACTION if mail.is_retraction else _NOTICE).format(
        recipient=request.recipient.name if request.recipient else "",
        url=address_of(request.sighting),
        deadline=_in_words(mail.begun_at + ANSWER_WITHIN),
        request=request.pk,
        hub=settings.PUBLIC_URL,
    )
    subject = f"Removal request {request.pk}{' is withdrawn' if mail.is_retraction else ''}"
    headers = {"Message-ID": message_id(request, is_retraction=mail.is_retraction), "Auto-Submitted": "auto-generated"}
    if mail.is_retraction:
        headers["In-Reply-To"] = headers["References"] = message_id(request, is_retraction=False)
    return EmailMessage(subject=subject, body=text, to=[request.contact], headers=headers)


def message_id(request: Request, *, is_retraction: bool) -> str:
    """Return the name of a mail: of the request, the number of its notice, and what the mail does with that notice."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{request.pk}.{request.notices}.{'retraction' if is_retraction else 'notice'}@{domain}>"


def _in_words(at: datetime) -> str:
    return f"{at:%d %B %Y, %H:%M} UTC"
