"""Ranges, ETags and codings as callers write them."""

import pytest
from staydown_hub.feed.ranges import UnsatisfiableRangeError, accepts, names, parse_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=10-", (10, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=0-0", (0, 1)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-0", None),
        ("bytes=0-1,3-4", None),
        ("items=0-9", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range(header: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_beyond_the_end(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        parse_range(header, 100)


def test_etags() -> None:
    assert names('"a", "b"', '"b"')
    assert names('W/"b"', '"b"')
    assert names("*", '"b"')
    assert not names(None, '"b"')
    assert not names('"ab"', '"b"')


def test_codings() -> None:
    assert accepts("gzip, zstd;q=0.5", "zstd")
    assert accepts("ZSTD", "zstd")
    assert not accepts("zstd;q=0", "zstd")
    assert not accepts("zstd; q=0.00", "zstd")
    assert not accepts("gzip", "zstd")
    assert not accepts(None, "zstd")
