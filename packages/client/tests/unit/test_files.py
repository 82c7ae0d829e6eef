"""What is wrong with a file that cannot be read, in our words."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from staydown_client.cli.files import complain_of, problem_code
from staydown_match import fingerprint_file


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOENT, "missing"),
        (errno.ENOTDIR, "missing"),
        (errno.EISDIR, "folder"),
        (errno.EACCES, "unreadable"),
        (errno.EIO, "unreadable"),
        (errno.ENAMETOOLONG, "unreadable"),
    ],
)
def test_each_error_of_the_system_has_a_word(number: int, code: str) -> None:
    assert problem_code(OSError(number, "words")) == code


def test_a_device_is_no_file() -> None:
    with pytest.raises(OSError, match="not a regular file") as caught:
        fingerprint_file("/dev/zero")
    assert problem_code(caught.value) == "special"


def test_the_complaint_names_the_file_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    complain_of(Path("closed.jpg"), "unreadable", "Permission denied")
    assert (
        capsys.readouterr().err == "staydown: closed.jpg cannot be read. Check its permissions. (Permission denied)\n"
    )
