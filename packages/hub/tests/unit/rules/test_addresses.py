"""Which addresses are taken, and what their host is; what is refused is in the API's own test of bad input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_hub.rules.addresses import MAX_URL_CHARACTERS, BadAddressError, parse_address


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://host.example/a.jpg", "host.example"),
        ("HTTP://Host.Example/A.jpg?b=c#d", "host.example"),
        ("http://host.example", "host.example"),
        ("http://host.example.:8080/", "host.example"),
        ("http://127.0.0.1:8000/a", "127.0.0.1"),
        ("http://[::1]:8000/a", "::1"),
        ("http://[2001:DB8:0:0::1]/", "2001:db8::1"),
        ("https://bücher.example/ü", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://a_b.example/", "a_b.example"),
        ("https://host.example/" + "a" * (MAX_URL_CHARACTERS - 21), "host.example"),
    ],
)
def test_a_plain_address_is_taken_as_it_is(url: str, host: str) -> None:
    found = parse_address(url)
    assert (found.url, found.host) == (url, host)


def test_an_address_is_not_printed() -> None:
    assert "host.example" not in repr(parse_address("https://host.example/"))


def test_a_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(BadAddressError) as caught:
        parse_address("ftp://host.example/")
    assert "host.example" not in str(caught.value)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "https://host.example"]))
def test_any_text_is_taken_whole_or_refused(text: str, start: str) -> None:
    try:
        found = parse_address(start + text)
    except BadAddressError:
        return
    assert found.url == start + text
    assert found.host == found.host.lower()
    assert found.host.isascii()
    assert not set(found.host) & set("/@\\ \t?#")
