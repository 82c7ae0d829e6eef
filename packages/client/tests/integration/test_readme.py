"""What the README, the reference and the help show works as it is shown."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from staydown_client.cli.parser import make_parser
from staydown_client.sync import opened

from packages.client.tests.conftest import HERE, Body, LoopbackHub, admit, photograph

if TYPE_CHECKING:
    from pathlib import Path

    from staydown_client.folder import Folder

README = (HERE.parent / "README.md").read_text()
SHOWN = (README, make_parser().format_help())
COMMANDS = sorted(
    {found for text in SHOWN for found in re.findall(r"^(?:\$ |  )(staydown [^\n]*)$", text, re.MULTILINE)}
)


def test_the_five_lines_block_a_re_upload(folder: Folder, hub: LoopbackHub, cat: Path, cat_wire: list[Body]) -> None:
    hub.publish(admit(1, *cat_wire))
    with opened(folder) as syncing:
        syncing.catch_up(lambda _progress: None)
    [block] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(block.strip().splitlines()) == 5
    for picture, accepted in ((cat, False), (photograph("coffee.png"), True)):
        code = block.replace("/var/lib/staydown/filter", str(folder.path)).replace("upload.jpg", str(picture))
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102 - our own README
        assert names["accept"] is accepted
        names["uploads"].close()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_is_one(command: str) -> None:
    words = shlex.split(command.removesuffix("&"))
    assert make_parser().parse_args(words[1:]).runs


def test_the_newcomers_commands_are_among_them() -> None:
    assert {" ".join(command.split()[:3]) for command in COMMANDS} >= {
        "staydown filter init",
        "staydown filter sync",
        "staydown filter check",
    }
