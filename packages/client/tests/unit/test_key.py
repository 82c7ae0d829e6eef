"""The key: found where it should be, shown nowhere."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import ConfigurationError
from staydown_client.key import ApiKey, find_key, key_from_file

from packages.client.tests.conftest import KEY, KEY_TEXT

if TYPE_CHECKING:
    from pathlib import Path


def test_no_text_made_of_a_key_holds_it() -> None:
    assert KEY_TEXT not in f"{KEY} {KEY!r} {[KEY]} {vars(ApiKey)}"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_a_key_does_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(__name__).warning("used %s", KEY)
    assert "hidden" in caplog.text
    assert KEY_TEXT not in caplog.text


def test_a_file_comes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY_TEXT + "\n")
    other = "sdk_zzzzzzzz_0123456789abcdefghij"
    assert find_key(file, environment={"STAYDOWN_API_KEY": other}).reveal() == KEY_TEXT
    assert find_key(None, environment={"STAYDOWN_API_KEY": other + "\n"}).reveal() == other


def test_a_missing_key_is_said_with_both_ways_to_give_it() -> None:
    with pytest.raises(ConfigurationError, match=r"STAYDOWN_API_KEY.*--key-file"):
        find_key(None, environment={})


@pytest.mark.parametrize(
    "text",
    ["", "secret", "sdk_short_0123456789abcdefghij", KEY_TEXT + "\nX-Other: header", KEY_TEXT + "é", KEY_TEXT * 20],
)
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        key_from_file(file)
    assert "sdk_" not in str(caught.value).replace("sdk_...", "")


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing-key"):
        key_from_file(tmp_path / "missing-key")
    with pytest.raises(ConfigurationError, match="directory"):
        key_from_file(tmp_path)
