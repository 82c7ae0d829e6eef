"""The commands that act on the database: what they make, what they print, and how they refuse."""

import json
from pathlib import Path

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.organisations.models import ApiKey, Organisation, Person
from staydown_hub.organisations.queries import UnknownKeyError, caller_of

from packages.hub.tests.cast import make_cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.commands.conftest import Run

ROLL = """
[[organisation]]
slug = "lantern"
name = "Lantern Support Centre"
kind = "support_centre"
domains = ["lantern.example"]
abuse_mail = "abuse@lantern.example"
people = [{ email = "Ana@lantern.example" }]
keys = [{ name = "client", scopes = ["report", "assess"] }]

[[organisation]]
slug = "chirper"
name = "Chirper"
kind = "platform"
keys = [{ name = "filter", scopes = ["filter"] }]
"""


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    path = tmp_path / "roll.toml"
    path.write_text(ROLL)
    return path


def test_an_import_makes_everything_and_says_the_secrets_once(run: Run, roll: Path) -> None:
    first = run("organisations", "import", str(roll), "--json")
    assert first.status == 0
    made = {one["slug"]: one for one in json.loads(first.out)["organisations"]}
    token = made["lantern"]["keys"][0]["token"]
    assert caller_of(token).organisation.slug == "lantern"
    assert caller_of(token).scopes == {"report", "assess"}
    person = Person.objects.get(email="ana@lantern.example")
    assert person.check_password(made["lantern"]["people"][0]["password"])
    assert made["chirper"]["people"] == []
    again = run("organisations", "import", str(roll), "--json")
    assert json.loads(again.out) == {"organisations": []}
    assert (Organisation.objects.count(), Person.objects.count(), ApiKey.objects.count()) == (2, 1, 2)


def test_an_import_adds_what_is_new_to_what_exists(run: Run, roll: Path) -> None:
    run("organisations", "import", str(roll))
    roll.write_text(ROLL + '\n[[organisation]]\nslug = "news"\nname = "New"\nkind = "carrier"\n')
    said = run("organisations", "import", str(roll))
    assert "news: New (carrier)" in said.out
    assert "lantern" not in said.out
    assert Organisation.objects.count() == 3


def test_an_import_with_a_mistake_makes_nothing(run: Run, roll: Path) -> None:
    roll.write_text(ROLL.replace('"filter"]', '"everything"]'))
    said = run("organisations", "import", str(roll))
    assert said.status == 2
    assert said.err == (
        "staydown-hub: organisation 2, keys 1: scopes: an organisation of kind platform can never hold everything.\n"
    )
    assert not Organisation.objects.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"not toml"])
def test_an_import_of_something_else_is_refused_in_one_line(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "roll.toml"
    path.write_bytes(content)
    said = run("organisations", "import", str(path))
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("name", ["", "missing.toml"])
def test_an_import_of_nothing_is_refused_in_one_line(run: Run, tmp_path: Path, name: str) -> None:
    said = run("organisations", "import", str(tmp_path / name))
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "cannot be read" in said.err


def test_organisations_are_listed(run: Run, roll: Path) -> None:
    run("organisations", "import", str(roll))
    listed = json.loads(run("organisations", "list", "--json").out)["organisations"]
    assert [one["slug"] for one in listed] == ["chirper", "lantern"]
    assert listed[1]["domains"] == ["lantern.example"]
    assert "lantern  support_centre  Lantern Support Centre  lantern.example" in run("organisations", "list").out


def test_a_key_is_made_listed_without_its_secret_and_revoked(run: Run, roll: Path) -> None:
    run("organisations", "import", str(roll))
    token = run(
        "api-keys", "make", "lantern", "second", "--scope", "read", "--scope", "figures", "--days", "3"
    ).out.strip()
    assert caller_of(token).scopes == {"read", "figures"}
    listed = run("api-keys", "list").out + run("api-keys", "list", "--json").out
    secret = token.split("_", 2)[2]
    assert secret not in listed
    prefix = token.split("_")[1]
    assert prefix in listed
    assert run("api-keys", "revoke", prefix).out == f"{prefix} is revoked.\n"
    with pytest.raises(UnknownKeyError):
        caller_of(token)
    assert list(AuditRecord.objects.filter(act="key revoked").values_list("source", flat=True)) == ["command"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("make", "nobody", "x"), "There is no organisation 'nobody'"),
        (("make", "chirper", "x", "--scope", "read"), "kind platform can never hold: read"),
        (("make", "chirper", "filter"), "There is a key named 'filter' already"),
        (("make", "chirper", "x", "--days", "0"), "--days is a whole number"),
        (("revoke", "aaaaaaaa"), "There is no key with the prefix 'aaaaaaaa'"),
    ],
)
def test_a_key_command_that_cannot_be_is_refused(run: Run, roll: Path, words: tuple[str, ...], message: str) -> None:
    run("organisations", "import", str(roll))
    said = run("api-keys", *words)
    assert said.status == 2
    assert message in said.err
    assert said.err.count("\n") == 1


def test_the_audit_log_is_verified(run: Run, roll: Path) -> None:
    run("organisations", "import", str(roll))
    whole = json.loads(run("audit", "verify", "--json").out)
    assert (whole["whole"], whole["problems"]) == (True, [])
    assert run("audit", "verify", "--known-head", whole["head"]).status == 0
    assert run("audit", "verify", "--known-head", f"0:{'00' * 32}").status == 1
    assert run("audit", "verify", "--known-head", "nonsense").status == 2
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_record DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_record SET act = 'nothing' WHERE id = (SELECT min(id) FROM audit_record)")
        cursor.execute("ALTER TABLE audit_record ENABLE TRIGGER USER")
    broken = run("audit", "verify")
    assert broken.status == 1
    assert broken.err == "staydown-hub: the audit log: position 0 was changed after it was sealed\n"


def test_the_figures(run: Run) -> None:
    admitted_item(make_cast(), "boat", urls=["https://host.example/boat.jpg"])
    figures = json.loads(run("figures", "--json").out)
    assert figures == {
        "items": 1,
        "entries_in_force": 1,
        "assessments": 2,
        "notices": 0,
        "requests": {"unaddressed": 1},
        "removed": 0,
        "median_seconds_to_removal": None,
        "matches": 0,
        "disputes": 0,
        "matches_by_day": [],
        "admissions": 1,
        "rulings": {
            "by_state": {},
            "overdue": 0,
            "wrong_entries": 0,
            "share_wrong": 0.0,
            "median_hours_to_ruling": None,
        },
    }
    assert "requests unaddressed       1" in run("figures").out


def test_an_unforeseen_failure_says_where_and_not_what(run: Run, roll: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("https://host.example/secret.jpg")

    monkeypatch.setattr("staydown_hub.organisations.importing.import_roll", fail)
    said = run("organisations", "import", str(roll))
    assert said.status == 2
    assert "builtins.ValueError" in said.err
    assert "in bring_in" in said.err
    assert "secret" not in said.err
