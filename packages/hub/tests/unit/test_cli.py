"""The command line: quick to start, strict in its words, and documented to the last option."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from staydown_hub.api.openapi import text
from staydown_hub.cli import main, parser

ROOT = Path(__file__).parents[4]
REFERENCE = (ROOT / "docs/reference/staydown-hub.md").read_text()


def commands(
    one: argparse.ArgumentParser, words: str = "staydown-hub"
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command with its parser."""
    groups = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield words, one
    for group in groups:
        for word, below in group.choices.items():
            yield from commands(below, f"{words} {word}")


EVERY = dict(commands(parser()))


@pytest.mark.parametrize("words", sorted(EVERY))
def test_every_command_is_documented(words: str) -> None:
    assert f"### `{words}" in REFERENCE, f"document `{words}` in docs/reference/staydown-hub.md"
    section = REFERENCE.split(f"### `{words}")[1].split("\n### ")[0]
    for action in EVERY[words]._actions:
        for option in action.option_strings:
            assert option in {"-h", "--help"} or f"`{option}" in section, f"document {option} of `{words}`"


def test_every_setting_is_documented() -> None:
    named = {word for word in (parser().epilog or "").split() if word.startswith(("STAYDOWN_", "DATABASE_URL"))}
    source = ROOT / "packages/hub/src/staydown_hub"
    read = {
        piece.split('"')[0]
        for path in source.rglob("*.py")
        for piece in path.read_text().split('("')[1:]
        if piece.startswith(("STAYDOWN_", "DATABASE_URL")) and piece.split('"')[0].replace("_", "").isalnum()
    }
    assert read <= named, "name each setting in `staydown-hub --help`"
    for name in named:
        assert f"`{name}`" in REFERENCE, f"document {name}"


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for words, one in EVERY.items():
        with pytest.raises(SystemExit) as ended:
            main([*words.split()[1:], "--help"])
        assert ended.value.code == 0
        assert one.description
        assert one.description in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize("words", [[], ["nonsense"], ["organisations"], ["figures", "--js"], ["up", "now"]])
def test_other_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: staydown-hub" in capsys.readouterr().err


def test_help_loads_no_framework() -> None:
    heavy = "{'django', 'granian', 'psycopg', 'pydantic'}"
    program = f"import sys, staydown_hub.cli as cli; cli.parser(); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_committed_api_description_is_the_present_one() -> None:
    committed = (ROOT / "docs/reference/openapi.json").read_text()
    assert committed == text(), "make it anew: staydown-hub openapi --out docs/reference/openapi.json"
