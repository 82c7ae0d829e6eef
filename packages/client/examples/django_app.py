"""A picture board in Django that keeps no listed picture.

STAYDOWN_FILTER=/var/lib/staydown/filter BOARD=./board granian --interface wsgi django_app:app
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import django
from django import forms
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    MEDIA_ROOT=os.environ["BOARD"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=secrets.token_hex(),
    STAYDOWN_FILTER=os.environ["STAYDOWN_FILTER"],
)
django.setup()

from staydown_client.contrib.django import NotListed  # noqa: E402 - Django's settings come first


class PictureForm(forms.Form):
    """One picture, which must not be listed."""

    picture = forms.FileField(validators=[NotListed()])


@csrf_exempt  # this example has no pages; yours has, and needs the token
def upload(request: HttpRequest) -> HttpResponse:
    """Keep the form's picture under a name of our own, unless the filter stops it."""
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse(form.errors.get_json_data(), status=422)
    return JsonResponse({"name": default_storage.save(secrets.token_hex(16), form.cleaned_data["picture"])}, status=201)


urlpatterns = [path("pictures", upload)]
app = get_wsgi_application()
