"""The root command: explains itself, and names what is missing with the command that installs it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAYDOWN = ROOT / "staydown"


def _run(script: Path, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": str(path)} if path else dict(os.environ)
    return subprocess.run(
        [shutil.which("bash") or "bash", script, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_help_explains_every_command_in_a_screen() -> None:
    done = _run(STAYDOWN, "--help")
    assert done.returncode == 0
    for command in ("demo", "up", "test", "check", "bench", "lock", "hub", "filter", "fingerprint", "report", "assess"):
        assert f"./staydown {command}" in done.stdout
    assert len(done.stdout.splitlines()) <= 30
    assert max(len(line) for line in done.stdout.splitlines()) <= 124


@pytest.fixture
def bare(tmp_path: Path) -> tuple[Path, Path]:
    """Return a copy of the script in a folder that was never set up, and a PATH with only what every Debian has."""
    script = tmp_path / "clone" / "staydown"
    script.parent.mkdir()
    shutil.copy(STAYDOWN, script)
    path = tmp_path / "bin"
    path.mkdir()
    for tool in (
        "bash",
        "dirname",
        "readlink",
        "find",
        "sort",
        "xargs",
        "sha256sum",
        "cut",
        "cat",
        "id",
        "stat",
        "tail",
        "flock",
    ):
        found = shutil.which(tool)
        assert found, tool
        (path / tool).symlink_to(found)
    return script, path


def test_missing_python_is_named_with_its_remedy(bare: tuple[Path, Path]) -> None:
    script, path = bare
    done = _run(script, "demo", path=path)
    assert done.returncode == 2
    assert "python3 is missing" in done.stderr
    assert "apt install python3" in done.stderr


@pytest.mark.parametrize(
    ("refuses", "remedy"),
    [
        ("sys.version_info", "3.11 or newer is needed"),
        ("import ensurepip", "apt install python3-venv"),
        ("Python.h", "apt install python3-dev"),
    ],
)
def test_unfit_python_is_named_with_its_remedy(bare: tuple[Path, Path], refuses: str, remedy: str) -> None:
    script, path = bare
    python = path / "python3"
    python.write_text(f'#!/bin/sh\ncase "$*" in *"{refuses}"*) exit 1;; esac\nexit 0\n')
    python.chmod(0o755)
    done = _run(script, "demo", path=path)
    assert done.returncode == 2
    assert remedy in done.stderr


def test_missing_compiler_is_named_with_its_remedy(bare: tuple[Path, Path]) -> None:
    script, path = bare
    (path / "python3").symlink_to("/bin/true")
    done = _run(script, "demo", path=path)
    assert done.returncode == 2
    assert "g++ is missing. Install it: apt install g++" in done.stderr


def test_a_half_made_environment_is_made_again(bare: tuple[Path, Path]) -> None:
    """As Ctrl-C leaves it: a folder with an interpreter, but without what comes after it."""
    script, path = bare
    half_made = script.parent / ".venv" / "bin" / "python"
    half_made.parent.mkdir(parents=True)
    half_made.write_text("#!/bin/sh\nexit 1\n")
    half_made.chmod(0o755)
    python = path / "python3"
    python.write_text('#!/bin/sh\ncase "$*" in "-m venv"*) echo "making $3" >&2; exit 1;; esac\nexit 0\n')
    python.chmod(0o755)
    for tool in ("rm", "touch", "g++", "sed"):
        (path / tool).symlink_to(shutil.which(tool) or "/bin/true")
    done = _run(script, "fingerprint", path=path)
    assert done.returncode == 2
    assert f"making {script.parent / '.venv'}" in done.stderr
    assert not half_made.exists()


def test_two_first_uses_at_once_wait_for_each_other(bare: tuple[Path, Path]) -> None:
    """The environment is made once: the second waits, and finds it made."""
    script, path = bare
    python = path / "python3"
    python.write_text(
        "#!/bin/sh\n"
        'case "$*" in "-m venv"*)\n'
        'echo "making" >&2; mkdir -p "$3/bin"; sleep 1; ln -s /bin/true "$3/bin/python";; esac\n'
    )
    python.chmod(0o755)
    for tool in ("rm", "touch", "g++", "mkdir", "sleep", "ln"):
        (path / tool).symlink_to(shutil.which(tool) or "/bin/true")
    (script.parent / "requirements").mkdir()
    environment = {**os.environ, "PATH": str(path)}
    bash = shutil.which("bash") or "bash"
    both = [
        subprocess.Popen([bash, script, "fingerprint"], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=30)[1] for process in both]
    assert sum(text.count("making\n") for text in said) == 1
