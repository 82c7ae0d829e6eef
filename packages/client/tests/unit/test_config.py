"""Where settings come from: the option first, then the environment, else a line that names both."""

from __future__ import annotations

from pathlib import Path

import pytest
from staydown_client.config import find_folder, find_hub
from staydown_client.errors import ConfigurationError


def test_the_option_comes_first() -> None:
    assert find_hub("https://a.example", environment={"STAYDOWN_HUB": "https://b.example"}) == "https://a.example"
    assert find_folder(Path("a"), environment={"STAYDOWN_FILTER": "b"}) == Path("a")


def test_then_the_environment() -> None:
    assert find_hub(None, environment={"STAYDOWN_HUB": "https://b.example"}) == "https://b.example"
    assert find_folder(None, environment={"STAYDOWN_FILTER": "b"}) == Path("b")


def test_a_missing_one_is_asked_for_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"--hub.*STAYDOWN_HUB"):
        find_hub(None, environment={"STAYDOWN_HUB": ""})
    with pytest.raises(ConfigurationError, match="STAYDOWN_FILTER"):
        find_folder(None, environment={})
