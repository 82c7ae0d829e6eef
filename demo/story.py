"""The story: reported once, refused everywhere, taken down, verified gone, corrected, accounted for."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import pictures
from demo.host import Host
from demo.hub import Hub
from demo.member import Member
from demo.platform import Platform
from demo.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

CODE = "TEST"  # the scheme's code for drills: every picture here is an ordinary photograph
NONE = "NONE"  # "does not qualify"
LIST = "main"
_PATIENCE_S = 30
_CAST = Path(__file__).with_name("cast.toml")


@dataclass(slots=True)
class Figures:
    """What the story counted; `--json` prints it."""

    copies: int = 0
    blocked_copies: int = 0
    unrelated: int = 0
    allowed_unrelated: int = 0
    notices: int = 0
    removed: int = 0
    seconds_from_admission_to_refusal: float = 0.0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def good(self) -> bool:
        """Say whether everything that should happen did."""
        return not self.problems


class Story:
    """Plays the steps in order in `folder`; `tell` is given one line for each."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self.folder = folder
        self.figures = Figures()
        self.members: dict[str, Member] = {}
        self.hub: Hub
        self._tell = tell
        self._open = contextlib.ExitStack()
        self._platforms: list[Platform] = []
        self._host: Host

    def play(self) -> None:
        """Play the whole story; what it started goes on running until `close`."""
        started = time.monotonic()
        self._start_hub()
        self._introduce_cast()
        self._connect_platforms()
        self._report_and_admit()
        self._refuse_copies()
        self._let_unrelated_pass()
        self._see_it_removed()
        self._withdraw_a_wrong_entry()
        self._account(started)

    def close(self) -> None:
        """Stop all that the story started."""
        self._open.close()

    # 1
    def _start_hub(self) -> None:
        served = self._folder("host")
        for name in pictures.ALL_REPORTED:
            shutil.copyfile(pictures.photograph(name), served / name)
        self._host = self._open.enter_context(Host(served))
        self.hub = self._open.enter_context(
            Hub(
                self._folder("hub"),
                environment={
                    "STAYDOWN_WEB_ADDRESS": f"127.0.0.1:{free_port()}",
                    "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{free_port()}",
                    "STAYDOWN_SMTP_URL": self._host.smtp_url,
                    "STAYDOWN_CHECK_INTERVAL_S": "1",
                    "STAYDOWN_SECOND_FACTOR": "optional",
                    "STAYDOWN_CHECK_PRIVATE_ADDRESSES": "127.0.0.0/8",
                },
            )
        )
        self._tell(f"the hub runs at {self.hub.web_url}: web, feed, worker and database")

    def _introduce_cast(self) -> None:
        imported = json.loads(self.hub.command("organisations", "import", str(_CAST), "--json"))
        for organisation in imported["organisations"]:
            keys, people = organisation["keys"], organisation["people"]
            self.members[organisation["slug"]] = Member(
                slug=organisation["slug"],
                name=organisation["name"],
                key=keys[0]["token"] if keys else "",
                hub_url=self.hub.web_url,
                sign_in=(people[0]["email"], people[0]["password"]) if people else None,
            )
        self._tell("organisations: " + "; ".join(member.name for member in self.members.values()))

    def _connect_platforms(self) -> None:
        members = [self.members[slug] for slug in ("chirper", "fotobox")]
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(self._make_filter, members))
        for member in members:
            self._platforms.append(self._open.enter_context(Platform(member.name, self.folder / member.slug)))
        self._tell(" and ".join(platform.name for platform in self._platforms) + " follow the list with their filters")

    def _make_filter(self, member: Member) -> None:
        member.staydown("filter", "init", str(self.folder / member.slug), "--list", LIST)

    # 2, 3
    def _report_and_admit(self) -> None:
        centre, police = self.members["lantern"], self.members["police"]
        with ThreadPoolExecutor() as at_once:
            answers = at_once.map(self._report, pictures.ALL_REPORTED)
        for answer in answers:
            self._expect(answer["standing"]["status"] == "waiting", "one organisation alone must not admit an item")
        self._tell(f"{centre.name} reported {len(pictures.ALL_REPORTED)} pictures: fingerprints and addresses, no file")
        first, *others = pictures.ALL_REPORTED
        self._measure_refusal(first)
        for answer in police.assess(*map(pictures.photograph, others), code=CODE):
            self._expect(answer["standing"]["status"] == "admitted", "the second assessment must admit the item")
        self._wait_for(self._all_filters_level, "both filters reach the newest entry")
        self._tell(f"{police.name} judged the same items, found by fingerprint: the rule is met, they are on the list")

    def _report(self, name: str) -> dict[str, Any]:
        seen_at = self._host.address_of(name)
        return self.members["lantern"].report(pictures.photograph(name), seen_at=seen_at, code=CODE)

    def _measure_refusal(self, name: str) -> None:
        """Upload the picture again and again while police assess it, to see when each platform first refuses it."""
        picture = pictures.photograph(name)
        refused_at: dict[str, float] = {}

        def upload_until_refused(platform: Platform) -> None:
            deadline = time.monotonic() + _PATIENCE_S
            while time.monotonic() < deadline:
                if platform.upload(picture).action == "block":
                    refused_at[platform.name] = time.time()
                    return
                time.sleep(0.01)

        threads = [threading.Thread(target=upload_until_refused, args=(platform,)) for platform in self._platforms]
        for thread in threads:
            thread.start()
        [answer] = self.members["police"].assess(picture, code=CODE)
        for thread in threads:
            thread.join()
        if self._expect(len(refused_at) == len(self._platforms), "every platform refuses what was admitted"):
            admitted_at = self._admitted_at(answer["item"])
            self.figures.seconds_from_admission_to_refusal = round(max(refused_at.values()) - admitted_at, 3)
            self._tell(
                f"both platforms refused it {self.figures.seconds_from_admission_to_refusal:.3f} s after its admission"
            )

    def _admitted_at(self, item: str) -> float:
        entries = self.hub.get(f"items/{item}", key=self.members["police"].key)["entries"]
        return dt.datetime.fromisoformat(entries[0]["at"]).timestamp()

    def _all_filters_level(self) -> bool:
        lists = self.hub.get("lists", key=self.members["chirper"].key)["lists"]
        size = next(shared["size"] for shared in lists if shared["slug"] == LIST)
        return all(platform.list_position == size - 1 for platform in self._platforms)

    # 4
    def _refuse_copies(self) -> None:
        folder = self._folder("copies")
        shown: dict[str, Any] = {}
        for name in pictures.REPORTED:
            for change, copy in pictures.changed_copies(pictures.photograph(name), folder):
                for platform in self._platforms:
                    answer = platform.upload(copy)
                    self.figures.copies += 1
                    if self._expect(answer.action == "block", f"{platform.name} refuses {copy.name} ({change.name})"):
                        self.figures.blocked_copies += 1
                        shown = answer.verdict["reasons"][0]
        self._tell(
            f"{self.figures.blocked_copies} of {self.figures.copies} re-encoded, resized copies refused; the last: "
            f"entry {shown.get('position')} of {shown.get('list')}, {', '.join(shown.get('categories', []))}, "
            f"{shown.get('distance_bits')} bits away"
        )

    def _let_unrelated_pass(self) -> None:
        for picture in pictures.unrelated(self._folder("unrelated")):
            self.figures.unrelated += 1
            actions = {platform.upload(picture).action for platform in self._platforms}
            if self._expect(actions == {"allow"}, f"{picture.name}, which nobody reported, passes"):
                self.figures.allowed_unrelated += 1
        self._tell(f"{self.figures.allowed_unrelated} of {self.figures.unrelated} unrelated photographs passed")

    # 5
    def _see_it_removed(self) -> None:
        self._wait_for(lambda: len(set(self._host.notices)) == len(pictures.ALL_REPORTED), "the host gets its mail")
        self.figures.notices = len(self._host.notices)
        self._tell(f"Harbour Hosting got {self.figures.notices} removal requests by mail and removed the files")
        self._wait_for(self._all_seen_gone, "the re-checks see that every file is gone")
        self.figures.removed = len(self._requests_in("gone"))
        self._tell(f"re-checked: {self.figures.removed} of {self.figures.notices} addresses are gone, requests closed")

    def _all_seen_gone(self) -> bool:
        return len(self._requests_in("gone")) == len(pictures.ALL_REPORTED)

    def _requests_in(self, state: str) -> list[dict[str, Any]]:
        requests = self.hub.get("requests", key=self.members["police"].key)["requests"]
        return [request for request in requests if request["state"] == state]

    # 6
    def _withdraw_a_wrong_entry(self) -> None:
        picture, centre = pictures.photograph(pictures.WRONGLY_REPORTED), self.members["lantern"]
        before = {platform.upload(picture).action for platform in self._platforms}
        self._expect(before == {"block"}, "the wrong entry is in force until it is withdrawn")
        [answer] = centre.assess(picture, code=NONE)
        self._expect(answer["standing"]["status"] in {"withdrawn", "disputed"}, "the second look withdraws the entry")
        self._wait_for(
            lambda: all(platform.upload(picture).action == "allow" for platform in self._platforms),
            "both filters let the withdrawn picture through",
        )
        self._tell(f"{centre.name} looked again and withdrew one entry: both filters let that picture through")
        self._wait_for(lambda: self._host.holds(picture.name), "the host is told, and puts the picture back")
        self._tell("Harbour Hosting was told by mail that this request is withdrawn, and put the picture back")

    # 7
    def _account(self, started: float) -> None:
        figures = self.hub.get("figures", key=self.members["regulator"].key)
        verified = self.hub.command("audit", "verify").strip()
        self._tell(
            f"the regulator reads: {figures['items']} items, {figures['entries_in_force']} entries in force, "
            f"{figures['notices']} notices, {figures['removed']} removed"
        )
        self._tell(f"audit log: {verified}")
        self.figures.seconds = round(time.monotonic() - started, 1)

    def _expect(self, happened: bool, what: str) -> bool:  # noqa: FBT001  # reads as a sentence
        if not happened:
            self.figures.problems.append(what)
            self._tell(f"NOT SO: {what}")
        return happened

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not (so := condition()) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._expect(so, what)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder
