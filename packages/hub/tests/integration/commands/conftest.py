"""Running commands: in this process for what they say, as a real process for how they live and die."""

from collections.abc import Callable
from pathlib import Path

import pytest
from staydown_hub.cli import main

Run = Callable[..., "Said"]


class Said:
    """What a command printed, and its exit status."""

    def __init__(self, status: object, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def run(
    committed_db: None,
    postgres: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run `staydown-hub WORDS...` on the test database, with folders of its own."""
    del committed_db
    monkeypatch.setenv("DATABASE_URL", postgres)
    monkeypatch.setenv("STAYDOWN_SIGNING_FOLDER", str(tmp_path / "signing"))

    def act(*words: str) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capsys.readouterr()
        return Said(ended.value.code, said.out, said.err)

    return act
