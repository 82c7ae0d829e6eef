"""What the client's own code signs and believes, against the real hub: cosignatures, and a key that was rotated."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING

from staydown_client.log.keys import WitnessKey, parse_vkey
from staydown_client.log.notes import cosignature_line, parse_note
from staydown_client.log.trust import Trust

if TYPE_CHECKING:
    from tests.contract.members import Cast, Member
    from tests.contract.running_hub import RunningHub

PATIENCE_S = 30


def ask(member: Member, route: str, body: str | None = None) -> tuple[int, str]:
    """Ask the feed about the main list, or send it a text."""
    headers = {"Authorization": f"Bearer {member.key}"} | ({"Content-Type": "text/plain"} if body else {})
    address = f"{member.hub.feed_url}/feed/v1/lists/main/{route}"
    request = urllib.request.Request(address, body.encode() if body else None, headers)  # noqa: S310 -- http to loopback
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310 -- the same
        return response.status, response.read().decode()


def pinned(member: Member) -> Trust:
    """Return a trust in the key that signs the list now, and in nobody else."""
    told = json.loads(ask(member, "keys")[1])
    return Trust(told["origin"], (parse_vkey(told["keys"][0]["vkey"]),))


def test_two_witnesses_cosign_what_the_hub_serves(hub: RunningHub, cast: Cast) -> None:
    witnesses = [WitnessKey.make(name) for name in ("first.example/keys-test", "second.example/keys-test")]
    for one in witnesses:
        hub.command("keys", "witness", "add", one.public.name, one.public.vkey, "--list", "main")
    trust = pinned(cast.platform)
    keys = tuple(one.public for one in witnesses)
    asking_both = Trust(trust.origin, trust.keys, witnesses=keys, need_k=2, max_witness_age_s=60)
    note = ask(cast.platform, "checkpoint")[1]
    for one in witnesses:
        line = cosignature_line(parse_note(note).body, one, time_s=int(time.time()))
        assert ask(cast.police, "cosignatures", note + line) == (204, "")
    opened = asking_both.open_checkpoint(ask(cast.platform, "checkpoint")[1], now_s=time.time())
    assert set(opened.cosigned_by) == {one.name for one in keys}
    assert set(json.loads(ask(cast.platform, "keys")[1])["witnesses"]) >= {one.vkey for one in keys}


def test_a_member_that_trusts_the_old_key_follows_to_the_new_one(hub: RunningHub, cast: Cast) -> None:
    trust = pinned(cast.platform)
    fresh = parse_vkey(hub.command("keys", "rotate", "main").strip())
    until = time.monotonic() + PATIENCE_S
    while fresh.vkey not in ask(cast.platform, "keys")[1]:
        assert time.monotonic() < until, "the running feed takes up the new key"
        time.sleep(0.1)
    told = json.loads(ask(cast.platform, "keys")[1])["keys"]
    following = trust.follow_endorsements((one["vkey"], one["endorsement"]) for one in told)
    assert following.keys == (*trust.keys, fresh)
    note = ask(cast.platform, "checkpoint")[1]
    for believed in (trust, Trust(trust.origin, (fresh,))):
        believed.open_checkpoint(note, now_s=time.time())
    stranger = WitnessKey.make("nobody.example").public
    assert trust.follow_endorsements([(stranger.vkey, told[-1]["endorsement"])]) == trust
