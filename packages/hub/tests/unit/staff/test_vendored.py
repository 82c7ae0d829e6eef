"""The style sheet that is not ours is the one that its README names."""

import base64
import hashlib
import re
from pathlib import Path

import staydown_hub.staff

(TABLER,) = (Path(staydown_hub.staff.__file__).parent / "static/staydown_hub/vendor").glob("tabler-*")


def test_it_is_unchanged() -> None:
    (named,) = re.findall(r"tabler\.min\.css: `sha512-([^`]+)`", (TABLER / "README.md").read_text())
    digest = hashlib.sha512((TABLER / "tabler.min.css").read_bytes()).digest()
    assert base64.b64encode(digest).decode() == named


def test_its_version_is_in_its_folder_s_name_and_in_use() -> None:
    version = TABLER.name.removeprefix("tabler-")
    assert f"Tabler v{version} " in (TABLER / "tabler.min.css").read_text()[:100]
    document = TABLER.parents[2] / ".." / "templates/staff/document.html"
    assert f"tabler-{version}/tabler.min.css" in document.read_text()


def test_its_licence_is_beside_it() -> None:
    assert "Permission is hereby granted, free of charge" in (TABLER / "LICENSE").read_text()


def test_it_loads_nothing() -> None:
    wanted = re.findall(r"url\(\s*[\"']?([^)\"']{0,5})|@import", (TABLER / "tabler.min.css").read_text())
    assert set(wanted) == {"data:"}
