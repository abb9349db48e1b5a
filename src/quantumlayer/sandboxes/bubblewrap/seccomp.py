"""The system calls that nothing inside a sandbox may make, as a BPF program for `bwrap --seccomp`."""

import errno
import functools
import importlib
import tempfile
from typing import Any

from quantumlayer.errors import EnvironmentError_

try:
    pyseccomp: Any = importlib.import_module("pyseccomp")
except (ImportError, OSError, RuntimeError):  # the wheel is there, the C library it loads is not
    pyseccomp = None

_REFUSED = (
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "move_mount",
    "open_tree",
    "mount_setattr",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "process_madvise",
    "pidfd_getfd",
    "unshare",
    "setns",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "memfd_secret",
    "modify_ldt",
    "personality",
    "add_key",
    "request_key",
    "keyctl",
    "name_to_handle_at",
    "open_by_handle_at",
    "fanotify_init",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "swapon",
    "swapoff",
    "reboot",
    "syslog",
    "acct",
    "quotactl",
    "quotactl_fd",
    "settimeofday",
    "clock_settime",
    "adjtimex",
    "clock_adjtime",
    "sethostname",
    "setdomainname",
    "iopl",
    "ioperm",
    "vhangup",
    "lookup_dcookie",
    "nfsservctl",
    "uselib",
    "ustat",
    "sysfs",
    "_sysctl",
    "move_pages",
    "migrate_pages",
)
# Runtimes try these and fall back to an older way when the kernel does not know them.
_UNKNOWN = ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register")
_NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_SOCKET_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_EXOTIC_FAMILIES = tuple(f for f in range(max(_SOCKET_FAMILIES)) if f not in _SOCKET_FAMILIES)


@functools.cache
def program(memfd: bool) -> bytes:
    """The filter as BPF. Without `memfd`, anonymous files are refused: nothing would count their memory.

    Raises `EnvironmentError_` where libseccomp is missing.
    """
    if pyseccomp is None:
        raise EnvironmentError_("libseccomp is missing", hint="apt-get install libseccomp2 (or your system's package of it)")
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse, unknown = pyseccomp.ERRNO(errno.EPERM), pyseccomp.ERRNO(errno.ENOSYS)
    for name in _REFUSED:
        _add(rules, refuse, name)
    for name in _UNKNOWN if memfd else (*_UNKNOWN, "memfd_create"):
        _add(rules, unknown, name)
    for flag in _NEW_NAMESPACES:
        _add(rules, refuse, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for request in _TERMINAL_INJECTION:
        _add(rules, refuse, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    family = pyseccomp.ERRNO(errno.EAFNOSUPPORT)
    for number in _EXOTIC_FAMILIES:
        _add(rules, family, "socket", pyseccomp.Arg(0, pyseccomp.EQ, number))
    _add(rules, family, "socket", pyseccomp.Arg(0, pyseccomp.GT, max(_SOCKET_FAMILIES)))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules: Any, action: int, name: str, *arguments: Any) -> None:
    """Adds a rule, unless this architecture does not have the call or libseccomp is too old to know it.

    Such a call still meets the namespaces, the lack of capabilities and the cgroup: the filter is one wall of several.
    """
    try:
        number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    except (ValueError, OSError):
        return
    if number >= 0:
        rules.add_rule(action, name, *arguments)
