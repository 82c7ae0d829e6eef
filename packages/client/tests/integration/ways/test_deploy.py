"""The examples in deploy/: nginx and systemd run or read them, and the container file names what there is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from staydown_client.cli.parser import make_parser

from packages.client.tests.conftest import HERE, photograph
from packages.client.tests.integration.sidecar.conftest import cat_bytes, listed
from packages.client.tests.integration.sidecar.running import RunningSidecar, free_port, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packages.client.tests.integration.sidecar.conftest import Listed

__all__ = ["cat_bytes", "listed"]
ROOT = HERE.parents[2]
DEPLOY = ROOT / "deploy"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "/usr/sbin/nginx"


def configuration(folder: Path, pictures: Path, *, port: int, sidecar: int) -> str:
    """Return the example with the places and ports of this test, in what every nginx.conf has around it."""
    example = (DEPLOY / "nginx-filter.conf").read_text()
    for old, new in (
        ("/var/cache/nginx/staydown", str(folder / "cache")),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("root /srv/pictures;", f"root {pictures};"),
        ("http://127.0.0.1:8650/", f"http://127.0.0.1:{sidecar}/"),
    ):
        assert example.count(old) == 1, old
        example = example.replace(old, new)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As root nginx would give up its rights, and with them these folders.
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{example}}}\n"
    )


@contextmanager
def nginx(folder: Path, pictures: Path, *, sidecar: int) -> Iterator[RunningSidecar]:
    port = free_port()
    path = folder / "nginx.conf"
    path.write_text(configuration(folder, pictures, port=port, sidecar=sidecar))
    log = folder / "stderr"
    with log.open("w") as output:
        process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(path)], stdout=output, stderr=output, text=True)
    served = RunningSidecar(process, port, log)
    try:
        until("nginx listens", lambda: process.poll() is not None or listens(port))
        assert process.poll() is None, log.read_text()
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_serves_what_the_sidecar_allows_and_nothing_else(
    listed: Listed, tmp_path: Path, cat_bytes: bytes
) -> None:
    pictures = tmp_path / "pictures"
    (pictures / "a" / "deep").mkdir(parents=True)
    coffee = photograph("coffee.png").read_bytes()
    for name, data in (
        ("coffee.png", coffee),
        ("cat.png", cat_bytes),
        ("b\u00e4r & caf\u00e9 #1.png", cat_bytes),
        ("cat.png#.png", coffee),  # whoever leaves out what follows the sign serves the other
        ("text.png", b"no picture"),
    ):
        (pictures / name).write_bytes(data)
    (pictures / "a" / "cat.png").write_bytes(coffee)
    (pictures / "link").symlink_to(pictures / "a" / "deep")
    log = tmp_path / "sidecar.log"
    with (
        running(listed.folder.path, log, "--no-follow", "--decoders", "1", "--files", str(pictures)) as sidecar,
        nginx(tmp_path, pictures, sidecar=sidecar.port) as web,
    ):
        served = web.ask("GET", "/coffee.png")
        assert (served.status, served.body) == (200, coffee)
        assert web.ask("GET", "/coffee.png?width=10").status == 200
        # Listed, not there, or written so that nginx and the sidecar could understand two files by it.
        for path in (
            "/cat.png",
            "/cat.png?x=/coffee.png",
            "/%63at.png",
            "/a/../cat.png",
            "/link/../cat.png",
            "//cat.png",
            "/b%C3%A4r%20&%20caf%C3%A9%20%231.png",
            "/cat.png#.png",
            "/missing.png",
            "/",
            "/_gone",
        ):
            refused = web.ask("GET", path)
            assert (refused.status, cat_bytes in refused.body) == (404, False), path
        assert web.ask("GET", "/_staydown").status == 403  # for nginx itself only
        assert web.ask("GET", "/text.png").status == 500  # unchecked: neither served nor said to be missing
        checked = sidecar.metric("staydown_check_seconds_count")
        assert web.ask("GET", "/coffee.png").status == 200
        assert web.ask("GET", "/cat.png").status == 404
        assert sidecar.metric("staydown_check_seconds_count") == checked  # kept for a minute
        (pictures / "new.png").write_bytes(coffee)
        assert sidecar.stop() == 0
        assert web.ask("GET", "/new.png").status == 500
        assert web.ask("GET", "/coffee.png").status == 200  # until its minute is over


def test_systemd_reads_the_unit_and_its_command_is_one_of_ours(tmp_path: Path) -> None:
    text = (DEPLOY / "staydown-filter.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (.*)$", text, re.MULTILINE)
    assert command is not None
    assert command[1] == "/opt/staydown/bin/staydown"
    words = make_parser().parse_args(command[2].split())
    assert (words.folder, words.workers) == (Path("/var/lib/staydown/filter"), 2)
    unit = tmp_path / "staydown-filter.service"
    unit.write_text(text.replace(command[1], sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    about_it = [line for line in done.stderr.splitlines() if "staydown" in line]
    assert (done.returncode, about_it) == (0, [])


def test_the_container_file_names_what_there_is() -> None:
    text = (DEPLOY / "filter.Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "ENV", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in lines} <= known
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    copied = [word for words in copies for word in words]
    assert copied
    named = {*copied, *re.findall(r"requirements/\w+\.txt", text)}
    assert [path for path in named if not (ROOT / path).exists()] == []
    stages = re.findall(r"^FROM \S+ AS (\w+)", text, re.MULTILINE)
    assert set(re.findall(r"--from=(\w+)", text)) <= set(stages)
    for run in re.findall(r"^RUN (.*)$", text, re.MULTILINE):
        subprocess.run(["bash", "-n"], input=run, text=True, check=True, timeout=60)
    assert re.findall(r'^ENTRYPOINT \["(\w+)"\]', text, re.MULTILINE) == ["staydown"]
    [words] = re.findall(r"^CMD \[(.*)\]", text, re.MULTILINE)
    assert make_parser().parse_args([word.strip(' "') for word in words.split(",")]).workers
