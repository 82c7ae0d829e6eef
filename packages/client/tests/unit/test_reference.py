"""The reference names every command, option, setting and word of the command line; nothing goes undocumented."""

from __future__ import annotations

import argparse
import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

import pytest
from staydown_client import Policy, Rule
from staydown_client.choices import POLICY_NAME, read_choices
from staydown_client.cli.files import KNOWN_CODES
from staydown_client.cli.parser import make_parser
from staydown_client.config import FILTER_VARIABLE, HUB_VARIABLE
from staydown_client.folder import KEY_NAME, LOCK_NAME, SETTINGS_NAME, STORE_NAME
from staydown_client.hub import Status
from staydown_client.key import KEY_VARIABLE
from staydown_client.local.flood import FloodSettings
from staydown_client.local.outbox import MatchSettings
from staydown_client.local.store import LOCAL_NAME
from staydown_client.sidecar.settings import TOKEN_VARIABLE
from staydown_client.verdict import Action
from staydown_client.witness import folder as witness_folder
from staydown_client.witness.record import RECORD_NAME

from packages.client.tests.conftest import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTS = HERE.parents[2] / "docs" / "reference"
REFERENCE = (DOCUMENTS / "staydown.md").read_text()
POLICY = (DOCUMENTS / "policy.md").read_text()


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield every command that runs something."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield parser
    for action in inner:
        for child in action.choices.values():
            yield from commands(child)


COMMANDS = {command.prog: command for command in commands(make_parser())}


def section_of(prog: str) -> str:
    found = re.search(rf"^## {re.escape(prog)}\n(.*?)(?=^## |\Z)", REFERENCE, re.DOTALL | re.MULTILINE)
    assert found, f"docs/reference/staydown.md has no section '{prog}'"
    return found[1]


def test_the_commands_are_those_that_were_promised() -> None:
    assert set(COMMANDS) == {
        "staydown filter init",
        "staydown filter sync",
        "staydown filter check",
        "staydown filter status",
        "staydown filter silence",
        "staydown filter unsilence",
        "staydown filter flood",
        "staydown filter serve",
        "staydown filter watch",
        "staydown fingerprint",
        "staydown report",
        "staydown assess",
        "staydown witness init",
        "staydown witness run",
        "staydown log checkpoint",
        "staydown log prove",
        "staydown log verify",
    }


@pytest.mark.parametrize("prog", sorted(COMMANDS))
def test_every_option_is_in_its_commands_synopsis(prog: str) -> None:
    synopsis = section_of(prog).strip().splitlines()[0]
    assert synopsis.startswith(f"    {prog} ".strip())
    for action in COMMANDS[prog]._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        shown = action.option_strings[-1] if action.option_strings else str(action.metavar)
        assert shown in synopsis


@pytest.mark.parametrize("prog", sorted(COMMANDS))
def test_no_synopsis_promises_an_option_that_is_not_there(prog: str) -> None:
    known = {option for action in COMMANDS[prog]._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z-]+", section_of(prog).strip().splitlines()[0])) <= known


@pytest.mark.parametrize(
    "word",
    sorted(
        {
            KEY_VARIABLE,
            HUB_VARIABLE,
            FILTER_VARIABLE,
            TOKEN_VARIABLE,
            KEY_NAME,
            LOCK_NAME,
            SETTINGS_NAME,
            STORE_NAME,
            LOCAL_NAME,
            POLICY_NAME,
            witness_folder.SETTINGS_NAME,
            witness_folder.SIGNING_KEY_NAME,
            witness_folder.LOCK_NAME,
            RECORD_NAME,
        }
        | {"featureless", "never_synced", "list_old", "list_unreadable"}
        | set(get_args(Action))
        | set(get_args(Status))
        | set(KNOWN_CODES)
    ),
)
def test_every_setting_file_action_and_problem_is_explained(word: str) -> None:
    assert f"`{word}`" in REFERENCE


@pytest.mark.parametrize("table", [Policy, FloodSettings, MatchSettings, Rule])
def test_every_setting_of_the_policy_is_explained(table: Any) -> None:  # noqa: ANN401 - any dataclass
    for name in (setting.name for setting in fields(table)):
        assert re.search(rf"`{name}`|^{name} = ", POLICY, re.MULTILINE), name


def test_the_example_in_the_policys_reference_is_one() -> None:
    [example] = re.findall(r"```toml\n(.*?)```", POLICY, re.DOTALL)
    assert len(read_choices(tomllib.loads(example)).policy.rules) == 2


def test_no_section_describes_a_command_that_is_not_there() -> None:
    assert set(re.findall(r"^## (staydown .*)$", REFERENCE, re.MULTILINE)) == set(COMMANDS)
