"""Looking at an address: real hosts on loopback, kind and hostile ones."""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from staydown_hub.takedowns import looking
from staydown_hub.takedowns.looking import Look, look_at

from packages.hub.tests.integration.takedowns.hosts import Host, drip, raw_host, say, web_host

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture
def host() -> Iterator[Host]:
    with web_host() as running:
        yield running


@pytest.mark.parametrize(
    ("status", "look"),
    [
        (200, Look("up", 200)),
        (204, Look("up", 204)),
        (403, Look("unclear", 403)),
        (429, Look("unclear", 429)),
        (500, Look("unclear", 500)),
        (503, Look("unclear", 503)),
    ],
)
def test_one_head_request_says_it(host: Host, status: int, look: Look) -> None:
    host.answers["HEAD"] = status
    assert look_at(host.url("/a%20b?c=d&e#f"), allowed=LOOPBACK) == look
    [asked] = host.asked
    assert (asked.method, asked.path) == ("HEAD", "/a%20b?c=d&e")
    assert asked.headers["Host"] == f"127.0.0.1:{host.port}"
    assert not {"Cookie", "Referer", "Authorization"} & set(asked.headers)


@pytest.mark.parametrize("status", [404, 410, 451])
def test_gone_is_what_get_says_too(host: Host, status: int) -> None:
    host.answers |= {"HEAD": status, "GET": status}
    assert look_at(host.url(), allowed=LOOPBACK) == Look("gone", status)
    assert [asked.method for asked in host.asked] == ["HEAD", "GET"]


def test_a_host_that_finds_nothing_for_head_only_is_not_believed(host: Host) -> None:
    host.answers |= {"HEAD": 404, "GET": 200}
    assert look_at(host.url(), allowed=LOOPBACK) == Look("up", 200)


@pytest.mark.parametrize("refusal", [405, 501])
def test_a_host_without_head_is_asked_with_get_and_hung_up_on(host: Host, refusal: int) -> None:
    host.answers["HEAD"] = refusal
    assert look_at(host.url(), allowed=LOOPBACK) == Look("up", 200)
    assert host.asked[1].headers["Range"] == "bytes=0-0"
    time.sleep(0.2)
    # The host ignores the range and would send 20 MB: only what its kernel and ours had in hand is under way.
    assert host.body_bytes_sent < 1_000_000


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(host: Host, status: int) -> None:
    with web_host() as elsewhere:
        host.answers["HEAD"] = status
        host.headers["Location"] = elsewhere.url()
        assert look_at(host.url(), allowed=LOOPBACK) == Look("moved", status)
        assert elsewhere.asked == []


def test_no_cookie_is_kept(host: Host) -> None:
    host.headers["Set-Cookie"] = "seen=1"
    look_at(host.url(), allowed=LOOPBACK)
    look_at(host.url(), allowed=LOOPBACK)
    assert len(host.asked) == 2
    assert not any("Cookie" in asked.headers for asked in host.asked)


def test_no_proxy_of_the_environment_is_used(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_host() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        assert look_at(host.url(), allowed=LOOPBACK) == Look("up", 200)
        assert proxy.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "0.0.0.0",  # noqa: S104 -- as an attacker writes it
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
    ],
)
def test_nothing_private_is_reached_however_it_is_written(host: Host, name: str) -> None:
    begun_s = time.monotonic()
    assert look_at(host.url(host=name)) == Look("refused")
    assert time.monotonic() - begun_s < 2
    assert host.asked == []


@pytest.mark.parametrize("name", ["2130706433", "127.1", "[::ffff:127.0.0.1]", "localhost"])
def test_what_is_allowed_is_reached_however_it_is_written(host: Host, name: str) -> None:
    assert look_at(host.url(host=name), allowed=LOOPBACK) == Look("up", 200)


def test_only_the_allowed_network_is_reached() -> None:
    with web_host(address="127.0.0.2") as other:
        assert look_at(other.url(host="127.0.0.2"), allowed=[ip_network("127.0.0.1/32")]) == Look("refused")
        assert other.asked == []


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/hostname", "gopher://127.0.0.1:25/x", "//127.0.0.1", ""]
)
def test_only_the_web_is_asked(url: str) -> None:
    assert look_at(url, allowed=LOOPBACK) == Look("refused")


def named(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """Let names be resolved to these addresses, one answer after the other; gives the names that were asked."""
    asked: list[str] = []

    def getaddrinfo(name: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_resolved_once_and_that_address_is_used(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a second look-up would lead elsewhere, also between HEAD and GET."""
    host.answers |= {"HEAD": 405, "GET": 410}
    asked = named(monkeypatch, [["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
    assert look_at(host.url(host="rebinding.example"), allowed=LOOPBACK) == Look("gone", 410)
    assert asked == ["rebinding.example"]
    assert host.asked[0].headers["Host"] == f"rebinding.example:{host.port}"


def test_a_name_with_a_private_address_besides_leads_to_the_public_one_only(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, [["10.255.255.1", "127.0.0.1"]])
    assert look_at(host.url(host="mixed.example"), allowed=[ip_network("127.0.0.1/32")]) == Look("up", 200)


def test_a_name_that_leads_inside_is_refused(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, [["127.0.0.1", "169.254.169.254"]])
    assert look_at(host.url(host="inside.example")) == Look("refused")
    assert host.asked == []


def test_a_host_without_an_address_is_unreachable_and_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, [[]])
    assert look_at("http://nowhere.example/") == Look("unreachable")


def test_a_slow_resolver_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    begun_s = time.monotonic()
    assert look_at("http://slow.example/", timeout_s=0.3) == Look("unreachable")
    assert time.monotonic() - begun_s < 0.8


def test_a_closed_port_is_unreachable_and_not_gone() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert look_at(f"http://127.0.0.1:{bound.getsockname()[1]}/", allowed=LOOPBACK) == Look("unreachable")


def test_a_host_that_hangs_up_is_unreachable() -> None:
    with raw_host(lambda _: None) as port:
        assert look_at(f"http://127.0.0.1:{port}/", allowed=LOOPBACK) == Look("unreachable")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"\x00\xff" * 100,
    ],
)
def test_an_answer_that_is_no_http_is_unclear(answer: bytes) -> None:
    with raw_host(say(answer)) as port:
        assert look_at(f"http://127.0.0.1:{port}/", allowed=LOOPBACK).outcome == "unclear"


@pytest.mark.parametrize(
    ("beginning", "outcomes"),
    [
        (b"", {"unclear", "unreachable"}),
        (b"HTTP/1.1 ", {"unclear", "unreachable"}),
        (b"HTTP/1.1 100 Continue\r\n\r\n", {"unclear", "unreachable"}),
        (b"HTTP/1.1 200 OK\r\nX: ", {"up"}),  # its status was seen
    ],
)
def test_a_host_that_drips_is_cut_off_in_time(beginning: bytes, outcomes: set[str]) -> None:
    with raw_host(drip(beginning)) as port:
        begun_s = time.monotonic()
        look = look_at(f"http://127.0.0.1:{port}/", allowed=LOOPBACK, timeout_s=0.5)
        assert time.monotonic() - begun_s < 1.5
        assert look.outcome in outcomes


def test_a_host_that_never_answers_is_cut_off_in_time() -> None:
    with raw_host(lambda _: time.sleep(10)) as port:
        begun_s = time.monotonic()
        assert look_at(f"http://127.0.0.1:{port}/", allowed=LOOPBACK, timeout_s=0.5) == Look("unreachable")
        assert time.monotonic() - begun_s < 1.5


def test_ipv6_is_spoken() -> None:
    with web_host(address="::1") as host:
        assert look_at(host.url(host="[::1]"), allowed=LOOPBACK) == Look("up", 200)
        assert host.asked[0].headers["Host"] == f"[::1]:{host.port}"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for pictures.example and 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pictures.example")])
    names = x509.SubjectAlternativeName([x509.DNSName("pictures.example"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(days=1)
        )
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    unencrypted = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    path = tmp_path / "host.pem"
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_host(certificate: Path) -> Iterator[Host]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with web_host(tls=context) as running:
        yield running


def test_a_certificate_that_proves_nothing_is_unclear(tls_host: Host) -> None:
    tls_host.answers["HEAD"] = 404
    assert look_at(tls_host.url(scheme="https"), allowed=LOOPBACK) == Look("unclear")
    assert tls_host.asked == []


def test_a_certificate_is_checked_for_the_hosts_name(
    tls_host: Host, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(looking, "_tls", lambda: trusting)
    named(monkeypatch, [["127.0.0.1"], ["127.0.0.1"]])
    url = tls_host.url(scheme="https", host="pictures.example")
    assert look_at(url, allowed=LOOPBACK) == Look("up", 200)
    assert look_at(tls_host.url(scheme="https", host="other.example"), allowed=LOOPBACK) == Look("unclear")


def test_a_tls_host_that_drips_is_cut_off_in_time() -> None:
    with raw_host(drip(b"\x16\x03\x03\x40\x00")) as port:
        begun_s = time.monotonic()
        assert look_at(f"https://127.0.0.1:{port}/", allowed=LOOPBACK, timeout_s=0.5).outcome in {
            "unclear",
            "unreachable",
        }
        assert time.monotonic() - begun_s < 1.5
