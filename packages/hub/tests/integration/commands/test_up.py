"""`staydown-hub up` with real processes: nothing that was acknowledged is lost, and nothing is left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packages.hub.tests.factories import report_body
from packages.hub.tests.integration.commands.batching import rows, send_batch
from packages.hub.tests.integration.commands.running import READY, RunningHub, wait_for

pytestmark = pytest.mark.timeout(300)
BATCH = 1200
ROLL = """
[[organisation]]
slug = "police"
name = "Police"
kind = "police"
people = [
  { email = "ben@police.example", role = "assessor", certificates = [
    { course = "Assessing", issued = "2020-01-01", expires = "2100-01-01" },
  ] },
]
keys = [{ name = "client", person = "ben@police.example", scopes = ["report", "assess", "read", "figures"] }]
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    folder = Path(tempfile.mkdtemp(prefix="staydown-up-", dir="/tmp"))
    folder.chmod(0o755)  # as root the database runs under another account
    running = RunningHub(folder / "home")
    yield running
    if running.process.poll() is None:
        running.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def key(hub: RunningHub) -> str:
    roll = hub.output.parent / "roll.toml"
    roll.write_text(ROLL)
    made: dict[str, Any] = json.loads(hub.command("organisations", "import", str(roll), "--json"))
    token = made["organisations"][0]["keys"][0]["token"]
    assert isinstance(token, str)
    return token


def children_of(pid: int) -> set[int]:
    """Return the processes that this one started."""
    return {int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()}


def pid_of(hub: RunningHub, *, command: str) -> int:
    """Return the child of `up` that runs this command, once it is there."""
    found: list[int] = []

    def is_there() -> bool:
        lines, below = hub.processes(), children_of(hub.process.pid)
        found[:] = [pid for pid, line in lines.items() if pid in below and line.endswith(f"staydown_hub {command} ")]
        return len(found) == 1

    wait_for(is_there, f"{command} runs")
    return found[0]


def workers_of(hub: RunningHub, *, command: str) -> set[int]:
    """Return the processes that the child which runs this command started."""
    return children_of(pid_of(hub, command=command))


def report_until_killed(hub: RunningHub, key: str, *, victims: set[int]) -> list[str]:
    """Report files one after the other, kill the victims in the middle, and return those that were acknowledged."""
    acknowledged: list[str] = []
    killed = threading.Event()

    def kill() -> None:
        wait_for(lambda: len(acknowledged) >= 5, "some reports are acknowledged")
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        killed.set()

    killer = threading.Thread(target=kill)
    killer.start()
    for number in range(400):
        name = f"{sorted(victims)} {number}"
        try:
            status, _ = hub.ask("POST", "reports", key=key, body=report_body(name, url="https://host.example/"))
        except OSError:
            if killed.is_set():
                break
            raise
        if status == 201:
            acknowledged.append(name)
        if killed.is_set() and len(acknowledged) > 40:
            break
    killer.join()
    return acknowledged


def answers(hub: RunningHub, key: str) -> bool:
    try:
        return hub.ask("GET", "me", key=key)[0] == 200
    except OSError:
        return False


def assert_kept(hub: RunningHub, key: str, names: list[str]) -> None:
    assert len(names) >= 5
    for name in names:
        status, _ = hub.ask("POST", "lookups", key=key, body={"fingerprints": report_body(name)["fingerprints"]})
        assert status == 200, "an acknowledged report is gone"
    assert json.loads(hub.command("audit", "verify", "--json"))["whole"]


def test_acknowledged_reports_survive_kill_9_of_the_web_workers(hub: RunningHub, key: str) -> None:
    names = report_until_killed(hub, key, victims=workers_of(hub, command="serve"))
    wait_for(lambda: answers(hub, key), "the web process is back")
    assert_kept(hub, key, names)


def test_acknowledged_reports_survive_kill_9_of_the_web_process(hub: RunningHub, key: str) -> None:
    before = pid_of(hub, command="serve")
    names = report_until_killed(hub, key, victims={before} | workers_of(hub, command="serve"))
    wait_for(lambda: answers(hub, key), "the web process is back")
    assert pid_of(hub, command="serve") != before
    assert_kept(hub, key, names)


def figures(hub: RunningHub, key: str) -> tuple[int, int]:
    status, told = hub.ask("GET", "figures", key=key)
    assert status == 200
    return told["items"], told["assessments"]


def test_a_batch_whose_web_and_worker_are_killed_loses_and_doubles_nothing(hub: RunningHub, key: str) -> None:
    items, assessments = figures(hub, key)
    body = rows("batch", count=BATCH)
    doomed = workers_of(hub, command="serve") | {pid_of(hub, command="worker")}

    def kill(answer: dict[str, Any]) -> None:
        if answer.get("row") == 100:  # the first group is committed, the next is being written
            for pid in doomed:
                os.kill(pid, signal.SIGKILL)

    acknowledged = send_batch(hub, key, body, told=kill)
    assert 100 < len(acknowledged) < BATCH
    wait_for(lambda: answers(hub, key), "the web process is back")
    *again, end = send_batch(hub, key, body)
    assert end == {"rows": BATCH}
    assert {one["status"] for one in again} == {201}  # as at the first time, also where it was acknowledged then
    before = {one["reference"]: one["item"] for one in acknowledged}
    assert before.items() <= {one["reference"]: one["item"] for one in again}.items()
    assert send_batch(hub, key, body)[:-1] == again
    assert figures(hub, key) == (items + BATCH, assessments + BATCH // 10)
    assert json.loads(hub.command("audit", "verify", "--json"))["whole"]


@pytest.mark.parametrize("command", ["serve", "feed", "worker"])
def test_a_process_that_is_killed_alone_takes_its_own_along_and_is_started_again(
    hub: RunningHub, key: str, command: str
) -> None:
    before = pid_of(hub, command=command)
    below = children_of(before)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not (below | {before}) & set(hub.processes()), "what it had started is gone")
    assert pid_of(hub, command=command) != before
    wait_for(lambda: answers(hub, key), "the API answers")


def test_an_address_in_use_is_refused_before_anything_starts(hub: RunningHub) -> None:
    environment = {**hub.environment, "STAYDOWN_HOME": str(hub.output.parent / "second")}
    done = subprocess.run(
        [sys.executable, "-m", "staydown_hub", "up"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "set STAYDOWN_WEB_ADDRESS to another address" in done.stderr
    assert not (hub.output.parent / "second").exists()


def test_kill_9_of_the_whole_leaves_nothing_behind_and_loses_nothing(hub: RunningHub, key: str) -> None:
    status, _ = hub.ask("POST", "reports", key=key, body=report_body("the-last-one"))
    assert status == 201
    os.kill(hub.process.pid, signal.SIGKILL)
    hub.process.wait()
    wait_for(lambda: not hub.processes(), "all its processes are gone")
    wait_for(lambda: not hub.database_processes(), "its database is gone")
    hub.start()
    assert_kept(hub, key, ["the-last-one"] * 5)


def test_all_that_its_processes_write_is_silent(hub: RunningHub, key: str) -> None:
    """Of good, bad and refused requests to web and feed nothing is written that must not be."""
    body = report_body("marked", url="https://marked-host.example/marked-path")
    assert hub.ask("POST", "reports", key=key, body=body)[0] == 201
    assert hub.ask("POST", "reports", key=key, body={**body, "kind": "marked"})[0] == 422
    assert hub.ask("GET", f"items/marked?{key}", key=key)[0] == 404
    assert hub.ask("GET", "me", key="sdk_markedab_marked")[0] == 401
    feed = f"http://{hub.environment['STAYDOWN_FEED_ADDRESS']}/feed/v1"
    for path in ("lists/marked/tail", f"marked?{key}", "lists/main/events?after=marked"):
        asked = urllib.request.Request(f"{feed}/{path}", headers={"Authorization": f"Bearer {key}"})  # noqa: S310 -- http to loopback
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asked, timeout=20)  # noqa: S310 -- the same
        caught.value.close()
        assert caught.value.code in {404, 422}
    said = hub.output.read_text()
    assert "a request was answered 422" in said
    secrets = ["marked", key, key.split("_", 2)[2], *(str(one["value"]) for one in body["fingerprints"])]
    assert [secret for secret in secrets if secret in said] == []
    assert "Traceback" not in said


def test_sigterm_stops_everything_in_order(hub: RunningHub) -> None:
    assert hub.stop() == 0
    assert hub.processes() == {}
    wait_for(lambda: not hub.database_processes(), "its database is gone")
    assert hub.said(READY)
