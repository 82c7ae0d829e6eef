"""Settings from the environment: read strictly, refused with the name of the setting and never with its value."""

import stat
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
