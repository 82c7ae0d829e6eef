"""For Django: a validator for file fields, of forms and of models.

    picture = forms.ImageField(validators=[NotListed()])

The setting STAYDOWN_FILTER names the filter's folder.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

from staydown_client.filter import Filter

if TYPE_CHECKING:
    from django.core.files.base import File

    from staydown_client.verdict import Verdict

REFUSED_CODE: Final = "staydown_refused"


@cache
def uploads_filter() -> Filter:
    """Return this process's filter; it goes on working in workers that are forked later."""
    folder = getattr(settings, "STAYDOWN_FILTER", None)
    if folder is None:
        raise ImproperlyConfigured("Set STAYDOWN_FILTER to the folder that 'staydown filter init' made.")
    return Filter.open(folder)


def check_upload(upload: File[bytes], *, reference: str | None = None) -> Verdict:
    """Return the verdict of an uploaded file, which is at its beginning again afterwards."""
    if isinstance(upload, TemporaryUploadedFile):
        upload.flush()
        return uploads_filter().check(upload.temporary_file_path(), reference=reference)
    upload.seek(0)
    verdict = uploads_filter().check(upload.read(), reference=reference)
    upload.seek(0)
    return verdict


@deconstructible
class NotListed:
    """Refuses files that may not be kept. The message does not say why: it must not help to find out what passes."""

    message = _("This file cannot be accepted.")

    def __call__(self, upload: File[bytes]) -> None:
        """Raise `ValidationError` unless the file is allowed."""
        if check_upload(upload).action != "allow":
            raise ValidationError(self.message, code=REFUSED_CODE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotListed)

    def __hash__(self) -> int:
        return hash(NotListed)
