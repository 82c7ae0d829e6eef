"""Who sees which list: its audience, and nobody else; not even that it is there."""

import pytest
from django.test import Client
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.models import SharedList

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item


@pytest.fixture
def carriers_only(cast: Cast) -> SharedList:
    del cast
    return SharedList.objects.create(
        slug="carriers",
        name="For carriers",
        required_kinds=["police"],
        codes=["A1"],
        audience_kinds=["carrier"],
    )


@pytest.mark.usefixtures("carriers_only")
def test_each_sees_its_lists(cast: Cast, client: Client) -> None:
    admitted_item(cast, "boat")
    main = {"slug": "main", "name": "Main list", "size": 1, "origin": "", "keys": []}
    other = {"slug": "carriers", "name": "For carriers", "size": 0, "origin": "", "keys": []}
    assert cast.platform.get(client, "lists").json() == {"lists": [main]}
    assert cast.carrier.get(client, "lists").json() == {"lists": [other, main]}
    assert cast.police.get(client, "lists").json() == {"lists": [main]}
    assert cast.oversight.get(client, "lists").json() == {"lists": []}


@pytest.mark.usefixtures("carriers_only")
def test_anothers_list_looks_as_if_it_were_not_there(cast: Cast, client: Client) -> None:
    body = {"position": 0, "reason": "The wrong file."}
    anothers = cast.police.post(client, "lists/carriers/withdrawals", body)
    nobodys = cast.police.post(client, "lists/no-such-list/withdrawals", body)
    assert (anothers.status_code, anothers.content) == (nobodys.status_code, nobodys.content) == (404, nobodys.content)
    row = AuditRecord.objects.get(act="request refused")
    assert row.organisation == cast.police.organisation.pk
    assert row.detail == '{"route":"/api/v1/lists/carriers/withdrawals","status":404}'


def test_an_item_goes_to_each_list_by_that_lists_own_rule(
    cast: Cast, client: Client, carriers_only: SharedList
) -> None:
    item = admitted_item(cast, "boat")
    assert not carriers_only.entries.exists()
    cast.police.post(
        client, "assessments", {"kind": "picture", "fingerprints": _prints(client, cast, item.pk), "code": "A1"}
    )
    cast.support_centre.post(
        client, "assessments", {"kind": "picture", "fingerprints": _prints(client, cast, item.pk), "code": "A1"}
    )
    assert [one.operation for one in carriers_only.entries.all()] == ["admit"]
    standing = cast.police.get(client, f"items/{item.pk}").json()["standing"]
    assert [one["list"] for one in standing["entries"]] == ["carriers", "main"]


def _prints(client: Client, cast: Cast, item_id: object) -> object:
    return cast.police.get(client, f"items/{item_id}").json()["fingerprints"]
