"""Which platforms enforce a list and an entry of it, by the API: laggards first, and who never said anything."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.enforcement.models import Receipt
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.organisations.models import ApiKey

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.enforcement.receipts import receipt

OLD = timedelta(hours=2)


def age_entries(by: timedelta) -> None:
    """Make the entries that much older than they are."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE entry SET at = at - make_interval(secs => %s)", [by.total_seconds()])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")


def written(at: datetime) -> str:
    """Return a time as the API writes it, to the millisecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def enforcement(client: Client, member: Member, query: str = "") -> dict[str, Any]:
    answer = member.get(client, f"lists/main/enforcement{query}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_list_nobody_reported_about_names_who_owes_a_receipt(cast: Cast, client: Client) -> None:
    assert enforcement(client, cast.regulator) == {
        "list": "main",
        "size": 0,
        "filters": 0,
        "live": 0,
        "behind": 0,
        "refused": 0,
        "silent": 0,
        "organisations": [],
        "never_reported": ["another_platform", "carrier", "platform"],
        "entry": None,
    }


def test_laggards_come_first_with_how_far_they_are_behind(cast: Cast, client: Client) -> None:
    for name in ("a", "b", "c"):
        admitted_item(cast, name)
    age_entries(OLD)
    receipt(cast.platform, position=2)
    receipt(cast.platform, position=2, ago=timedelta(minutes=6))
    receipt(cast.another_platform, position=0, live_since=timezone.now() - 2 * OLD)
    receipt(
        cast.carrier, position=1, state="refused", problem="fork", state_since=timezone.now() - timedelta(minutes=3)
    )
    found = enforcement(client, cast.oversight)
    counts = {name: found[name] for name in ("size", "filters", "live", "behind", "refused", "silent")}
    assert counts == {"size": 3, "filters": 4, "live": 1, "behind": 1, "refused": 1, "silent": 1}
    assert found["never_reported"] == []
    first, second, third = found["organisations"]
    assert [one["organisation"] for one in (first, second, third)] == ["another_platform", "platform", "carrier"]
    assert (first["behind"], first["position"], first["entries_behind"]) == (1, 0, 2)
    assert OLD.total_seconds() <= first["late_s"] < OLD.total_seconds() + 60
    assert (second["live"], second["silent"], second["entries_behind"]) == (1, 1, 0)
    assert 360 <= second["late_s"] < 420
    assert (third["refused"], third["problems"], third["entries_behind"]) == (1, ["fork"], 1)
    assert 180 <= third["late_s"] < 240


def test_only_who_has_a_key_for_the_list_owes_a_receipt(cast: Cast, client: Client) -> None:
    ApiKey.objects.filter(organisation=cast.carrier.organisation).update(revoked_at=timezone.now())
    ApiKey.objects.filter(organisation=cast.another_platform.organisation).update(scopes=["report"])
    assert enforcement(client, cast.police)["never_reported"] == ["platform"]
    receipt(cast.platform, position=-1, ago=timedelta(days=29))
    assert enforcement(client, cast.police)["never_reported"] == []
    Receipt.objects.update(reported_at=timezone.now() - timedelta(days=31))
    found = enforcement(client, cast.police)
    assert (found["never_reported"], found["filters"]) == (["platform"], 0), "a filter that is long gone lags no more"


def test_an_entry_that_has_just_been_made_is_not_held_against_anybody(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    receipt(cast.platform, position=-1)
    (line,) = enforcement(client, cast.police)["organisations"]
    assert (line["live"], line["entries_behind"], line["late_s"]) == (1, 1, 0.0)


def test_an_entry_names_who_enforces_it_and_since_when(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    age_entries(OLD)
    admitted_item(cast, "b")
    became_live_at = timezone.now() - OLD / 2
    receipt(cast.platform, position=1, live_since=became_live_at)
    receipt(cast.another_platform, position=1, live_since=became_live_at)
    receipt(cast.another_platform, position=0, live_since=became_live_at)
    made_at = Entry.objects.get(position=1).at
    first = enforcement(client, cast.police, "?position=0")["entry"]
    assert [(one["organisation"], one["enforcing"], one["filters"]) for one in first["organisations"]] == [
        ("another_platform", 2, 2),
        ("platform", 1, 1),
    ]
    assert {one["since"] for one in first["organisations"]} == {written(became_live_at)}
    second = enforcement(client, cast.police, "?position=1")["entry"]
    assert second["at"] == written(made_at)
    another, platform = second["organisations"]
    assert (another["enforcing"], another["filters"], another["since"]) == (1, 2, None)
    assert (platform["enforcing"], platform["since"]) == (1, written(made_at))


def test_wrong_questions_are_refused(cast: Cast, client: Client) -> None:
    assert cast.police.get(client, "lists/nowhere/enforcement").status_code == 404
    assert cast.police.get(client, "lists/main/enforcement?position=0").status_code == 404
    for query in ("position=-1", "position=x", f"position={2**53}", "other=1"):
        assert cast.police.get(client, f"lists/main/enforcement?{query}").status_code == 422


def test_a_list_of_others_is_for_regulators_and_oversight_too(cast: Cast, client: Client) -> None:
    SharedList.objects.create(
        slug="inner", name="Inner", required_kinds=["police"], codes=["A1"], audience_kinds=["police", "platform"]
    )
    expected = {
        "police": 200,
        "regulator": 200,
        "oversight": 200,
        "support_centre": 404,
        "monitor": 404,
        "platform": 403,
    }
    for name, status in expected.items():
        assert cast.member(name).get(client, "lists/inner/enforcement").status_code == status, name
    assert AuditRecord.objects.filter(act="request refused").count() == 3


def test_it_costs_the_same_for_one_filter_and_for_many(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    costs = []
    for count in (1, 30):
        for _ in range(count):
            receipt(cast.platform, position=-1)
        with CaptureQueriesContext(connection) as captured:
            enforcement(client, cast.police)
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 9
