"""The processes of a service as the kernel sees them: memory, descriptors, sockets, and what `redoubt status` says."""
import json
import os
import pathlib
import re
import time


def status(service):
    return json.loads(service.run("status", "--json", "--config", service.config).stdout)


def pids(service):
    """Process ids by name: supervisor, gateway, engine, and whatever other role there is."""
    report = status(service)
    return {"supervisor": report["pid"], **{role["name"]: role.get("pid", 0) for role in report["roles"]}}


def stats(service, role):
    return next(r.get("stats", {}) for r in status(service)["roles"] if r["name"] == role)


def status_number(pid, field):
    """A number from /proc/PID/status."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+)", text, re.MULTILINE).group(1))


def resident_kb(pid):
    return status_number(pid, "VmRSS")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(pid):
    """The inodes of a process's sockets."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(int(target[8:-1]))
    return inodes


def internet_sockets(pid, inodes=None):
    """Rows of /proc/PID/net for TCP, UDP and raw sockets in the process's network: (protocol, port, state, inode)."""
    rows = []
    for protocol in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
        try:
            lines = pathlib.Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            inode = int(words[9])
            if inodes is None or inode in inodes:
                rows.append((protocol, int(words[1].rsplit(":", 1)[1], 16), words[3], inode))
    return rows


def until(condition, seconds, pause=0.1):
    """Whether `condition` came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
