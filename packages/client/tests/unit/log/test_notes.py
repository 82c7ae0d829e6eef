"""Notes, checkpoints and cosignatures: what is signed is believed, everything else is named and refused."""

from __future__ import annotations

import pickle
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_client.errors import ConfigurationError, LogProblem, LogRefusedError
from staydown_client.log.keys import LOG_KEY, WITNESS_KEY, WitnessKey
from staydown_client.log.notes import MAX_SIGNATURES, cosignature_line, open_note, parse_note, parse_vkey

from packages.client.tests.conftest import admit
from packages.client.tests.made_log import NOW_S, LogKey, MadeLog, witness_key

# The note package of Go's module mirror, sumdb/note: its own example's key and notes.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_NOTE = (
    PETERS_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def log_of(count: int = 3) -> MadeLog:
    log = MadeLog()
    log.append(*(admit(n) for n in range(count)))
    return log


def problem_of(text: str, log: MadeLog) -> LogProblem:
    with pytest.raises(LogRefusedError) as caught:
        open_note(text, [log.keys[0].public, witness_key().public])
    return caught.value.problem


def test_gos_own_example_verifies() -> None:
    key = parse_vkey(PETER)
    note = parse_note(PETERS_NOTE)
    assert (key.name, key.kind, key.vkey) == ("PeterNeumann", LOG_KEY, PETER)
    assert note.body == PETERS_TEXT
    assert note.signatures[0].key_id == key.key_id
    assert key.verifies(note.body.encode(), note.signatures[0].signature)
    assert not key.verifies(note.body.encode() + b"\n", note.signatures[0].signature)


def test_a_checkpoint_says_what_was_signed() -> None:
    log = log_of()
    checkpoint = open_note(log.checkpoint(), [log.keys[0].public])
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (log.origin, 3, log.root())
    assert checkpoint.text == log.checkpoint()
    assert checkpoint.cosigned_by == {}
    assert checkpoint.body == f"{log.origin}\n3\n{b64encode(log.root()).decode()}\n"


def test_witnesses_are_named_with_their_newest_time_and_strangers_are_ignored() -> None:
    log = log_of()
    first, stranger = witness_key(1), witness_key(2)
    text = log.checkpoint(cosigners=[first, stranger], time_s=100)
    text += cosignature_line(open_note(text, [log.keys[0].public]).body, first, time_s=90)
    assert open_note(text, [log.keys[0].public, first.public]).cosigned_by == {first.public.name: 100}


def test_either_key_of_a_rotation_suffices() -> None:
    log = log_of()
    log.keys.append(LogKey(seed=2))
    for key in log.keys:
        assert open_note(log.checkpoint(), [key.public]).size == 3


def test_a_checkpoint_of_a_stranger_is_refused() -> None:
    log, stranger = log_of(), MadeLog(keys=[LogKey(seed=9)])
    assert problem_of(stranger.checkpoint(), log) == "signature"


def test_a_witness_alone_signs_no_checkpoint() -> None:
    log = log_of()
    body = parse_note(log.checkpoint()).body
    assert problem_of(f"{body}\n{cosignature_line(body, witness_key(), time_s=1)}", log) == "signature"


def test_a_key_of_another_name_does_not_sign_for_this_origin() -> None:
    log, other = log_of(), LogKey("hub.example/other")
    body = parse_note(log.checkpoint()).body
    with pytest.raises(LogRefusedError) as caught:
        open_note(other.note(body), [log.keys[0].public, other.public])
    assert caught.value.problem == "signature"


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_changed_bit_never_gives_another_checkpoint(at: int, bit: int) -> None:
    log = log_of()
    text = log.checkpoint(cosigners=[witness_key()])
    data = bytearray(text.encode())
    data[at % len(data)] ^= 1 << bit
    try:
        found = open_note(data.decode("utf-8", "surrogateescape"), [log.keys[0].public, witness_key().public])
    except LogRefusedError:
        return
    # A name or an id that nobody knows makes a line a stranger's; what is signed stays the same.
    assert (found.origin, found.size, found.root) == (log.origin, 3, log.root())


@given(st.text(max_size=300))
def test_any_text_is_refused_with_a_problem(text: str) -> None:
    log = log_of(1)
    assert problem_of(text, log) == "garbage"
    assert problem_of(f"{text}\n\n— {log.origin} AAAAAAAA\n", log) in {"garbage", "signature"}


@pytest.mark.parametrize(
    "body",
    [
        "hub.example/national\n",
        "hub.example/national\n3\n",
        "\n3\nROOT\n",
        "hub.example/national\n03\nROOT\n",
        "hub.example/national\n-3\nROOT\n",
        "hub.example/national\n+3\nROOT\n",
        "hub.example/national\n\N{ARABIC-INDIC DIGIT THREE}\nROOT\n",
        "hub.example/national\n9999999999999999999\nROOT\n",
        "hub.example/national\n3\nAAAA\n",
        "hub.example/national\n3\nROO\n",
        "hub.example/national\n3\nROOT\n\n",
        "hub.example/national\n3\nROOT\nmore\n\nmore\n",
    ],
)
def test_a_signed_text_in_another_form_is_garbage(body: str) -> None:
    log = log_of()
    root = b64encode(log.root()).decode()
    assert problem_of(log.keys[0].note(body.replace("ROOT", root)), log) == "garbage"


def test_lines_after_the_root_are_signed_and_mean_nothing() -> None:
    log = log_of()
    body = parse_note(log.checkpoint()).body + "an extension\n"
    assert open_note(log.keys[0].note(body), [log.keys[0].public]).size == 3


def test_base64_has_one_way_to_be_written() -> None:
    log = log_of()
    encoded = log.checkpoint().split()[-1]
    assert encoded.endswith("=")
    last = encoded[-2]
    twin = chr(ord(last) + 1) if b64decode(encoded[:-2] + chr(ord(last) + 1) + "=") == b64decode(encoded) else None
    assert twin is not None
    assert problem_of(log.checkpoint().replace(encoded, encoded[:-2] + twin + "="), log) == "garbage"


def test_too_many_signatures_are_refused() -> None:
    log = log_of()
    line = log.checkpoint().splitlines(keepends=True)[-1]
    assert open_note(log.checkpoint() + line * (MAX_SIGNATURES - 1), [log.keys[0].public]).size == 3
    assert problem_of(log.checkpoint() + line * MAX_SIGNATURES, log) == "garbage"


def test_a_cosignature_for_another_time_or_text_is_refused() -> None:
    log = log_of()
    body = parse_note(log.checkpoint()).body
    line = cosignature_line(body, witness_key(), time_s=NOW_S)
    raw = bytearray(b64decode(line.split()[-1]))
    raw[4 + 7] ^= 1  # the last byte of the time
    changed = line.replace(line.split()[-1], b64encode(raw).decode())
    assert problem_of(log.checkpoint() + changed, log) == "signature"
    log.append(admit(9))
    assert problem_of(log.checkpoint() + line, log) == "signature"


@pytest.mark.parametrize("change", ["name", "id", "bytes", "kind", "cut", "space", "empty"])
def test_a_key_that_was_changed_is_refused(change: str) -> None:
    changed = {
        "name": PETER.replace("Peter", "Pete"),
        "id": PETER.replace("c74f20a3", "c74f20a4"),
        "bytes": PETER.replace("ARpc", "ARpd"),
        "kind": PETER.replace("+ARpc", "+AhpcA"),
        "cut": PETER[:-4],
        "space": PETER.replace("Neumann", " Neumann"),
        "empty": "",
    }[change]
    with pytest.raises(ConfigurationError, match="key"):
        parse_vkey(changed)


def test_a_witness_key_survives_its_text_and_hides_otherwise() -> None:
    key = WitnessKey.make("witness.example/w")
    again = WitnessKey.from_text(key.reveal())
    assert again.public == key.public
    assert parse_vkey(key.public.vkey) == key.public
    assert key.public.kind == WITNESS_KEY
    secret = key.reveal().rpartition("+")[2]
    assert secret not in repr(key) + str(key)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)
    for text in ("", key.public.vkey, key.reveal()[:-8], key.reveal().replace("witness", "w1tness")):
        with pytest.raises(ConfigurationError):
            WitnessKey.from_text(text)
