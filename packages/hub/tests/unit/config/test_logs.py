"""What a log line may hold, and what is left of an error."""

import io
import logging

import pytest
from staydown_hub.config.logs import SafeFormatter, WithoutRequest, redact

HEX = "0123456789abcdef" * 4
TOKEN = "sdk_abcdefgh_" + "Ab_-" * 10 + "xyz"


@pytest.mark.parametrize(
    "secret",
    [
        HEX,
        HEX[:32],
        HEX.upper(),
        f"\\x{HEX}",
        "".join(f"\\x{HEX[at : at + 2]}" for at in range(0, 64, 2)),
        "https://host.example/a.jpg?b=c",
        "HTTP://HOST.EXAMPLE/",
        "ftp://host.example",
        "postgresql://user:password@host/name",
        TOKEN,
        TOKEN[:20],
        "ana@lantern.example",
        "b.c+d@sub.lantern.example",
    ],
)
def test_what_looks_sensitive_is_removed(secret: str) -> None:
    said = redact(f"before {secret} after")
    assert secret not in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    assert "host.example" not in said


@pytest.mark.parametrize(
    "plain",
    [
        "a request was answered 404",
        "item 00000000-0000-4000-8000-000000000000 was admitted",
        "2026-01-02 03:04:05,678 INFO",
        "worker-1 with PID 12345",
    ],
)
def test_what_is_plain_stays(plain: str) -> None:
    assert redact(plain) == plain


def logged(error: Exception) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeFormatter("%(message)s"))
    log = logging.getLogger("staydown_hub.test")
    log.addHandler(handler)
    try:
        raise error
    except type(error):
        log.exception("it failed")
    finally:
        log.removeHandler(handler)
    return stream.getvalue()


def test_an_error_is_named_by_class_and_place_only() -> None:
    said = logged(ValueError("secret words"))
    assert said.startswith("it failed\nbuiltins.ValueError\n  test_logs.py:")
    assert "in logged" in said
    assert "secret" not in said


def test_the_causes_of_an_error_are_named_too() -> None:
    error = RuntimeError("other words")
    error.__cause__ = KeyError("secret words")
    said = logged(error)
    assert "builtins.RuntimeError" in said
    assert "builtins.KeyError" in said
    assert "words" not in said


def test_errors_that_cause_each_other_are_each_named_once() -> None:
    first, second = RuntimeError(), ValueError()
    first.__context__, second.__context__ = second, first
    written = logged(first)
    assert written.count("builtins.RuntimeError") == 1
    assert written.count("builtins.ValueError") == 1


def test_djangos_lines_about_requests_say_the_status_only() -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "x.py", 1, "Not Found: %s", ("/secret",), None)
    record.status_code = 404
    assert WithoutRequest().filter(record)
    assert record.getMessage() == "a request was answered 404"
