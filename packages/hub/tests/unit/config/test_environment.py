"""Settings from the environment: read strictly, refused with the name of the setting and never with its value."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from staydown_hub.config import environment
from staydown_hub.config.environment import BadSettingError


@pytest.mark.parametrize(
    ("given", "host", "port", "shown"),
    [
        ("127.0.0.1:8600", "127.0.0.1", 8600, "127.0.0.1:8600"),
        ("[::1]:80", "::1", 80, "[::1]:80"),
        ("hub.example:65535", "hub.example", 65535, "hub.example:65535"),
    ],
)
def test_an_address(monkeypatch: pytest.MonkeyPatch, given: str, host: str, port: int, shown: str) -> None:
    monkeypatch.setenv("STAYDOWN_WEB_ADDRESS", given)
    found = environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:1")
    assert (found.host, found.port, str(found)) == (host, port, shown)


@pytest.mark.parametrize("given", ["8600", ":8600", "host", "host:", "host:0", "host:65536", "host:x", "host:-1"])
def test_another_address_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("STAYDOWN_WEB_ADDRESS", given)
    with pytest.raises(BadSettingError, match="STAYDOWN_WEB_ADDRESS must look like"):
        environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:1")


HTTP = ("https", "http")
SMTP = ("smtp", "smtp+tls", "smtps")


@pytest.mark.parametrize(
    ("schemes", "given", "read"),
    [
        (HTTP, "https://hub.example", "https://hub.example"),
        (HTTP, "http://[::1]:8600/", "http://[::1]:8600"),
        (SMTP, "smtp://mail.example", "smtp://mail.example"),
        (SMTP, "smtp+tls://ana:p%40ss@mail.example:587", "smtp+tls://ana:p%40ss@mail.example:587"),
        (SMTP, "smtps://127.0.0.1:465", "smtps://127.0.0.1:465"),
        (SMTP, "", ""),
    ],
)
def test_a_url(monkeypatch: pytest.MonkeyPatch, schemes: tuple[str, ...], given: str, read: str) -> None:
    monkeypatch.setenv("STAYDOWN_ANY_URL", given)
    assert environment.url("STAYDOWN_ANY_URL", schemes=schemes) == read


@pytest.mark.parametrize(
    ("schemes", "given"),
    [
        (HTTP, "hub.example"),
        (HTTP, "ftp://hub.example"),
        (HTTP, "https://"),
        (HTTP, "https://hub.example/below"),
        (HTTP, "https://hub.example?a=b"),
        (HTTP, "https://hub.example#a"),
        (HTTP, "https://secret@hub.example"),
        (HTTP, "https://hub.example:99999"),
        (HTTP, "https://hub.example:0"),
        (HTTP, "https://hub.example:x"),
        (HTTP, "https://hub example"),
        (HTTP, "https://[::1"),
        (SMTP, "mail.example"),
        (SMTP, "mail.example:25"),
        (SMTP, "http://mail.example"),
        (SMTP, "smtp://ana:secret@mail.example:99999"),
        (SMTP, "smtp://ana:secret@:25"),
    ],
)
def test_another_url_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, schemes: tuple[str, ...], given: str
) -> None:
    monkeypatch.setenv("STAYDOWN_ANY_URL", given)
    with pytest.raises(BadSettingError, match="STAYDOWN_ANY_URL must look like ") as caught:
        environment.url("STAYDOWN_ANY_URL", schemes=schemes)
    assert "secret" not in str(caught.value)


def test_a_url_may_have_a_path_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAYDOWN_ANY_URL", "https://hub.example/feed/")
    assert environment.url("STAYDOWN_ANY_URL", schemes=HTTP, has_path=True) == "https://hub.example/feed"


@pytest.mark.parametrize("setting", ["STAYDOWN_SMTP_URL=mail.example", "STAYDOWN_PUBLIC_URL=https://hub.example:99999"])
def test_a_process_with_a_bad_setting_says_which_in_one_line(tmp_path: Path, setting: str) -> None:
    name, _, value = setting.partition("=")
    environment = {**os.environ, "STAYDOWN_HOME": str(tmp_path), "DATABASE_URL": "postgresql://nowhere", name: value}
    done = subprocess.run(
        [sys.executable, "-m", "staydown_hub", "serve"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"staydown-hub: {name} must look like ")
    assert done.stderr.count("\n") == 1


def test_a_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ana:se%20cret@db.example:6543/hub?sslmode=require")
    found = environment.database()
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("hub", "ana", "se cret")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("db.example", "6543", {"sslmode": "require"})


def test_a_wrong_database_url_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ana:secret@[db/hub")
    with pytest.raises(BadSettingError) as caught:
        environment.database()
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_secret_key_is_made_once_for_its_owner_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STAYDOWN_SECRET_KEY", raising=False)
    monkeypatch.setenv("STAYDOWN_HOME", str(tmp_path / "home"))
    made = environment.secret_key()
    assert len(made) >= 50
    assert environment.secret_key() == made
    assert stat.S_IMODE((tmp_path / "home/secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["secret.key"]


def test_a_given_secret_key_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAYDOWN_SECRET_KEY", "given")
    monkeypatch.setenv("STAYDOWN_HOME", str(tmp_path / "home"))
    assert environment.secret_key() == "given"
    assert not (tmp_path / "home").exists()
