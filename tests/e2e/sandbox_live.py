#!/usr/bin/env python3
"""The roles of a running service as the kernel sees them, under every set of privileges it may be started with.

usage: sandbox_live.py BUILD                 (as root; otherwise only what an ordinary user can have)

  root      everything
  service   root with CAP_SETUID, CAP_SETGID, CAP_SETPCAP and CAP_KILL
  ambient   another user with CAP_SETUID and CAP_SETGID as ambient capabilities
  unit      the same where /proc shows nobody else's processes and nothing but processes (ProtectProc=, ProcSubset=)
  user      another user with nothing
  container root of a user namespace that may make neither user nor pid nor mount namespaces
"""
import dataclasses
import os
import pathlib
import re
import signal
import sys

import roles
import sandbox_site
import wire

SERVICE_USER = 64800
ROLE_USERS = {"gateway": 64801, "engine": 64802, "auditor": 64804, "health": 64805}
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "mnt")
OTHER_USER = ["setpriv", f"--reuid={SERVICE_USER}", f"--regid={SERVICE_USER}", "--clear-groups"]
AMBIENT = [*OTHER_USER, "--inh-caps=-all,+setuid,+setgid", "--ambient-caps=-all,+setuid,+setgid",
           "--bounding-set=-all,+setuid,+setgid", "--no-new-privs"]
HIDDEN_PROC = "mount -t proc -o hidepid=invisible,subset=pid proc /proc && exec \"$@\""
# The limits of /proc/sys/user are each user namespace's own.
CONTAINER = ("for kind in user pid mnt; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec \"$@\"")


@dataclasses.dataclass
class Shape:
    prefix: list
    own_user: bool = True
    user: int = SERVICE_USER  # of both roles, where they have none of their own
    namespaces: tuple = NAMESPACES
    root: str = "empty"
    skipped: tuple = ()


SHAPES = {
    "root": Shape([]),
    "service": Shape(["setpriv", "--bounding-set=-all,+setuid,+setgid,+setpcap,+kill"]),
    "ambient": Shape(AMBIENT),
    "unit": Shape(["unshare", "--mount", "sh", "-c", HIDDEN_PROC, "sh", *AMBIENT]),
    "user": Shape([*OTHER_USER, "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"], own_user=False,
                  skipped=("own user",)),
    "container": Shape(["unshare", "--user", "--map-root-user", "sh", "-c", CONTAINER, "sh"], own_user=False, user=0,
                       namespaces=("user", "net", "ipc", "uts"), root="empty directory",
                       skipped=("pid namespace", "mount namespace", "root without mounts", "own user")),
}


def entries(directory):
    """What is in it; nothing, when it is of a process that has ended."""
    try:
        return os.listdir(directory)
    except (FileNotFoundError, ProcessLookupError):
        return []


class Checks:
    def __init__(self):
        self.passed = self.total = 0

    def check(self, what, condition, seen=""):
        self.total += 1
        self.passed += bool(condition)
        print(f"{'ok     ' if condition else 'FAILED '} {what}{'' if condition else f': {seen}'}", flush=True)


def field(status, name):
    return re.search(rf"^{name}:[ \t]*(.*)$", status, re.MULTILINE).group(1)


def check_threads(checks, what, pid):
    """Every thread, by its own account with the kernel."""
    statuses = [(thread / "status").read_text() for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    for name, wanted in (("Seccomp", "2"), ("NoNewPrivs", "1"), ("CapInh", "0" * 16), ("CapPrm", "0" * 16),
                         ("CapEff", "0" * 16), ("CapAmb", "0" * 16), ("CapBnd", "0" * 16)):
        seen = {field(status, name) for status in statuses}
        checks.check(f"{what}: {name} is {wanted} on {len(statuses)} threads", seen == {wanted}, seen)
    seccomp_filters = {int(field(status, "Seccomp_filters")) for status in statuses}
    checks.check(f"{what}: both lists bind every thread", min(seccomp_filters) >= 2, seccomp_filters)


def check_role(checks, shape_name, name, pid, report):
    shape = SHAPES[shape_name]
    what = f"{shape_name}: {name}"
    check_threads(checks, what, pid)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    if "pid" in shape.namespaces:
        numbers = field(status, "NSpid").split()
        checks.check(f"{what} is process 1 of a namespace", len(numbers) == 2 and numbers[1] == "1", numbers)
    for namespace in shape.namespaces:
        theirs, ours = (os.readlink(f"/proc/{p}/ns/{namespace}") for p in (pid, "self"))
        checks.check(f"{what} has its own {namespace} namespace", theirs != ours, theirs)
    checks.check(f"{what}: its root is empty", entries(f"/proc/{pid}/root") == [], entries(f"/proc/{pid}/root"))
    user = ROLE_USERS[name] if shape.own_user else shape.user
    checks.check(f"{what} is user {user} alone", set(field(status, "Uid").split()) == {str(user)}, field(status, "Uid"))
    groups = (set(field(status, "Gid").split()), field(status, "Groups").split())
    checks.check(f"{what} is in group {user} alone", groups == ({str(user)}, []), groups)
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    unlimited = {"auditor": ["Max file size"]}.get(name, [])  # it writes files
    for limit in {"Max file size", "Max processes", "Max core file size"} - set(unlimited):
        checks.check(f"{what}: {limit.lower()} is 0", re.search(rf"^{limit}\s+0\s+0", limits, re.MULTILINE), limits)
    # What the role says of itself has to be what is.
    told = {"namespaces": ["mount" if n == "mnt" else n for n in shape.namespaces], "root": shape.root, "locked_down": True,
            "no_new_privs": True, "capabilities_empty": True, "dumpable": False, "loosened": []}
    for key, value in told.items():
        checks.check(f"{what} reports {key}", report[key] == value, report[key])
    checks.check(f"{what} reports what it could not have: {', '.join(shape.skipped) or 'nothing'}",
                 tuple(line.split(":")[0] for line in report["skipped"]) == shape.skipped, report["skipped"])


def check_death(checks, shape, site):
    """Roles end with the supervisor even when they can do nothing for it themselves."""
    site.launch()
    site.wait_until_ready(30)
    pids = [pid for name, pid in roles.pids(site).items() if name in ROLE_USERS]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    # Behind the programs of the prefix is the service itself.
    os.kill(roles.pids(site)["supervisor"], signal.SIGKILL)
    gone = roles.until(lambda: not any(os.path.exists(f"/proc/{pid}/status") for pid in pids), 5)
    checks.check(f"{shape}: roles, even stopped ones, die with the supervisor", gone, pids)
    site.process.wait()
    site.process = None


def check_shape(checks, build, shape):
    prefix = SHAPES[shape].prefix
    site = sandbox_site.Site(build, prefix=prefix)
    try:
        if any(word.startswith("--reuid") for word in prefix):
            for path in (site.directory, *site.directory.rglob("*")):
                os.chown(path, SERVICE_USER, SERVICE_USER)
        if prefix and SHAPES[shape].own_user:  # as systemd-tmpfiles does, where the service may not give it away
            audit = site.directory / "state/audit"
            audit.mkdir()
            os.chown(audit, ROLE_USERS["auditor"], audit.parent.stat().st_gid)
            audit.chmod(0o2750)
        site.launch()
        checks.check(f"{shape}: it serves", site.wait_until_ready(30), site.log.read_text()[-2000:])
        answer = site.request("POST", wire.CHAT, sandbox_site.chat(site))[0]
        checks.check(f"{shape}: it answers", answer == 200, answer)
        report = roles.status(site)
        for role in report["roles"]:
            check_role(checks, shape, role["name"], role["pid"], role["report"]["sandbox"])
        # A crash inside is told by name, whatever kills it from outside is told too.
        pid = roles.pids(site)["engine"]
        os.kill(pid, signal.SIGABRT)
        checks.check(f"{shape}: a crash is reported and named",
                     roles.until(lambda: any("crashed by SIGABRT" in line for line in site.lines("engine")), 10)
                     and "engine: crashed signal=SIGABRT sent=outside at=" in site.log.read_text(), site.log.read_text()[-600:])
        checks.check(f"{shape}: it stops in order", site.stop() == 0, site.log.read_text()[-600:])
        checks.check(f"{shape}: no role was killed", not site.killed(""), site.lines())
        check_death(checks, shape, site)
    finally:
        site.close()


def main(build):
    if os.geteuid() != 0:
        print("live: skipped: needs root, to look into the roles")
        return 77
    checks = Checks()
    for shape in SHAPES:
        try:
            check_shape(checks, build, shape)
        except Exception as error:  # noqa: BLE001: a shape that breaks is a failure, and the next one is tried
            checks.check(f"{shape}: no check breaks", False, repr(error))
    print(f"live: {checks.passed} of {checks.total} facts of 3 roles under {len(SHAPES)} sets of privileges")
    return 0 if checks.passed == checks.total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
