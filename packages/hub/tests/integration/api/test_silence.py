"""Nothing sensitive in logs: requests with marked values, good, bad and crashing, and every line that is written."""

import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import DataError, connection
from django.test import Client
from staydown_hub.config.logs import SafeFormatter
from staydown_hub.registry import services

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assessment_body, prints_of, report_body

MARK = "marked-host.example"
URL = f"https://{MARK}/marked-path?q=marked-query"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Catch all that any logger writes at its most talkative, as the hub's own handler writes it."""
    stream = io.StringIO()
    logging.config.dictConfig(settings.LOGGING)
    [handler] = [one for one in logging.getLogger().handlers if isinstance(one.formatter, SafeFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
    yield stream
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)
    logging.config.dictConfig(settings.LOGGING)


def assert_silent(written: io.StringIO, cast: Cast, *, something: str = "") -> None:
    text = written.getvalue()
    assert something in text
    for secret in (
        MARK,
        "marked",
        cast.police.token,
        cast.police.token.split("_", 2)[2],
        *(one.value.hex() for one in prints_of("boat")),
        *(repr(one.value)[2:-1] for one in prints_of("boat")),
    ):
        assert secret not in text


def test_ordinary_requests_are_silent(cast: Cast, client: Client, written: io.StringIO) -> None:
    assert cast.police.post(client, "reports", report_body("boat", code="TEST", url=URL)).status_code == 201
    assert cast.support_centre.post(client, "assessments", assessment_body("boat", code="TEST")).status_code == 200
    body = {"fingerprints": report_body("boat")["fingerprints"]}
    assert cast.police.post(client, "lookups", body).status_code == 200
    assert_silent(written, cast)


def test_refused_requests_are_silent(cast: Cast, client: Client, written: io.StringIO) -> None:
    [sha256, *_] = prints_of("boat")
    bad = {**report_body("boat", url=URL), "kind": "marked"}
    assert cast.police.post(client, "reports", bad).status_code == 422
    assert cast.outsider.post(client, "reports", report_body("boat", url=URL)).status_code == 403
    assert cast.police.get(client, f"items/{sha256.value.hex()}").status_code == 404
    assert cast.police.get(client, f"{URL}").status_code == 404
    assert client.get(f"/{sha256.value.hex()}").status_code == 404
    assert client.get("/api/v1/me", headers={"Authorization": cast.police.token}).status_code == 401
    assert client.get("/api/v1/me", headers={"Host": MARK, **cast.police.headers()}).status_code == 400
    assert cast.police.get(client, f"me?{cast.police.token}&{URL}").status_code == 200
    assert_silent(written, cast, something="a request was answered 404")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/healthz", "/accounts/login/"])
def test_a_wrong_host_is_no_error_of_ours(client: Client, path: str) -> None:
    stream = io.StringIO()
    logging.config.dictConfig(settings.LOGGING)
    [handler] = [one for one in logging.getLogger().handlers if isinstance(one.formatter, SafeFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    assert client.get(path, headers={"Host": MARK}).status_code == 400
    lines = stream.getvalue().splitlines()
    assert len(lines) <= 1
    assert all(line.endswith("WARNING django.request: a request was answered 400") for line in lines)


def test_a_crash_is_silent_and_says_where(
    cast: Cast, client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **given: object) -> None:
        raise RuntimeError(f"cannot handle {given}, {URL}, {prints_of('boat')[0].value.hex()}")

    monkeypatch.setattr(services, "report_item", crash)
    answer = cast.police.post(client, "reports", report_body("boat", url=URL))
    assert answer.status_code == 500
    assert answer.json() == {"error": "fault", "message": answer.json()["message"], "fields": []}
    assert_silent(written, cast, something="in crash")


def test_an_error_of_the_database_is_silent_and_undoes_the_whole_act(
    cast: Cast, client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's own words repeat the values of the row."""

    def crash(*_: object, **__: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::int", [URL])

    monkeypatch.setattr(services, "reconsider", crash)
    answer = cast.police.post(client, "reports", report_body("boat", url=URL))
    assert answer.status_code == 500
    assert MARK not in answer.content.decode()
    assert_silent(written, cast, something=DataError.__name__)
    body = {"fingerprints": report_body("boat")["fingerprints"]}
    assert cast.police.post(client, "lookups", body).status_code == 404
