#!/usr/bin/env python3
"""supervision_confine.py UNIT -- COMMAND…: runs COMMAND behind the filters that systemd would install for a unit, read
from the unit file itself: SystemCallFilter=, RestrictNamespaces=, RestrictAddressFamilies= and
MemoryDenyWriteExecute=; and in a mount namespace with ProtectProc=invisible and ProcSubset=pid where the unit asks for
them. A unit cannot be booted in a test, but it can be found to forbid what the service needs."""
import ctypes
import ctypes.util
import errno
import os
import pathlib
import subprocess
import sys

ACT_ALLOW, ACT_ERRNO = 0x7FFF0000, 0x00050000
COMPARE_NE, COMPARE_MASKED_EQ = 1, 7
AF_UNIX, PROT_WRITE, PROT_EXEC = 1, 2, 4
NAMESPACES = {"mnt": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000,
              "pid": 0x20000000, "net": 0x40000000, "time": 0x00000080}
SYSCALLS_WITH_NAMESPACES = {"clone": 0, "unshare": 0, "setns": 1}  # and where their flags are


class Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p

    def __init__(self, otherwise):
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(otherwise)))

    def add(self, action, name, *comparisons):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not of this architecture
        array = (Comparison * max(1, len(comparisons)))(*comparisons)
        done = self.library.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, len(comparisons), array)
        if done != 0:
            raise OSError(-done, f"seccomp rule for {name}")

    def load(self):
        done = self.library.seccomp_load(self.context)
        if done != 0:
            raise OSError(-done, "seccomp_load")


def settings_of(unit):
    """Every assignment of a unit, lists in order."""
    settings = {}
    for line in pathlib.Path(unit).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


def expand(names):
    """System calls, with @sets resolved by systemd itself."""
    found = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name)
            continue
        lines = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True,
                               check=True).stdout.splitlines()[1:]
        found |= expand(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))
    return found


def restrict_syscalls(lines):
    allowed = set()
    for line in lines:
        deny = line.startswith("~")
        names = expand(line.lstrip("~").split())
        allowed = allowed - names if deny else allowed | names
    # systemd adds what every program needs to start at all.
    rules = Filter(ACT_ERRNO | errno.EPERM)
    for name in sorted(allowed | expand(["@default"]) | {"execve"}):
        rules.add(ACT_ALLOW, name)
    rules.load()


def restrict_namespaces(allowed):
    rules = Filter(ACT_ALLOW)
    rules.add(ACT_ERRNO | errno.ENOSYS, "clone3")  # its flags cannot be seen
    for name, flag in NAMESPACES.items():
        if name in allowed:
            continue
        for syscall, argument in SYSCALLS_WITH_NAMESPACES.items():
            rules.add(ACT_ERRNO | errno.EPERM, syscall, Comparison(argument, COMPARE_MASKED_EQ, flag, flag))
    rules.load()


def restrict_sockets_and_memory():
    rules = Filter(ACT_ALLOW)
    rules.add(ACT_ERRNO | errno.EAFNOSUPPORT, "socket", Comparison(0, COMPARE_NE, AF_UNIX, 0))
    both = PROT_WRITE | PROT_EXEC
    rules.add(ACT_ERRNO | errno.EPERM, "mmap", Comparison(2, COMPARE_MASKED_EQ, both, both))
    rules.add(ACT_ERRNO | errno.EPERM, "mprotect", Comparison(2, COMPARE_MASKED_EQ, PROT_EXEC, PROT_EXEC))
    rules.load()


def hide_processes():
    """A /proc in which others' processes cannot be seen. False where this container does not allow one."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NAMESPACES["mnt"]) != 0 or libc.mount(None, b"/", None, 0x4000 | 0x40000, None) != 0:
        return False
    return libc.mount(b"proc", b"/proc", b"proc", 14, b"hidepid=invisible,subset=pid") == 0


def main(unit, separator, *command):
    assert separator == "--"
    settings = settings_of(unit)
    if settings.get("ProcSubset") == ["pid"] and settings.get("ProtectProc") == ["invisible"] and not hide_processes():
        print("supervision_confine: /proc stays as it is", file=sys.stderr)
    if settings.get("RestrictAddressFamilies") == ["AF_UNIX"] and settings.get("MemoryDenyWriteExecute") == ["yes"]:
        restrict_sockets_and_memory()
    restrict_namespaces(settings["RestrictNamespaces"][0].split())
    restrict_syscalls(settings["SystemCallFilter"])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
