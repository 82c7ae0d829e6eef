"""Keys and witnesses from the command line, with keys in files and with a plug-in's."""

import json
import re
import shutil
import stat
from pathlib import Path

import pytest
from staydown_hub.audit.models import AuditRecord
from staydown_hub.sealing.memory import read_signed
from staydown_hub.sealing.notes import parse_note, parse_vkey

from packages.hub.tests.integration.commands.conftest import Run
from packages.hub.tests.integration.feed.witness import Signer

ROOT = Path(__file__).parents[5]
HOW_TO = (ROOT / "docs/how-to/signing-keys.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the signing folder that the commands use."""
    monkeypatch.setenv("STAYDOWN_SIGNING_FOLDER", str(tmp_path / "signing"))
    monkeypatch.setenv("STAYDOWN_LOG_ORIGIN", "hub.example")
    return tmp_path / "signing"


@pytest.fixture
def plug_in(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the provider of the how-to as a package that is installed, and return its file of keys."""
    installed = tmp_path / "site"
    described = installed / "mounted_keys-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: mounted-keys\nVersion: 1.0\n")
    (entry,) = re.findall(r'\[project\.entry-points\."(.+?)"\]\n(\w+) = "(.+?)"', HOW_TO)
    (described / "entry_points.txt").write_text(f"[{entry[0]}]\n{entry[1]} = {entry[2]}\n")
    (source,) = re.findall(r"```python\n(.+?)```", HOW_TO, re.DOTALL)
    (installed / "mounted_keys.py").write_text(source)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("STAYDOWN_SIGNING_PROVIDER", entry[1])
    monkeypatch.setenv("MOUNTED_KEYS_FILE", str(tmp_path / "mounted.json"))
    assert not folder.exists()
    return tmp_path / "mounted.json"


def _change_keys(run: Run, folder: Path) -> None:
    """Make, rotate and retire, and check what is told of it at each step."""
    first = run("keys", "make", "main").out.strip()
    assert parse_vkey(first).name == "hub.example/main"
    again = run("keys", "make", "main")
    assert (again.status, "keys rotate main" in again.err) == (2, True)
    second = run("keys", "rotate", "main").out.strip()
    told = json.loads(run("keys", "list", "--json").out)["keys"]
    assert [one["vkey"] for one in told] == [first, second]
    note = parse_note(told[1]["endorsement"])
    assert note.text == f"staydown key endorsement\nhub.example/main\n{second}\n"
    assert parse_vkey(first).verify(note.text.encode(), note.signatures[0].signature)
    assert read_signed(folder / "main").size == 0
    assert run("keys", "retire", "main", told[0]["key"]).status == 0
    last = run("keys", "retire", "main", told[1]["key"])
    assert (last.status, "only key" in last.err) == (2, True)
    assert [line.split()[2:] for line in run("keys", "list").out.splitlines()[1:]] == [["yes", second]]
    acts = AuditRecord.objects.filter(subject="list:main").order_by("pk").values_list("act", "detail")
    assert [act for act, _ in acts] == ["signing key made", "signing key rotated", "signing key retired"]
    assert json.loads(acts[0][1]) == {"key": told[0]["key"]}


def test_keys_in_files_are_made_changed_and_retired(run: Run, folder: Path) -> None:
    _change_keys(run, folder)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder / "main").iterdir()}
    assert (modes, stat.S_IMODE((folder / "main").stat().st_mode)) == ({0o600}, 0o700)


def test_a_plug_in_keeps_the_keys_somewhere_else(run: Run, folder: Path, plug_in: Path) -> None:
    _change_keys(run, folder)
    assert list((folder / "main").glob("*.key")) == []
    assert list(json.loads(plug_in.read_text())) == ["main"]


def test_a_plug_in_that_is_not_installed_is_named(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, plug_in: Path
) -> None:
    del folder, plug_in
    monkeypatch.setenv("STAYDOWN_SIGNING_PROVIDER", "vault")
    said = run("keys", "list")
    assert said.status == 2
    assert said.err == (
        "staydown-hub: STAYDOWN_SIGNING_PROVIDER must be one of those that are installed: file, mounted.\n"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("keys", "make", "nowhere"), "no list 'nowhere'"),
        (("keys", "rotate", "main"), "keys make main"),
        (("keys", "retire", "main", "12345678"), "no signing key with this id"),
        (("keys", "retire", "main", "../../x"), "eight digits"),
        (("keys", "witness", "remove", "w.example", "--list", "main"), "no witness w.example"),
        (("keys", "witness", "add", "w.example", "nonsense", "--list", "main"), "A key looks like"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(run: Run, folder: Path, words: tuple[str, ...], why: str) -> None:
    said = run(*words)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert why in said.err
    assert not folder.exists()


def test_witnesses_are_added_listed_and_removed(run: Run, folder: Path) -> None:
    witness = Signer("centre.example/w")
    added = run("keys", "witness", "add", witness.name, witness.vkey, "--list", "main")
    assert (added.status, added.out) == (0, "centre.example/w is a witness of list main.\n")
    assert json.loads(run("keys", "witness", "list", "--json").out)["witnesses"] == [
        {"list": "main", "name": witness.name, "vkey": witness.vkey, "size": None, "signed_at": None}
    ]
    for name, vkey, why in (
        (witness.name, Signer(witness.name).vkey, "already"),
        ("other.example", witness.vkey, "the key of centre.example/w"),
    ):
        said = run("keys", "witness", "add", name, vkey, "--list", "main")
        assert (said.status, why in said.err) == (2, True)
    logs_own = run("keys", "make", "main").out.strip()
    said = run("keys", "witness", "add", "hub.example/main", logs_own, "--list", "main")
    assert (said.status, "a log's key" in said.err) == (2, True)
    assert run("keys", "witness", "remove", witness.name, "--list", "main").status == 0
    assert len(run("keys", "witness", "list").out.splitlines()) == 1
    acts = AuditRecord.objects.filter(act__startswith="witness").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["witness added", "witness removed"]
    del folder


def test_a_signing_folder_that_was_brought_back_is_accepted_by_size(run: Run, folder: Path, tmp_path: Path) -> None:
    run("keys", "make", "main")
    shutil.copytree(folder, tmp_path / "backup")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    wrong = run("keys", "accept-restored", "main", "--size", "3")
    assert (wrong.status, "--size: 0 entries are remembered" in wrong.err) == (2, True)
    before = (folder / "main/signed.json").read_bytes()
    assert run("keys", "accept-restored", "main", "--size", "0").status == 0
    assert (folder / "main/signed.json").read_bytes() != before, "it says that it was written now"
    assert AuditRecord.objects.get(act="signing memory accepted").detail == '{"size":0}'


def test_a_list_is_exported_as_files(run: Run, folder: Path, tmp_path: Path) -> None:
    run("keys", "make", "main")
    told = json.loads(run("lists", "export", "main", str(tmp_path / "mirror"), "--json").out)
    assert (told["list"], told["size"]) == ("main", 0)
    assert (tmp_path / "mirror/checkpoint").read_text() == read_signed(folder / "main").note
    (tmp_path / "file").write_text("")
    refused = run("lists", "export", "main", str(tmp_path / "file" / "mirror"))
    assert (refused.status, "DIR:" in refused.err) == (2, True)
