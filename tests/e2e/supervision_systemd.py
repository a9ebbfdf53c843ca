"""Plays systemd for a service under test: the notify socket, the watchdog's interval, handed-over descriptors, and the
user and capabilities of image/systemd/redoubt.service."""
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import threading
import time

# A user that owns nothing but the state directory. Any number does that is nobody else's.
SERVICE_UID = 64803
CAPABILITIES = ("setuid", "setgid")


class FakeSystemd:
    """Collects what a service says: messages of (time, assignments, descriptors)."""

    def __init__(self, watchdog_seconds=3.0):
        self.directory = tempfile.TemporaryDirectory(prefix="redoubt-notify-")
        os.chmod(self.directory.name, 0o755)
        self.path = pathlib.Path(self.directory.name) / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        os.chmod(self.path, 0o666)
        self.watchdog_seconds = watchdog_seconds
        self.messages = []
        self.stored = {}  # name: descriptor, as FDSTORE=1 would keep it
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(int(self.watchdog_seconds * 1e6))}

    def _listen(self):
        while True:
            try:
                text, fds, _, _ = socket.recv_fds(self.socket, 65536, 4)
            except OSError:
                return
            message = dict(line.split("=", 1) for line in text.decode().splitlines())
            name = message.get("FDNAME")
            if "FDSTOREREMOVE" in message and name in self.stored:
                os.close(self.stored.pop(name))
            if "FDSTORE" in message and fds:
                self.stored[name] = fds[0]
            self.messages.append((time.monotonic(), message))

    def states(self, since=0.0):
        """The states of the service, in order."""
        return [key for at, message in self.messages for key in ("READY", "RELOADING", "STOPPING")
                if key in message and at >= since]

    def values(self, key, since=0.0):
        return [message[key] for at, message in self.messages if key in message and at >= since]

    def times(self, key, since=0.0):
        return [at for at, message in self.messages if key in message and at >= since]

    def close(self):
        self.socket.close()
        for fd in self.stored.values():
            os.close(fd)
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def hand_over(descriptors):
    """A command prefix and Popen arguments that hand over named descriptors as sd_listen_fds(3) finds them."""
    numbers = list(descriptors.values())
    moves = " ".join(f"{3 + i}<&{100 + i}" for i in range(len(numbers)))
    high = [os.dup2(number, 100 + i, inheritable=True) for i, number in enumerate(numbers)]
    script = (f"exec {moves}; export LISTEN_PID=$$ LISTEN_FDS={len(numbers)} LISTEN_FDNAMES={':'.join(descriptors)}; "
              'exec "$@"')
    return ["bash", "-c", script, "bash"], {"pass_fds": tuple(high)}


def confined():
    """A command prefix: behind the filters of the unit. Nothing where there is no systemd to say what they are."""
    if shutil.which("systemd-analyze") is None:
        return []
    here = pathlib.Path(__file__).resolve()
    unit = here.parents[2] / "image/systemd/redoubt.service"
    return [sys.executable, str(here.with_name("supervision_confine.py")), str(unit), "--"]


def unprivileged(user=SERVICE_UID):
    """A command prefix: the service's user with the unit's capabilities and no others, and no way to more."""
    held = ",".join("+" + name for name in CAPABILITIES)
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", f"--inh-caps=-all,{held}",
            f"--ambient-caps=-all,{held}", f"--bounding-set=-all,{held}", "--no-new-privs"]
