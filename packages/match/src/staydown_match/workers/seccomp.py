"""The system calls that decoding needs, as a filter that the kernel applies: everything else fails in a worker.

A worker has its file open already and all its code loaded. So it needs memory, time, threads, reading and answering,
and no file system, network, other process or new program. A call outside the list fails with EPERM instead of killing:
a decoder that only looks for a configuration file goes on without it.

Source: seccomp(2); Linux, include/uapi/linux/{filter,seccomp,audit}.h, arch/x86/entry/syscalls/syscall_64.tbl,
include/uapi/asm-generic/unistd.h.
"""

import ctypes
import errno
import platform
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _GREATER_OR_EQUAL, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_CLONE_THREAD = 0x00010000
_CLONE_NEW_NAMESPACES = 0x7E020080
_PROT_EXEC = 0x4
_AT_EMPTY_PATH = 0x1000
_X32_CALLS = 0x40000000


@dataclass(frozen=True, slots=True)
class _Machine:
    """One kind of processor: its number in the kernel's audit headers, and its numbers of the system calls."""

    architecture: int
    calls: dict[str, int]


_X86_64 = _Machine(
    0xC000003E,
    {
        "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10,
        "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17,
        "readv": 19, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "setitimer": 38,
        "getpid": 39, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47, "clone": 56, "exit": 60,
        "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "sigaltstack": 131, "gettid": 186, "time": 201,
        "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
        "clock_nanosleep": 230, "exit_group": 231, "newfstatat": 262, "ppoll": 271, "set_robust_list": 273,
        "getrandom": 318, "rseq": 334, "clone3": 435,
    },
)  # fmt: skip
_AARCH64 = _Machine(
    0xC00000B7,
    {
        "close": 57, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "ppoll": 73,
        "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99,
        "nanosleep": 101, "setitimer": 103, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
        "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132,
        "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "getrusage": 165, "gettimeofday": 169,
        "getpid": 172, "gettid": 178, "sysinfo": 179, "sendto": 206, "recvfrom": 207, "sendmsg": 211,
        "recvmsg": 212, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "mmap": 222, "mprotect": 226,
        "madvise": 233, "getrandom": 278, "rseq": 293, "clone3": 435,
    },
)  # fmt: skip
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def build_filter() -> bytes | None:
    """Build the filter's program for this machine; None for a machine whose system calls are not listed here."""
    machine = _MACHINES.get(platform.machine())
    return None if machine is None or struct.calcsize("P") != 8 else _program(machine)  # noqa: PLR2004 - bytes of 64 bits


def install_filter(program: bytes) -> None:
    """Apply the filter to this process and all of its threads to come, for good; raise OSError when it is refused.

    The process must have only this thread, and must have set no_new_privs.
    """
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(head), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, "the kernel takes no seccomp filter")


def _program(machine: _Machine) -> bytes:
    calls = dict(machine.calls)
    clone, clone3, stat = calls.pop("clone"), calls.pop("clone3"), calls.pop("newfstatat")
    steps = [
        _step(_LOAD, _ARCHITECTURE_OFFSET),
        _step(_EQUAL, machine.architecture, yes=1),
        _step(_RETURN, _KILL_PROCESS),
        _step(_LOAD, _NUMBER_OFFSET),
        _step(_GREATER_OR_EQUAL, _X32_CALLS, no=1),
        _step(_RETURN, _ERRNO | errno.EPERM),
        # Its arguments cannot be looked at; told that it does not exist, the C library uses clone.
        *_when(clone3, [_step(_RETURN, _ERRNO | errno.ENOSYS)]),
        *_when(clone, _allowed_if_bits(0, wanted=_CLONE_THREAD, unwanted=_CLONE_NEW_NAMESPACES)),
        # Of an open file only, never by a path.
        *_when(stat, _allowed_if_bits(3, wanted=_AT_EMPTY_PATH, unwanted=0)),
        # No memory that can be executed: nothing is loaded any more, so whoever asks for it brings code along.
        *_when(calls.pop("mmap"), _allowed_if_bits(2, wanted=0, unwanted=_PROT_EXEC)),
        *_when(calls.pop("mprotect"), _allowed_if_bits(2, wanted=0, unwanted=_PROT_EXEC)),
    ]
    for number in calls.values():
        steps += _when(number, [_step(_RETURN, _ALLOW)])
    return b"".join([*steps, _step(_RETURN, _ERRNO | errno.EPERM)])


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Make one instruction; `yes` and `no` say how many to skip after a comparison."""
    return struct.pack("@HBBI", code, yes, no, value)


def _when(number: int, then: list[bytes]) -> list[bytes]:
    return [_step(_EQUAL, number, no=len(then)), *then]


def _allowed_if_bits(argument: int, *, wanted: int, unwanted: int) -> list[bytes]:
    """Allow the call when its argument has all wanted and no unwanted bits (of the lower 32; little-endian)."""
    return [
        _step(_LOAD, _ARGUMENTS_OFFSET + 8 * argument),
        _step(_AND, wanted | unwanted),
        _step(_EQUAL, wanted, no=1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _ERRNO | errno.EPERM),
    ]
