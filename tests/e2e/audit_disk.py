#!/usr/bin/env python3
"""The disk of a running service's log fills up, fails (EIO), or lets nothing be written any more (EROFS): new work is refused within a second
and says why, the journal, the metrics and status tell of it, nothing that was admitted is lost, and it is over by itself when the disk
works again; also where the service starts on a full disk.

usage: audit_disk.py BUILD     (as root: it mounts a small file system)
"""
import errno
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import service
import wire
from failnth_control import Control

AUDITOR = (64804, 0)
MEGABYTES = 16


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


class Disk:
    """A file system of its own for STATE/audit of a service that is stopped."""

    def __init__(self, site):
        self.path = site.directory / "state/audit"
        mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=2750,uid={AUDITOR[0]},gid={AUDITOR[1]}", "none", self.path)
        self.ballast = self.path / "ballast"

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def make_room(self):
        self.ballast.unlink()

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=False)


def ask(site):
    """(status, code, seconds)"""
    began = time.monotonic()
    status, _, body = site.request("POST", wire.CHAT, {
        "model": site.name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}, timeout=20)
    error = body.get("error") if isinstance(body, dict) else None
    return status, (error or {}).get("code"), time.monotonic() - began


class Asking(threading.Thread):
    """A request that may have to wait: it was admitted, and the log cannot say so yet."""

    def __init__(self, site):
        super().__init__(daemon=True)
        self.site = site
        self.answer = None
        self.start()

    def run(self):
        self.answer = ask(self.site)


def until_refused(site, seconds):
    """Asks until it is refused; those that are waiting then."""
    deadline = time.monotonic() + seconds
    waiting = []
    while time.monotonic() < deadline:
        asking = Asking(site)
        asking.join(1.5)
        if asking.answer is None:
            waiting.append(asking)
            continue
        status, code, _ = asking.answer
        if status == 503:
            check(code == "audit_unavailable", f"refused with {code}")
            return waiting
        check(status == 200, f"answered with {status} {code}")
    raise AssertionError("never refused")


def check_answered(waiting):
    """What was admitted is answered when it could be written down."""
    for asking in waiting:
        asking.join(10)
        check(asking.answer is not None and asking.answer[0] == 200, f"admitted, and then {asking.answer}")
    return len(waiting)


def until_answered(site, seconds):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if ask(site)[0] == 200:
                return time.monotonic() - began
        except OSError:
            pass  # it is being started
        time.sleep(0.05)
    raise AssertionError("it does not recover by itself")


def check_refusal(site, why):
    for _ in range(5):
        status, code, took = ask(site)
        check((status, code) == (503, "audit_unavailable"), f"{why}: {status} {code}")
        check(took < 1, f"{why}: refused only after {took:.1f} s")
    status = site.run("status", "--config", str(site.config), check=False).stdout
    check("failing" in status, f"{why}: status says nothing of it")
    check(metric(site, "redoubt_audit_up") == 0, f"{why}: the metrics say nothing of it")
    check("ALARM: the audit log cannot be written" in site.log.read_text(), f"{why}: the journal says nothing of it")


def metric(site, name):
    text = site.request("GET", "/metrics")[2]
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " "))


def check_whole(site):
    verified = site.run("audit", "verify", "--config", str(site.config), check=False)
    check(verified.returncode == 0, f"verify: {verified.stdout}{verified.stderr}")


def break_disk(build):
    """Every call of the auditor that would change something on the disk fails; how long each kind took to be over."""
    took = []
    with service.Service(build) as site:
        site.stop()
        copy = site.directory / "failing_redoubt"
        shutil.copy(pathlib.Path(build) / "tests/e2e/failing_redoubt", copy)
        control = Control(copy)
        site.binary = copy
        for error in (errno.EIO, errno.EROFS):
            site.log.write_bytes(b"")
            site.start()
            control.break_all("auditor", "change", error)
            waiting = until_refused(site, 10)
            check_refusal(site, errno.errorcode[error])
            control.disarm()
            took.append(until_answered(site, 10))
            check_answered(waiting)
            check(metric(site, "redoubt_audit_up") == 1, "the metrics say that it is over")
            check(site.stop() == 0, "a clean stop")
            check_whole(site)
    return took


def main(build):
    if os.geteuid() != 0:
        print("audit-disk: skipped: needs root, to mount a small disk")
        return 77
    with service.Service(build) as site:
        site.stop()
        disk = Disk(site)
        try:
            site.start()
            disk.fill()
            waiting = until_refused(site, 60)
            check_refusal(site, "full")
            disk.make_room()
            full = until_answered(site, 10)
            waited = check_answered(waiting)
            site.stop()
            disk.fill()
            site.launch()
            time.sleep(5)
            disk.make_room()
            start = until_answered(site, 20)
            site.stop()
            check_whole(site)
        finally:
            disk.close()
    broken = break_disk(build)
    print(f"audit-disk: full: refused with 503 audit_unavailable within 1 s, told by status, over by itself {full:.1f} s after "
          f"there was room, {waited} that were admitted waited and were answered; full at the start: up {start:.1f} s after "
          f"there was room; EIO and EROFS at every call: the same, over after {broken[0]:.1f} and {broken[1]:.1f} s; the logs are whole")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
