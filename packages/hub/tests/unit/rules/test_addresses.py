"""One spelling for one place: what is taken, what becomes of it, what is never changed, and what is refused."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.rules.addresses import (
    KINDS,
    MAX_URL_CHARACTERS,
    BadAddressError,
    is_acted_on,
    parse_address,
    parse_ed2k,
    parse_infohash,
    parse_object,
)

UNCHANGED = [
    "https://host.example/a.jpg",
    "http://host.example/a.jpg",
    "http://host.example/",
    "http://host.example:8080/",
    "http://127.0.0.1:8000/a",
    "http://[::1]:8000/a",
    "https://www.host.example/",
    "https://a_b.example/",
    "https://xn--bcher-kva.example/",
    "https://host.example/A/a/",
    "https://host.example//a//b",
    "https://host.example/a;b=c",
    "https://host.example/a%2Fb%20c",
    "https://host.example/a?b=1&a=2&b=1&&",
    "https://host.example/?q=A%26b",
    "https://host.example/a?id=5&ref=x&source=y&si=z&utm=1&xutm_source=2",
    "https://host.example/?next=https://other.example/?utm_source=x",
    "https://host.example/#!/photo/17",
    "https://host.example/file/abc#KeyWithoutWhichNobodySees",
    "https://host.example/100%",
    "https://host.example/%%35%35",
    "https://host.example/?q=%zz&r=%7e",
    "https://host.example/" + "a" * (MAX_URL_CHARACTERS - 21),
]

SPELLED = [
    ("HTTPS://Host.EXAMPLE/A.jpg", "https://host.example/A.jpg"),
    ("http://host.example", "http://host.example/"),
    ("http://host.example?a=b", "http://host.example/?a=b"),
    ("http://host.example./", "http://host.example/"),
    ("http://host.example:80/", "http://host.example/"),
    ("https://host.example:443/", "https://host.example/"),
    ("https://host.example:00443/", "https://host.example/"),
    ("http://host.example:443/", "http://host.example:443/"),
    ("https://bücher.example/ü?ä=ö#é", "https://xn--bcher-kva.example/%C3%BC?%C3%A4=%C3%B6#%C3%A9"),
    ("https://BÜCHER。example/", "https://xn--bcher-kva.example/"),
    ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]/"),
    ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    ("http://0x7f.1/", "http://127.0.0.1/"),
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://0177.0.0.01/", "http://127.0.0.1/"),
    ("http://\uff11\uff12\uff17.0.0.1/", "http://127.0.0.1/"),
    ("https://host.example/a/./b/../c", "https://host.example/a/c"),
    ("https://host.example/a/%2e%2E/b", "https://host.example/b"),
    ("https://host.example/../../a/..", "https://host.example/"),
    ("https://host.example/%7Ea%2fb%c3%bc", "https://host.example/~a%2Fb%C3%BC"),
    ("https://host.example/a<b>", "https://host.example/a%3Cb%3E"),
    ("https://host.example/?#", "https://host.example/"),
    ("https://host.example/?utm_source=a&utm_Campaign=b", "https://host.example/"),
    ("https://host.example/a?id=1&GCLID=x&fbclid=y&page=2", "https://host.example/a?id=1&page=2"),
    ("https://host.example/a?%75tm_source=x&id=1", "https://host.example/a?id=1"),
    ("https://host.example/a?fbclid&id=1#top", "https://host.example/a?id=1#top"),
]


def onion(key: bytes) -> str:
    """Return the v3 address of a made-up service key (nobody has its other half), as the specification makes it."""
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


SERVICE = onion(bytes(range(32)))


@pytest.mark.parametrize("url", UNCHANGED)
def test_what_is_never_changed(url: str) -> None:
    assert parse_address(url).text == url


@pytest.mark.parametrize(("url", "spelled"), SPELLED)
def test_one_spelling(url: str, spelled: str) -> None:
    found = parse_address(url)
    assert found.text == spelled
    assert found == parse_address(spelled)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTP://Host.Example:81/A.jpg?b=c#d", "host.example"),
        ("http://[2001:DB8:0:0::1]/", "2001:db8::1"),
        ("https://bücher.example/ü", "xn--bcher-kva.example"),
    ],
)
def test_the_host_stands_alone(url: str, host: str) -> None:
    assert parse_address(url).host == host


@pytest.mark.parametrize(
    "url",
    [
        "http://1.2.3.4.5/",
        "http://256.1.1.1/",
        "http://1.2.3.0400/",
        "http://4294967296/",
        "http://08.1.1.1/",
        "http://a.1/",
        "https://faß.example/",
        "https://FAẞ.example/",
        "https://ς.example/",
        "https://host.example../",
        "https://h%6Fst.example/",
    ],
)
def test_a_host_that_leads_to_two_places_is_refused(url: str) -> None:
    with pytest.raises(BadAddressError):
        parse_address(url)


def test_a_hidden_service_is_known_for_one() -> None:
    for url in (f"http://{SERVICE}/", f"http://www.{SERVICE}/", "http://made-up.i2p/"):
        found = parse_address(url.upper().replace("HTTP", "http"))
        assert found.kind == "hidden_service"
        assert found.text == url
    assert parse_address("https://onion.example/").kind == "web"


@pytest.mark.parametrize(
    "host",
    [
        "onion",
        "a.onion",
        "expyuzz4wqqyqhjn.onion",
        ("b" if SERVICE[0] != "b" else "c") + SERVICE[1:],
        SERVICE[1:],
        "a" + SERVICE,
        base64.b32encode(bytes(34) + b"\x02").decode().lower() + ".onion",
        "0" + SERVICE[1:],
        SERVICE + ".onion",
    ],
)
def test_an_onion_address_with_a_wrong_letter_is_refused(host: str) -> None:
    with pytest.raises(BadAddressError, match="onion"):
        parse_address(f"http://{host}/")


V1, V2 = hashlib.sha1(b"x", usedforsecurity=False).digest(), hashlib.sha256(b"x").digest()


@pytest.mark.parametrize(
    ("text", "kind", "spelled"),
    [
        (V1.hex(), "infohash_v1", V1.hex()),
        (V1.hex().upper(), "infohash_v1", V1.hex()),
        (base64.b32encode(V1).decode(), "infohash_v1", V1.hex()),
        (base64.b32encode(V1).decode().lower(), "infohash_v1", V1.hex()),
        (V2.hex(), "infohash_v2", V2.hex()),
        ("1220" + V2.hex(), "infohash_v2", V2.hex()),
    ],
)
def test_an_infohash_in_all_its_forms(text: str, kind: str, spelled: str) -> None:
    found = parse_infohash(text)
    assert (found.kind, found.text, found.host) == (kind, spelled, None)
    assert parse_infohash(found.text) == found


@pytest.mark.parametrize(
    "text", ["", "a", V1.hex()[:-1], V1.hex() + "0", "1" * 32, "1114" + V2.hex(), "g" * 40, "magnet:?xt=" + V1.hex()]
)
def test_what_is_no_infohash(text: str) -> None:
    with pytest.raises(BadAddressError):
        parse_infohash(text)


def test_an_ed2k_hash() -> None:
    assert parse_ed2k("ABCDEF0123456789" * 2).text == "abcdef0123456789" * 2
    for wrong in ("", "a" * 31, "g" * 32, "ed2k://|file|x|1|" + "a" * 32 + "|/"):
        with pytest.raises(BadAddressError):
            parse_ed2k(wrong)


def test_a_platforms_object() -> None:
    found = parse_object(platform="Photos.Example.", identifier="Ab-1/ä".replace("ä", "%C3%A4"))
    assert (found.kind, found.host, found.text) == ("object", "photos.example", "photos.example Ab-1/%C3%A4")
    for platform, identifier in (
        ("", "1"),
        ("a b", "1"),
        ("https://photos.example", "1"),
        ("photos.example", ""),
        ("photos.example", "a b"),
        ("photos.example", "ä"),
        ("photos.example", "1" * 201),
        ("photos.example", "https://photos.example/1"),
    ):
        with pytest.raises(BadAddressError):
            parse_object(platform=platform, identifier=identifier)


def test_only_the_open_web_is_acted_on() -> None:
    assert [kind for kind in KINDS if is_acted_on(kind)] == ["web"]


def test_an_address_is_not_printed() -> None:
    assert "host.example" not in repr(parse_address("https://host.example/"))


def test_a_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(BadAddressError) as caught:
        parse_address("ftp://host.example/")
    assert "host.example" not in str(caught.value)


PIECES = st.lists(
    st.sampled_from([*"%25eE./?&=#<a", "..", "utm_", "gclid", "%2e", "é", "😀"]),
    max_size=14,
).map("".join)


@given(
    st.one_of(PIECES, st.text(max_size=60)), st.sampled_from(["", "http://", "http://h.example/", "https://h.example"])
)
def test_any_text_is_spelled_in_one_way_or_refused(text: str, start: str) -> None:
    try:
        found = parse_address(start + text)
    except BadAddressError:
        return
    assert parse_address(found.text) == found
    assert found.text.isascii()
    assert found.host is not None
    assert found.host == found.host.lower()
    assert not set(found.host) & set("/@\\ \t?#")
