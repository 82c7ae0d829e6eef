"""The hub holds no media: no route of it takes any, neither by the URL map nor by the API's description."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from staydown_hub.api.openapi import document
from staydown_hub.config.storage import NoMediaError

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.api.routes import RIGHT, declared

PIXEL = SimpleUploadedFile("pixel.png", b"\x89PNG\r\n\x1a\n" + bytes(64), content_type="image/png")
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
    operations = [one for methods in document()["paths"].values() for one in methods.values()]
    assert len(operations) == len(declared())
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


def test_no_route_anywhere_keeps_an_uploaded_file(cast: Cast, client: Client) -> None:
    """Every route of the URL map is sent a file, signed in: none has a handler that could take it in."""
    item = admitted_item(cast, "boat")
    assert settings.FILE_UPLOAD_HANDLERS == []
    paths = sorted(set(every_pattern(get_resolver())))
    assert len(paths) > len(declared())
    for path in paths:
        filled = "/" + path.replace("<uuid:item>", str(item.pk)).replace("<slug:slug>", "main")
        answer = client.post(filled, {"file": PIXEL}, headers=cast.police.headers())
        assert answer.status_code != 500
        request = answer.wsgi_request
        assert not request.FILES


def test_no_model_has_a_field_for_files() -> None:
    fields = [field for model in apps.get_models() for field in model._meta.get_fields()]
    assert not [field for field in fields if isinstance(field, models.FileField)]


def test_the_storage_stores_nothing() -> None:
    with pytest.raises(NoMediaError):
        default_storage.save("picture.png", ContentFile(b"\x89PNG"))
    with pytest.raises(NoMediaError):
        default_storage.open("picture.png")
    assert not default_storage.exists("picture.png")
