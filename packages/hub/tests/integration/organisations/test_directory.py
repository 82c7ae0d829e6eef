"""The directory: who answers for a host, and who holds a key."""

import pytest
from django.db import DatabaseError, transaction
from staydown_hub.organisations import keys, queries, services
from staydown_hub.organisations.errors import UnknownOrganisationError
from staydown_hub.organisations.models import ApiKey, Organisation, Person

pytestmark = pytest.mark.django_db


def make(slug: str, *domains: str) -> Organisation:
    return services.make_organisation(slug=slug, name=slug, kind="platform", domains=domains)


@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("host.example", "host"),
        ("HOST.example.", "host"),
        ("www.host.example", "host"),
        ("deep.cdn.host.example", "cdn"),
        ("cdn.host.example", "cdn"),
        ("127.0.0.1", "local"),
        ("nothost.example", None),
        ("example", None),
        ("host.example.other", None),
        ("", None),
    ],
)
def test_the_nearest_domain_answers(host: str, slug: str | None) -> None:
    make("host", "host.example")
    make("cdn", "other.example", "cdn.host.example")
    make("local", "127.0.0.1")
    found = queries.organisation_answering_for(host)
    assert (found.slug if found else None) == slug


def test_of_two_that_name_the_same_domain_the_first_by_slug_answers() -> None:
    make("b", "host.example")
    make("a", "host.example")
    found = queries.organisation_answering_for("host.example")
    assert found is not None
    assert found.slug == "a"


def test_an_unknown_organisation_is_named() -> None:
    with pytest.raises(UnknownOrganisationError, match="nobody"):
        queries.organisation_called("nobody")


def test_the_last_use_of_a_key_is_noted_once_a_minute() -> None:
    made = keys.make_api_key(make("host"), name="a", scopes=["filter"])
    services.note_use(made.key.pk)
    first = ApiKey.objects.get().last_used_at
    services.note_use(made.key.pk)
    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


def test_only_a_tokens_hash_is_stored() -> None:
    made = keys.make_api_key(make("host"), name="a", scopes=["filter"])
    row = ApiKey.objects.values().get()
    assert made.token not in str(row)
    assert made.token not in repr(made)
    assert len(bytes(row["token_hash"])) == 32


def test_a_person_signs_in_by_mail_whatever_its_case() -> None:
    organisation = make("host")
    made = services.make_person(organisation, email="Ana@Host.example", role="assessor")
    assert Person.objects.get_by_natural_key("ANA@host.example") == made.person
    assert made.password not in repr(made)
    with pytest.raises(DatabaseError), transaction.atomic():
        Person.objects.create(email="ANA@host.example", organisation=organisation)


@pytest.mark.parametrize(("column", "value"), [("kind", "club"), ("slug", "host")])
def test_the_database_knows_the_kinds_and_slugs(column: str, value: str) -> None:
    make("host")
    with pytest.raises(DatabaseError), transaction.atomic():
        Organisation.objects.create(**{"slug": "other", "name": "x", "kind": "carrier", column: value})
