"""Making a cluster: in a temporary folder that is renamed when all is done, so that half a cluster is never used."""

import os
import shutil
import tempfile
from pathlib import Path

from staydown_hub.embedded_postgres.binaries import Binaries
from staydown_hub.embedded_postgres.errors import StartError
from staydown_hub.embedded_postgres.placement import Cluster

SUPERUSER = "postgres"
ROLE = "staydown"
DATABASE = "staydown"
_UNFINISHED = "unfinished-"
# The role the hub works as is no superuser: a hole in a query must not read the server's files or run its programs.
# CREATEDB is for the tests' own database.
_FIRST_STATEMENTS = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n"
_BUILTIN_LOCALE_MAJOR = 17


def create(cluster: Cluster, binaries: Binaries, *, server_lock: int) -> None:
    """Make the data folder. `server_lock`, held, is passed on: should we be killed, the next start waits for initdb."""
    remove_unfinished(cluster)
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=cluster.folder))
    os.chown(folder, cluster.account.uid, cluster.account.gid, follow_symlinks=False)
    initdb = [str(binaries.folder / "initdb"), "-D", str(folder), *_initdb_options(binaries.major)]
    single = [str(binaries.folder / "postgres"), "--single", "-D", str(folder), "-c", "exit_on_error=on", SUPERUSER]
    for command, stdin in ((initdb, None), (single, _FIRST_STATEMENTS)):
        done = cluster.account.run(command, keep_open=(server_lock,), stdin=stdin)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            last_lines = " ".join(done.stdout.splitlines()[-3:])
            raise StartError(f"{command[0]} could not make a database in {cluster.folder}: {last_lines}")
    folder.rename(cluster.data)
    _sync_folder(cluster.folder)


def remove_unfinished(cluster: Cluster) -> None:
    """Remove what an interrupted `create` left behind."""
    for leftover in cluster.folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover)


def _initdb_options(major: int) -> list[str]:
    """Fix encoding and order of text (by code point), whatever the machine's locale."""
    locale = (
        ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if major >= _BUILTIN_LOCALE_MAJOR
        else ["--locale=C.UTF-8"]
    )
    return [*locale, "--encoding=UTF8", "--data-checksums", "--auth=peer", f"--username={SUPERUSER}"]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
