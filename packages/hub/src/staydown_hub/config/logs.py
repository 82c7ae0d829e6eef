"""What may be logged: where something happened; never an address, fingerprint, key, person or an error's words."""

import logging
import re
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Final

_SENSITIVE: Final = re.compile(
    r"""
    \bsdk_\w+                               # a key, or the beginning of one
    | [a-z][a-z0-9+.-]*://\S+               # an address
    | [^\s@<>"']+@[^\s@<>"']+               # an e-mail address
    | [0-9A-Fa-f]{32,}                      # a fingerprint
    | (?:\\\\?x[0-9A-Fa-f]{2}){8,}          # the same as the bytes of a Python or PostgreSQL value
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def redact(text: str) -> str:
    """Return the text with everything that looks sensitive replaced."""
    return _SENSITIVE.sub("[removed]", text)


class SafeFormatter(logging.Formatter):
    """Formats records without what they must not hold. Errors are named by class and place; their words are left out.

    An error's words repeat values: PostgreSQL names the row that was refused, a parser the text that it could not read.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, redacted as a whole."""
        return redact(super().format(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 -- logging's name
        """Return the chain of error classes with the places they came through."""
        return "\n".join(_lines_of(ei[1]))


class WithoutRequest(logging.Filter):
    """Django's own lines about requests repeat the path and more: kept are the status and the error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put a plain sentence in place of the message."""
        status: Any = getattr(record, "status_code", None)
        record.msg, record.args = f"a request was answered {status or 'with an error'}", ()
        return True


def _lines_of(error: BaseException | None) -> list[str]:
    lines: list[str] = []
    seen: set[int] = set()
    # A chain may lead back to itself: an error that is raised again while one that it caused is handled.
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        frames = traceback.extract_tb(error.__traceback__)
        lines += [f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
        error = error.__cause__ or error.__context__
    return lines


def logging_settings(level: str) -> dict[str, Any]:
    """Return Django's LOGGING: one handler on standard error, everything through the safe formatter."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "safe": {"()": SafeFormatter, "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        },
        "filters": {"without_request": {"()": WithoutRequest}},
        "handlers": {"standard_error": {"class": "logging.StreamHandler", "formatter": "safe"}},
        "root": {"handlers": ["standard_error"], "level": level},
        "loggers": {
            "django": {"handlers": [], "propagate": True, "level": level},
            "django.server": {"handlers": [], "propagate": False},
            **{
                name: {"filters": ["without_request"], "level": level}
                for name in ("django.request", "django.security.csrf")
            },
            # Else anybody could fill the log with errors and their places, by asking for another host.
            "django.security.DisallowedHost": {"filters": ["without_request"], "level": "CRITICAL"},
            # It tells of every job, several times.
            "procrastinate": {"level": "WARNING"},
            # These name the person who signs in.
            "axes": {"level": "CRITICAL"},
            "allauth": {"level": "CRITICAL"},
        },
    }


def server_logging_settings(level: str) -> dict[str, Any]:
    """Return the logging of a process that granian runs, and of its workers: everything through the safe formatter.

    Granian has a formatter of its own, and the pool of connections none: both would print an error's words.
    """
    settings = logging_settings(level)
    settings["loggers"] = {
        "_granian": {"handlers": [], "propagate": True, "level": "WARNING"},
        "granian.access": {"handlers": [], "propagate": False},
        # It repeats PostgreSQL's words about each connection that it cannot make; that there is none is told elsewhere.
        "psycopg.pool": {"level": "CRITICAL"},
    }
    return settings
