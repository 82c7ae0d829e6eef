"""What the feed process writes when its database is away, however it is asked."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from staydown_hub.rules.keys import make_token

MARK = "marked"
PATIENCE_S = 30
TOKEN = make_token().token


def ask(port: int, path: str) -> int:
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        caller.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        return caller.getresponse().status
    finally:
        caller.close()


def wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            ask(port, "/nothing")
        except OSError:
            assert time.monotonic() < until, "the feed does not answer"
            time.sleep(0.05)
        else:
            return


def test_the_feed_is_silent_about_a_database_that_is_away(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{MARK}-user:{MARK}-password@127.0.0.1:1/{MARK}",
        "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{port}",
    }
    output = tmp_path / "output.txt"
    with output.open("w") as file:
        feed = subprocess.Popen([sys.executable, "-m", "staydown_hub.feed"], env=environment, stdout=file, stderr=file)
    try:
        wait_until_it_answers(port)
        assert ask(port, f"/feed/v1/lists/{MARK}/tail?after=-1&{MARK}=1") == 503
    finally:
        feed.terminate()
        feed.wait(PATIENCE_S)
    said = output.read_text()
    assert "staydown_hub.feed.application: The database did not answer (PoolTimeout)." in said
    assert MARK not in said
    assert TOKEN not in said
    assert "Traceback" not in said
