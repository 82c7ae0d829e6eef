"""Tokens: their form, their hash, and that nothing prints one."""

import hashlib
import re

import pytest
from staydown_hub.rules.keys import bearer_token, hash_token, make_token, prefix_of, same_hash


def test_a_token_has_its_form_and_only_its_hash_is_kept() -> None:
    made = make_token()
    assert re.fullmatch(r"sdk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}", made.token)
    assert prefix_of(made.token) == made.prefix
    assert made.token_hash == hashlib.sha256(made.token.encode()).digest() == hash_token(made.token)


def test_tokens_differ() -> None:
    assert len({make_token().token for _ in range(200)}) == 200


def test_a_token_is_not_printed() -> None:
    made = make_token()
    assert made.token not in repr(made)
    assert made.token_hash.hex() not in repr(made)


def test_only_the_same_token_matches() -> None:
    made = make_token()
    assert same_hash(made.token, made.token_hash)
    assert not same_hash(made.token + "x", made.token_hash)
    assert not same_hash(make_token().token, made.token_hash)


GOOD = "sdk_abcdefgh_" + "A" * 43


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sdk_abcdefgh_",
        "sdk_abcdefgh_" + "A" * 42,
        "sdk_abcdefgh_" + "A" * 44,
        "sdk_ABCDEFGH_" + "A" * 43,
        "sdk_abcdefg_" + "A" * 43,
        "key_abcdefgh_" + "A" * 43,
        GOOD + "\n",
        " " + GOOD,
        "sdk_abcdefgh_" + "ä" * 43,
    ],
)
def test_another_form_is_no_token(text: str) -> None:
    assert prefix_of(text) is None


@pytest.mark.parametrize("header", [f"Bearer {GOOD}", f"bearer {GOOD}", f"BEARER  {GOOD} "])
def test_a_bearer_header_is_read(header: str) -> None:
    assert bearer_token(header) == GOOD


@pytest.mark.parametrize("header", [None, "", GOOD, f"Basic {GOOD}", "Bearer", "Bearer x", f"Bearer {GOOD} {GOOD}"])
def test_another_header_is_none(header: str | None) -> None:
    assert bearer_token(header) is None
