"""One life of a service in which one call fails: start, two concurrent streams, a reload, one more request, the end; and
what is right about it."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

from failnth_control import Control
from kills import Answer
from service import Service
from supervision_systemd import FakeSystemd

PATIENCE_SECONDS = 15  # a step that takes longer is a hang; a role that hangs is replaced before
START_SECONDS = 45     # a gateway has 30 s to be ready, and is replaced then
SETTLE_SECONDS = 3
AUDIT_SECONDS = 4      # an auditor that failed once has written it by then, or is replaced
LEFTOVER_SECONDS = 3   # for the kernel to end roles whose supervisor is gone

CHAT = ("/v1/chat/completions",
        {"model": "redoubt-demo", "messages": [{"role": "user", "content": "How do I import a bundle?"}],
         "max_tokens": 100, "seed": 11, "temperature": 1.0, "top_p": 0.95, "ignore_eos": True, "stream": True,
         "stream_options": {"include_usage": True}})
TEXT = ("/v1/completions",
        {"model": "redoubt-demo", "prompt": "The bundle", "max_tokens": 80, "seed": 12, "temperature": 1.0, "logprobs": 2,
         "ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}})
LAST = ("/v1/completions",
        {"model": "redoubt-demo", "prompt": "A key", "max_tokens": 20, "seed": 13, "temperature": 1.0, "ignore_eos": True})
REQUESTS = {"chat": CHAT, "text": TEXT, "last": LAST}


class Lost(Exception):
    """The client got no whole answer."""


class NotReady(Lost):
    """It was told to come again."""


class NotRecorded(Lost):
    """It was told to come again, because the log could not be written just then."""


def code_in(text):
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return json.loads(text)["error"]["code"]
    return None


def names_memory(text):
    """Without memory nothing more can be done in style: what counts is that it is said."""
    return "out of memory" in text or "bad_alloc" in text


class Life:
    """What happened in one run."""

    def __init__(self):
        self.problems = []
        self.refused = None       # what the log said when the service did not start
        self.lost = {}            # request: how
        self.reload = None        # the outcome of the first
        self.restarts = {}
        self.descriptors = 0
        self.seconds = 0.0
        self.marks = []           # (phase, when it began)
        self.calls = {}           # phase: calls until its end
        self.log = ""

    def phase_at(self, when):
        return next((name for name, begun in reversed(self.marks) if when >= begun), "start")


class Site:
    """A service's directory and its copy of the executable; used for one life after another."""

    def __init__(self, build, executable):
        self.systemd = FakeSystemd(watchdog_seconds=60)
        settings = {"supervisor.busy_timeout_ms": 1_000, "supervisor.load_timeout_ms": 10_000,
                    "supervisor.restart_intensity": 100,
                    "server.drain_timeout_ms": 5_000, "limits.requests_max": 4, "engine.threads": 2}
        self.service = Service(build, settings=settings, environment=self.systemd.environment)
        copy = self.service.directory / "failing_redoubt"
        shutil.copy(executable, copy)
        self.control = Control(copy)
        self.service.binary = copy
        self.right = {}
        self.descriptors_right = 1_000  # until an undisturbed life has said

    def close(self):
        self.control.disarm()
        self.service.close()
        self.systemd.close()

    # ---- one life ---------------------------------------------------------------------------------------

    def live(self, plan=None):
        """plan: (role, call, number, errno), or None when nothing is to fail."""
        life = Life()
        begun = time.monotonic()
        self.control.reset()
        if plan:
            self.control.arm(*plan)
        self.systemd.messages.clear()
        shutil.rmtree(self.service.directory / "state/tls", ignore_errors=True)  # making them is part of the start
        self.service.log.write_bytes(b"")
        try:
            self.begin(life, "start")
            if not self.start(life) and not self.start_again(life):
                return life
            self.begin(life, "streams")
            self.ask(life, "chat", "text")
            self.begin(life, "reload")
            life.reload = self.reload(life)
            self.begin(life, "last")
            self.ask(life, "last")
            self.check_recovered(life)
            self.begin(life, "stop")
            self.stop(life)
        finally:
            self.kill_leftovers()
            self.end_phase(life)
            life.seconds = time.monotonic() - begun
            life.log = self.service.log.read_text(errors="replace")
        return life

    def begin(self, life, phase):
        self.end_phase(life)
        life.marks.append((phase, time.monotonic()))

    def end_phase(self, life):
        if life.marks and life.marks[-1][0] not in life.calls:
            life.calls[life.marks[-1][0]] = self.control.calls()

    # ---- start ------------------------------------------------------------------------------------------

    def start(self, life):
        """Whether it came up."""
        self.service.launch()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if "READY" in self.systemd.states():
                return True
            status = self.service.process.poll()
            if status is not None:
                self.refused_to_start(life, status)
                return False
            time.sleep(0.002)
        self.note_states(life)
        serves = self.serves()
        life.problems.append("it serves but never told systemd" if serves else f"not ready after {START_SECONDS} s")
        return serves

    def note_states(self, life):
        """What each process waits in, for the report of a hang."""
        for pid in self.processes():
            with contextlib.suppress(OSError):
                state = pathlib.Path(f"/proc/{pid}/syscall").read_text().split()[0]
                name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                life.problems.append(f"{name} ({pid}) is in system call {state}")

    def refused_to_start(self, life, status):
        self.service.process = None
        life.refused = self.service.log.read_text(errors="replace").strip()
        if status == 0:
            life.problems.append("it ended with status 0 instead of starting")
        elif status < 0 and not names_memory(life.refused):
            life.problems.append(f"it was ended by {signal.Signals(-status).name} instead of starting")
        if not life.refused:
            life.problems.append("it refused to start and did not say why")
        self.check_leftovers(life)

    def start_again(self, life):
        """What was refused once must be possible the next time, with whatever the first time left behind."""
        self.control.disarm()
        self.kill_leftovers()
        if self.start(life):
            return True
        life.problems.append("it does not start the next time either")
        return False

    def serves(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.service.request("GET", "/ready", timeout=5)[0] == 200
        return False

    # ---- requests ---------------------------------------------------------------------------------------

    def ask(self, life, *names):
        """All at the same time; what is wrong or lost is noted."""
        threads = [threading.Thread(target=self.ask_one, args=(life, name)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def ask_one(self, life, name):
        try:
            answer = self.fetch_when_ready(life, *REQUESTS[name])
        except TimeoutError:
            life.problems.append(f"{name}: no answer within {PATIENCE_SECONDS} s")
            return
        except Lost as loss:
            life.lost[name] = str(loss)
            return
        if name not in self.right:
            self.right[name] = answer.comparable()
        elif answer.comparable() != self.right[name]:
            life.problems.append(f"{name}: wrong answer {answer.comparable()[:300]}")

    def fetch_when_ready(self, life, path, body):
        """systemd is told a moment before the gateway has heard from the engine."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        recorded_by = time.monotonic() + AUDIT_SECONDS
        while True:
            try:
                return self.fetch(path, body, deadline)
            except NotRecorded:
                if time.monotonic() > recorded_by:
                    raise
                time.sleep(0.1)
            except NotReady:
                if life.marks[-1][0] != "streams" or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def fetch(self, path, body, deadline):
        answer = Answer()
        connection = self.service.connect(PATIENCE_SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {self.service.api_key}",
                                                                "Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status != 200:
                text = response.read().decode(errors="replace")
                kind = {"starting": NotReady, "audit_unavailable": NotRecorded}.get(code_in(text), Lost)
                raise kind(f"status {response.status}: {text[:200]}")
            complete = not body.get("stream")
            if complete:
                answer.add(json.loads(response.read()))
            for line in response:
                if time.monotonic() > deadline:  # comments keep a stream open
                    raise TimeoutError
                if line.startswith(b"data: [DONE]"):
                    complete = True
                elif line.startswith(b"data: "):
                    answer.add(json.loads(line[6:]))
            if answer.errors:
                raise Lost(f"error in the stream: {answer.errors[0]}")
            if not complete:
                raise Lost("the stream broke off")
            return answer
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Lost(repr(error)) from error
        finally:
            connection.close()

    # ---- reload -----------------------------------------------------------------------------------------

    def reload(self, life):
        """SIGHUP; what came of it, as `redoubt status` says."""
        before = time.monotonic()
        self.service.process.send_signal(signal.SIGHUP)
        deadline = before + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self.service.process.poll() is not None:
                life.problems.append("the supervisor ended while it reloaded")
                return None
            if self.systemd.states(before)[-2:] == ["RELOADING", "READY"]:
                break
            time.sleep(0.002)
        else:
            life.problems.append("systemd was not told of the reload's end")
        return (self.status(life) or {}).get("last_reload", {}).get("reload")

    def status(self, life):
        """By the control socket. Whoever asks at the wrong moment asks again."""
        for _ in range(3):
            with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as control:
                control.settimeout(PATIENCE_SECONDS)
                control.connect(str(self.service.directory / "run/control.sock"))
                control.sendall(b"status\n")
                text = b""
                while part := control.recv(65536):
                    text += part
                return json.loads(text)
        life.problems.append("no status to be had")
        return None

    # ---- afterwards -------------------------------------------------------------------------------------

    def check_recovered(self, life):
        """Whatever failed before: requests are answered, a reload works, nothing leaked."""
        if "last" in life.lost:
            retry = Life()
            self.begin(retry, "again")
            self.ask(retry, "last")
            life.problems += [f"the request after it: {what}" for what in [*retry.problems, *retry.lost.values()]]
        if life.reload != "done":
            again = self.reload(life)
            if again != "done":
                life.problems.append(f"the reload after it: {again}")
        status = self.status(life)
        if status is None:
            return
        life.restarts = {role["name"]: role["restarts"] for role in status["roles"] if role["restarts"]}
        life.descriptors = self.settled_descriptors()

    def settled_descriptors(self):
        """Of the supervisor, once a role that is being replaced or a connection that is being closed holds none."""
        directory = f"/proc/{self.service.process.pid}/fd"
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            count = len(os.listdir(directory))
            if count <= self.descriptors_right or time.monotonic() > deadline:
                return count
            time.sleep(0.02)

    # ---- stop -------------------------------------------------------------------------------------------

    def stop(self, life):
        process = self.service.process
        if process.poll() is not None:
            life.problems.append(f"the supervisor had ended with {process.returncode}")
            return
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            life.problems.append(f"not stopped after {PATIENCE_SECONDS} s")
            return
        if status != 0:
            life.problems.append(f"it ended with {status} when it was told to stop")
        self.check_leftovers(life)

    def processes(self):
        """All that run this copy of the executable."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if os.readlink(entry / "exe") == str(self.service.binary):
                        found.append(int(entry.name))
        return found

    def check_leftovers(self, life):
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while self.processes():
            if time.monotonic() > deadline:
                life.problems.append(f"processes left over: {self.processes()}")
                return
            time.sleep(0.005)

    def kill_leftovers(self):
        for pid in self.processes():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if self.service.process is not None:
            self.service.process.wait()
            self.service.process = None
