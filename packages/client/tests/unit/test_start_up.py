"""Heavy parts load only for the command that needs them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "urllib3", "staydown_match", "sqlite3", "PIL", "http.client", "ssl"}


def loaded_by(statement: str) -> set[str]:
    code = f"import sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"], ["filter", "check", "--help"], ["report"]])
def test_help_and_usage_load_nothing_heavy(arguments: list[str]) -> None:
    loaded = loaded_by(f"from staydown_client.cli.main import main; main({arguments!r})")
    assert "staydown_client.cli.parser" in loaded
    assert loaded & HEAVY == set()


def test_the_package_itself_loads_nothing_heavy() -> None:
    assert loaded_by("import staydown_client") & HEAVY == set()


def test_a_filter_synced_by_another_process_loads_no_http() -> None:
    loaded = loaded_by("from staydown_client import Filter, Policy, Verdict")
    assert "staydown_match" in loaded
    assert loaded & {"urllib3", "http.client"} == set()


def test_every_public_name_loads() -> None:
    statement = "import staydown_client; [getattr(staydown_client, name) for name in staydown_client.__all__]"
    assert "staydown_client.following" in loaded_by(statement)
