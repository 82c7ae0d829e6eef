"""What a worker of these tests runs in place of the decoders: as the file's first line says, it misbehaves for real.

Loaded by the nursery, by name; the tests only put this folder on its path.
"""

import contextlib
import ctypes
import os
import signal
import socket
import stat
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from staydown_match.content import Content, read_content
from staydown_match.limits import Limits
from staydown_match.types import Mode, Problem

ORDER = b"ORDER "
_kept: list[bytearray] = []


def read(file: BinaryIO, mode: Mode, limits: Limits) -> Content:
    """Do what an order says, or what the real reader does with any other file."""
    line = file.readline(100)
    if not line.startswith(ORDER):
        return read_content(file, mode, limits)
    return said(ORDERS[line.removeprefix(ORDER).strip().decode()](file))


def said(*words: object) -> Content:
    return Content(problems=(Problem(code="unsupported", detail=" ".join(map(str, words))),))


def sleep(_file: BinaryIO) -> str:
    time.sleep(600)
    return "woke up"


def nap(_file: BinaryIO) -> str:
    time.sleep(0.5)
    return "slept"


def compute(_file: BinaryIO) -> str:
    """Use the processor without ever letting go of it."""
    while True:
        pass


def take_memory(_file: BinaryIO) -> str:
    """Touch more and more memory, as a decoder of a bomb does."""
    while True:
        _kept.append(bytearray(b"x" * (16 << 20)))


def keep_memory(_file: BinaryIO) -> str:
    """Leak 24 MB."""
    _kept.append(bytearray(b"x" * (24 << 20)))
    return "kept"


def crash(_file: BinaryIO) -> str:
    ctypes.string_at(0)
    return "survived"


def abort(_file: BinaryIO) -> str:
    os.abort()


def leave(_file: BinaryIO) -> str:
    os._exit(0)


def fail(_file: BinaryIO) -> str:
    raise RuntimeError("a mistake in the reader")


def kill_self(_file: BinaryIO) -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(5)
    return "was not allowed to"


def nonsense(_file: BinaryIO) -> str:
    """Answer in place of the real answer: a head of 100 bytes that is no JSON."""
    os.write(_connection(), struct.pack(">II", 100, 0) + b"\xff" * 100)
    time.sleep(600)
    return "unreachable"


def too_much(_file: BinaryIO) -> str:
    """Announce an answer of four gigabytes, and send for as long as anyone reads."""
    os.write(_connection(), struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF))
    while True:
        os.write(_connection(), bytes(1 << 16))


def dribble(_file: BinaryIO) -> str:
    """Announce an answer and send it a byte at a time."""
    os.write(_connection(), struct.pack(">II", 60_000, 0))
    while True:
        os.write(_connection(), b" ")
        time.sleep(0.02)


def who(_file: BinaryIO) -> str:
    return f"worker {os.getpid()}"


def open_files(_file: BinaryIO) -> str:
    """Name the kind of everything that is open."""
    kinds = {stat.S_IFCHR: "device", stat.S_IFREG: "file", stat.S_IFSOCK: "socket"}
    found = []
    for descriptor in range(64):
        with contextlib.suppress(OSError):
            found.append(kinds.get(stat.S_IFMT(os.fstat(descriptor).st_mode), "other"))
    return " ".join(found)


def environment(_file: BinaryIO) -> str:
    return ",".join(sorted(os.environ))


def _connection() -> int:
    """Find the worker's end of its connection, as code that has taken over the process would."""
    for descriptor in range(3, 16):
        with contextlib.suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                return descriptor
    raise AssertionError


def _attempts(file: BinaryIO) -> dict[str, Callable[[], object]]:
    return {
        "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
        "create": lambda: os.open("/tmp/staydown-was-here", os.O_WRONLY | os.O_CREAT),  # noqa: S108 - it must fail
        "list": lambda: list(Path("/").iterdir()),
        "stat": lambda: os.stat("/etc/hostname"),  # noqa: PTH116 - by path on purpose
        "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "local-socket": socket.socketpair,
        "fork": os.fork,
        "run": lambda: subprocess.run(["true"], check=False),
        "signal-parent": lambda: os.kill(os.getppid(), 0),
        "write-the-file": lambda: os.write(file.fileno(), b"x"),
        "reopen-the-file": lambda: os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDWR),
        "become-root": lambda: os.setuid(0),
        "trace": _trace_parent,
        "executable-memory": _map_executable,
        "new-namespace": _unshare,
    }


def escape(file: BinaryIO) -> str:
    """Try every way out, and say which were open."""
    ways = []
    for way, attempt in _attempts(file).items():
        try:
            attempt()
        except OSError:
            continue
        ways.append(way)
    return "open ways: " + ",".join(ways)


def think_in_threads(_file: BinaryIO) -> str:
    """Use threads, as decoders may."""
    results: list[int] = []
    threads = [threading.Thread(target=lambda n=n: results.append(sum(range(n)))) for n in (10, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"sum {sum(results)}"


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), "refused")


def _trace_parent() -> None:
    attach = 16
    _checked(_libc().ptrace(attach, os.getppid(), None, None))


def _map_executable() -> None:
    libc = _libc()
    libc.mmap.restype = ctypes.c_ssize_t
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_ssize_t]
    read_write_execute, private_anonymous = 7, 0x22
    _checked(libc.mmap(None, 4096, read_write_execute, private_anonymous, -1, 0))


def _unshare() -> None:
    new_user = 0x10000000
    _checked(_libc().unshare(new_user))


ORDERS: dict[str, Callable[[BinaryIO], str]] = {
    function.__name__: function
    for function in (
        sleep, nap, compute, take_memory, keep_memory, crash, abort, leave, fail, kill_self, nonsense, too_much,
        dribble, who, open_files, environment, escape, think_in_threads,
    )
}  # fmt: skip
