"""The hub holds no media: no route of it takes any, neither by the URL map nor by the API's description."""

import re
from collections.abc import Iterator

import pytest
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from staydown_hub.api.openapi import document
from staydown_hub.config.storage import NoMediaError
from staydown_hub.takedowns.queries import requests_of_item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.api.routes import RIGHT, declared
from packages.hub.tests.integration.staff.conftest import person_of

PIXEL = SimpleUploadedFile("pixel.png", b"\x89PNG\r\n\x1a\n" + bytes(64), content_type="image/png")
# A page is shown again, leads on or asks for the password first, lacks what its form would say, is not offered, or
# takes no POST. None fails.
ANSWERS = {200, 302, 400, 404, 405, 403}
MEDIA_TYPES = [
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "image/png",
    "video/mp4",
    "text/plain",
    "",
]


def every_pattern(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            yield path
        else:
            yield from every_pattern(one, path)


def described(part: object) -> Iterator[object]:
    """Walk the description, whatever it is made of."""
    yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from described(one)


def test_every_body_in_the_description_is_json() -> None:
    paths = document()["paths"]
    batch = paths.pop("/api/v1/reports/batch")["post"]
    lines = [batch["requestBody"]["content"], batch["responses"]["200"]["content"]]
    assert [set(one) for one in lines] == [{"application/x-ndjson"}] * 2  # JSON too, an object a line
    operations = [one for methods in paths.values() for one in methods.values()]
    assert len(operations) == len(declared()) - 1
    for operation in operations:
        assert set(operation.get("requestBody", {}).get("content", {"application/json": {}})) == {"application/json"}
        for answer in operation["responses"].values():
            assert set(answer.get("content", {"application/json": {}})) == {"application/json"}


def test_no_field_in_the_description_holds_bytes() -> None:
    for one in described(document()):
        if isinstance(one, dict):
            assert one.get("format") not in {"binary", "byte", "base64"}
            assert not {"contentEncoding", "contentMediaType"} & set(one)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("operation", [one for one in declared() if one.startswith("POST")])
def test_the_api_takes_nothing_but_json(operation: str, media_type: str, cast: Cast, client: Client) -> None:
    path, _ = RIGHT[operation].prepare(cast)
    answer = client.generic("POST", f"/api/v1/{path}", b"--x--", content_type=media_type, headers=cast.police.headers())
    assert answer.status_code == 415
    assert answer.json()["error"] == "unsupported_media_type"


def test_a_body_on_a_reading_route_is_refused_too(cast: Cast, client: Client) -> None:
    answer = client.generic("GET", "/api/v1/me", b"GIF89a", content_type="image/gif", headers=cast.police.headers())
    assert answer.status_code == 415


def filled(path: str, values: dict[str, str]) -> str:
    """Return the path of a pattern with a value for each of its parts; one without a value is an error of this test."""
    path = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", path)  # of a regular expression: its named parts,
    path = re.sub(r"\(\?:([^|)]*)[^)]*\)", r"\1", path)  # and the first of several words
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], re.sub(r"[$^]", "", path))


def test_no_route_anywhere_keeps_an_uploaded_file(cast: Cast) -> None:
    """Every route of the URL map is sent a file, signed in and with a key: none has a handler that could take it in."""
    item = admitted_item(cast, "boat", urls=["https://host.example/boat.jpg"])
    person = person_of(cast, "police")
    request = requests_of_item(item.pk)[0]
    key = Authenticator.objects.create(user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "key"})
    values = {
        "item": str(item.pk),
        "item_id": str(item.pk),
        "request_id": str(request.pk),
        "sighting": str(request.sighting_id),
        "slug": "main",
        "uidb36": user_pk_to_url_str(person),
        "key": "set-password",
        "pk": str(key.pk),
        "proposal": str(item.pk),
        "proposal_id": str(item.pk),
        "person_id": str(person.pk),
        "position": "0",
        "word": "withdraw",
        "dispute": str(item.pk),
        "dispute_id": str(item.pk),
        "panel_id": str(item.pk),
        "stop_id": str(item.pk),
        "report": str(item.pk),
    }
    assert settings.FILE_UPLOAD_HANDLERS == []
    paths = sorted(set(every_pattern(get_resolver())))
    assert len(paths) > len(declared()) + 20
    for path in paths:
        client = Client(raise_request_exception=False)
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        url = filled(path, values)
        answer = client.post(url, {"file": PIXEL}, headers=cast.police.headers())
        expected = {415} if url.startswith("/api/") else ANSWERS
        assert answer.status_code in expected, (path, url, answer.status_code)
        assert not answer.wsgi_request.FILES
        assert callable(resolve(url).func)  # it raises when the filled path is none of the URL map's


def test_no_model_has_a_field_for_files() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.get_fields()]
    assert not [field for field in fields if isinstance(field, models.FileField)]


def test_the_storage_stores_nothing() -> None:
    with pytest.raises(NoMediaError):
        default_storage.save("picture.png", ContentFile(b"\x89PNG"))
    with pytest.raises(NoMediaError):
        default_storage.open("picture.png")
    assert not default_storage.exists("picture.png")
