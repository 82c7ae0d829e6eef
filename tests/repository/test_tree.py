"""What the repository itself promises: no unfinished work, no machine's paths, no media, no lock with addresses."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", r"\bHA" + r"CK\b", "NotImplemented" + "Error"])
)
_MEDIA = {
    ".jpg",
    ".jpeg",
    ".png",
    ".gif",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".avif",
    ".mp4",
    ".mkv",
    ".webm",
    ".mov",
}
_ADDRESSES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian\.org"])
)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> list[tuple[Path, str]]:
    vendored = [path for path in _tracked() if "vendor" not in path.parts]
    return [(path, path.read_text(errors="replace")) for path in vendored]


def test_nothing_is_left_for_later() -> None:
    assert [
        path.name
        for path, text in _texts()
        if path.suffix in {".py", ".cpp", ".h", ".hpp"} and _UNFINISHED.search(text)
    ] == []


def test_no_registry_is_named() -> None:
    assert [path.name for path, text in _texts() if _ADDRESSES.search(text)] == []


def test_no_media_is_kept() -> None:
    assert [path.name for path in _tracked() if path.suffix.lower() in _MEDIA] == []


def test_the_lock_with_addresses_is_not_committed() -> None:
    assert "uv.lock" not in {path.name for path in _tracked()}
