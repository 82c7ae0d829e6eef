"""A roll of organisations from TOML: read whole, or refused with the place of the mistake."""

import pytest
from staydown_hub.rules.roll import BadRollError, KeyLine, OrganisationLine, PersonLine, read_roll

GOOD = """
[[organisation]]
slug = "lantern"
name = "Lantern Support Centre"
kind = "support_centre"
domains = ["lantern.example", "127.0.0.1"]
abuse_mail = "abuse@lantern.example"
people = [{ email = "Ana@Lantern.example", role = "administrator" }, { email = "ben@lantern.example" }]
keys = [{ name = "client", scopes = ["report", "assess"] }]
"""


def test_a_roll_is_read() -> None:
    assert read_roll(GOOD) == (
        OrganisationLine(
            slug="lantern",
            name="Lantern Support Centre",
            kind="support_centre",
            domains=("lantern.example", "127.0.0.1"),
            abuse_mail="abuse@lantern.example",
            people=(PersonLine("ana@lantern.example", "administrator"), PersonLine("ben@lantern.example", "assessor")),
            keys=(KeyLine("client", ("report", "assess")),),
        ),
    )


def test_the_rest_may_be_left_out() -> None:
    [line] = read_roll('[[organisation]]\nslug = "a"\nname = "A"\nkind = "carrier"\n')
    assert (line.domains, line.abuse_mail, line.people, line.keys) == ((), "", (), ())


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('slug = "lantern"', "", "organisation 1: slug"),
        ('slug = "lantern"', 'slug = "Lantern!"', "organisation 1: slug"),
        ('slug = "lantern"', "slug = 5", "organisation 1: slug"),
        ('name = "Lantern Support Centre"', 'name = ""', "organisation 1: name"),
        ('name = "Lantern Support Centre"', 'name = "a\\u0000b"', "organisation 1: name"),
        ('"support_centre"', '"club"', "organisation 1: kind"),
        ('"support_centre"', '"platform"', "organisation 1, keys 1: scopes"),
        ('"lantern.example"', '"https://lantern.example"', "organisation 1: domains"),
        ('"lantern.example", "127.0.0.1"', "5", "organisation 1: domains"),
        ('"abuse@lantern.example"', '"nobody"', "organisation 1: abuse_mail"),
        ('"abuse@lantern.example"', '"a@b.example\\nBcc: c@d.example"', "organisation 1: abuse_mail"),
        ('"Ana@Lantern.example"', '"ana"', "organisation 1, people 1: email"),
        ('"administrator"', '"boss"', "organisation 1, people 1: role"),
        ('"report", "assess"', '"everything"', "organisation 1, keys 1: scopes"),
        ('{ name = "client", ', "{ ", "organisation 1, keys 1: name"),
        ("keys = [{", "keys = [5, {", "organisation 1: keys"),
        ("[[organisation]]", "[organisation]", "the file: organisation"),
        ("[[organisation]]", "[[organization]]", "the file: organization"),
        ('kind = "support_centre"', 'kind = "support_centre"\nkin = "x"', "organisation 1: kin"),
        ('kind = "support_centre"', "kind = ", "This is not TOML"),
    ],
)
def test_a_mistake_is_named_by_its_place(old: str, new: str, place: str) -> None:
    assert old in GOOD
    with pytest.raises(BadRollError) as caught:
        read_roll(GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(place)


def test_a_slug_is_given_once() -> None:
    with pytest.raises(BadRollError, match="the same slug"):
        read_roll(GOOD + GOOD)
