"""The parts of the suite "supervision": each takes a Report and says what holds."""
import concurrent.futures
import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import roles
from service import Service
from supervision_systemd import SERVICE_UID, FakeSystemd, confined, hand_over, unprivileged

FULL = os.environ.get("FULL") == "1"
SANITIZED = os.environ.get("SANITIZED") == "1"
FAULTY = "tests/e2e/faulty_redoubt"
AUDITOR_UID = 64804
STUCK_SECONDS = 10.0  # from the moment it froze to the end of its process
MANY = {"supervisor.restart_intensity": 1_000_000}
TEXT = "/v1/completions"


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.figures = {}

    def check(self, what, holds, detail=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok     ' if holds else 'FAILED '} {what}{f'  ({detail})' if detail != '' else ''}", flush=True)


def ask(service, tokens=8, prompt="hello", timeout=60):
    return service.request("POST", TEXT, {"model": service.name, "prompt": prompt, "max_tokens": tokens,
                                          "temperature": 0}, timeout=timeout)


def role(service, name):
    return next(r for r in roles.status(service)["roles"] if r["name"] == name)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def uid_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1])


def settled(service):
    return lambda: roles.status(service)["state"] == "ready"


# ---- systemd ----------------------------------------------------------------------------------------------------


def check_notifications(report):
    """What systemd hears from the start to the end, in order."""
    with FakeSystemd() as systemd, Service(environment=systemd.environment,
                                           settings={"engine.keep_weights": "always"}) as service:
        report.check("one READY=1 at the start", roles.until(lambda: systemd.states() == ["READY"], 5), systemd.states())
        report.check("progress extends the start", systemd.values("EXTEND_TIMEOUT_USEC") != [])
        report.check("the status says what is served where",
                     roles.until(lambda: systemd.values("STATUS")[-1:] == [
                         f"serving {service.name} on 127.0.0.1:{service.port}"], 5), systemd.values("STATUS"))
        report.check("the weights are handed over to keep", "redoubt-weights" in systemd.stored)
        check_watchdog_pace(report, systemd)
        check_reloads(report, service, systemd)
        check_engine_kill(report, service, systemd)

        since = time.monotonic()
        report.check("it ends with status 0", service.stop() == 0)
        report.check("STOPPING=1 and nothing after", systemd.states(since) == ["STOPPING"], systemd.states(since))
        report.check("and how long that may take", systemd.values("EXTEND_TIMEOUT_USEC", since) == ["45000000"])


def check_watchdog_pace(report, systemd):
    since = time.monotonic()
    time.sleep(systemd.watchdog_seconds * 1.5)
    times = systemd.times("WATCHDOG", since)
    gaps = [b - a for a, b in zip(times, times[1:])]
    report.check("WATCHDOG=1 at a third of the interval", len(times) >= 3 and max(gaps) <= systemd.watchdog_seconds / 2,
                 [round(gap, 2) for gap in gaps])


def check_reloads(report, service, systemd):
    pids = roles.pids(service)
    kept = service.connect()
    headers = {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"}

    def ask_on_kept():
        kept.request("POST", TEXT, json.dumps({"model": service.name, "prompt": "hello", "max_tokens": 4}), headers)
        response = kept.getresponse()
        response.read()
        return response.status

    report.check("a connection is open", ask_on_kept() == 200)
    since = time.monotonic()
    service.settings.update({"limits.body_bytes_max": 4096, "engine.threads": 1})
    service.write_config()
    service.process.send_signal(signal.SIGHUP)
    report.check("SIGHUP: RELOADING=1, then READY=1",
                 roles.until(lambda: systemd.states(since) == ["RELOADING", "READY"], 5), systemd.states(since))
    stamp = int(systemd.values("MONOTONIC_USEC", since)[0]) / 1e6
    report.check("with the time of the monotonic clock", since <= stamp <= time.monotonic())
    report.check("the connection lives on", ask_on_kept() == 200)
    report.check("in the same processes", roles.pids(service) == pids)
    report.check("what changed is in effect",
                 service.request("POST", TEXT, {"model": service.name, "prompt": "x" * 5000})[0] == 413)
    report.check("what needs a restart is named", roles.status(service)["last_reload"] == {
        "reload": "done", "changed": ["limits.body_bytes_max"], "needs_restart": ["engine.threads"]})

    text = service.config.read_text()
    service.config.write_text(text.replace("= 4096", "= 1"))
    since = time.monotonic()
    service.process.send_signal(signal.SIGHUP)
    report.check("an invalid file: likewise RELOADING=1, then READY=1",
                 roles.until(lambda: systemd.states(since) == ["RELOADING", "READY"], 5))
    service.config.write_text(text)
    report.check("and one error",
                 "limits.body_bytes_max must be 1024 to" in roles.status(service)["last_reload"].get("error", ""))
    report.check("which changed nothing",
                 service.request("POST", TEXT, {"model": service.name, "prompt": "x" * 3000})[0] != 413)
    report.check("the verb waits for the outcome", "engine.threads: needs a restart of the service" in
                 service.run("reload", "--config", service.config).stdout)
    report.check("the connection still lives", ask_on_kept() == 200)
    kept.close()


def check_engine_kill(report, service, systemd):
    since = time.monotonic()
    before = roles.pids(service)
    os.kill(before["engine"], signal.SIGKILL)
    report.check("a killed engine is back within a second", roles.until(
        lambda: role(service, "engine")["pid"] not in (0, before["engine"]) and settled(service)(), 1, 0.01),
        f"{time.monotonic() - since:.3f} s")
    report.check("which is no change of state", systemd.states(since) == [])
    report.check("the gateway has not noticed more than that", roles.pids(service)["gateway"] == before["gateway"])


def check_weights_return(report):
    """A restart of the whole service: the weights come back by way of systemd."""
    settings = {"engine.keep_weights": "always"}
    with FakeSystemd() as systemd, Service(environment=systemd.environment, settings=settings) as service:
        expected = ask(service)[2]["choices"][0]["text"]
        roles.until(lambda: "redoubt-weights" in systemd.stored, 5)
        service.stop()
        null = os.open("/dev/null", os.O_RDONLY)
        service.prefix, service.popen = hand_over({"redoubt-weights": systemd.stored["redoubt-weights"],
                                                   "of-another-version": null})
        since = time.monotonic()
        service.start()
        kept = role(service, "engine").get("weights_kept_bytes", 0)
        report.check("a restarted service has its weights back", kept > 0, f"{kept} bytes")
        report.check("and need not store them again", systemd.values("FDSTORE", since) == [])
        report.check("what nobody knows is closed and dropped",
                     "FDSTOREREMOVE" in next((m for at, m in systemd.messages if at >= since
                                              and m.get("FDNAME") == "of-another-version"), {}))
        report.check("the answer is the same", ask(service)[2]["choices"][0]["text"] == expected)
        os.close(null)


# ---- stuck ------------------------------------------------------------------------------------------------------


def check_stuck_engine(report):
    """SIGSTOP of an idle role: found out, ended and replaced."""
    with FakeSystemd(watchdog_seconds=1.5) as systemd, Service(environment=systemd.environment) as service:
        for name in ("engine", "gateway"):
            pid = roles.pids(service)[name]
            frozen_at = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            gone = roles.until(lambda: not os.path.exists(f"/proc/{pid}"), STUCK_SECONDS + 5, 0.01)
            took = time.monotonic() - frozen_at
            report.check(f"a stopped {name} is ended within {STUCK_SECONDS:.0f} s", gone and took <= STUCK_SECONDS,
                         f"{took:.2f} s")
            report.check(f"and replaced within a second of it", roles.until(settled(service), 1, 0.01))
            report.figures[f"stuck {name} ended after"] = f"{took:.1f} s"


PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17


def check_unkillable_engine(report):
    """Held by a debugger, even a killed process does not go away: then the watchdog is no longer petted."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    with FakeSystemd(watchdog_seconds=0.9) as systemd, \
            Service(environment=systemd.environment, settings={"supervisor.busy_timeout_ms": 1500}) as service:
        pid = roles.pids(service)["engine"]
        if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
            report.check("(ptrace is not permitted here: an engine that cannot be ended was not tried)", True)
            return
        os.kill(pid, signal.SIGSTOP)
        time.sleep(2.5)  # past its deadline
        since = time.monotonic()
        used = cpu_seconds(service.process.pid)
        time.sleep(3)
        report.check("an engine that cannot be ended is silence", systemd.times("WATCHDOG", since) == [])
        used = cpu_seconds(service.process.pid) - used
        report.check("in which the supervisor does not spin", used < 0.5, f"{used:.2f} s of 3")
        os.waitpid(pid, 0x40000000)  # __WALL: the debugger lets go of what is left
        report.check("until it is gone", roles.until(lambda: len(systemd.times("WATCHDOG", since)) >= 2, 5))
        report.check("and the engine is back", roles.until(settled(service), 5))


def check_stuck_step(report):
    """A step that really is stuck, asleep or spinning; and the request that did it."""
    with FakeSystemd() as systemd, Service(binary=FAULTY, environment=systemd.environment, settings=MANY) as service:
        for fault in (10, 12) if FULL else (10,):
            begun = time.monotonic()
            status, _, answer = ask(service, prompt=[7, 7, 7, 7, fault])
            took = time.monotonic() - begun
            report.check(f"stuck step {fault}: ended within {STUCK_SECONDS:.0f} s, twice, then the request is refused",
                         status == 422 and took <= 2 * STUCK_SECONDS + 1, f"{status} after {took:.1f} s")
            report.check("the supervisor counts it", roles.status(service)["quarantined"] >= 1)
            report.check("it was seen as a step without progress", "busy without progress" in
                         role(service, "engine")["last_exit"])
        report.check("the next question is answered", ask(service)[0] == 200)


# ---- restarts ---------------------------------------------------------------------------------------------------


def check_crash_loop(report):
    """An engine that cannot start: bounded pace, an alarm, and a gateway that says so at once."""
    settings = {"supervisor.restart_intensity": 2, "engine.keep_weights": "never"}
    with FakeSystemd() as systemd:
        service = Service(environment=systemd.environment, settings=settings)
        try:
            for stored in service.directory.glob("state/store/objects/" + 64 * "[0-9a-f]"):
                with open(stored, "r+b") as file:
                    file.write(b"not a model")
            service.launch()
            report.check("the gateway serves", roles.until(lambda: gateway_answers(service), 10))
            answers = []
            deadline = time.monotonic() + 8
            while time.monotonic() < deadline:
                begun = time.monotonic()
                status, headers, _ = ask(service)
                answers.append((status, "Retry-After" in headers, time.monotonic() - begun))
                time.sleep(0.05)
            slowest = max(took for _, _, took in answers)
            report.check("503 with Retry-After throughout", all(a[:2] == (503, True) for a in answers), len(answers))
            if not SANITIZED:
                report.check("each within 100 ms, connection included", slowest <= 0.1, f"{slowest * 1e3:.0f} ms")
            report.figures["slowest 503 of a crash loop"] = f"{slowest * 1e3:.0f} ms"
            report.check("the alarm is raised", roles.status(service)["state"] == "degraded")
            report.check("systemd is told what is wrong", any(
                text.startswith("ALARM: engine degraded") for text in systemd.values("STATUS")))
            report.check("and that the start is over", systemd.states() == ["READY"], systemd.states())
            report.check("it was not started more often than the policy says", role(service, "engine")["restarts"] == 2)
            report.check("the watchdog is petted all the while", len(systemd.times("WATCHDOG")) >= 6)
        finally:
            service.close()


def gateway_answers(service):
    try:
        return ask(service, timeout=2)[0] == 503
    except (OSError, http.client.HTTPException):
        return False


def check_gateway_restarts(report):
    """The sockets are the supervisor's: nobody is refused while gateways come and go."""
    times = 100 if FULL else 10
    refused, connected = [], [0]
    with Service(settings=MANY) as service, concurrent.futures.ThreadPoolExecutor(1) as pool:
        going = [True]

        def connect_all_the_time():
            while going[0]:
                try:
                    with socket.create_connection(("127.0.0.1", service.port), timeout=10):
                        connected[0] += 1
                except OSError as error:
                    refused.append(error)
                time.sleep(0.002)

        client = pool.submit(connect_all_the_time)
        for _ in range(times):
            pid = roles.pids(service)["gateway"]
            os.kill(pid, signal.SIGKILL)
            roles.until(lambda: role(service, "gateway")["pid"] not in (0, pid)
                        and role(service, "gateway")["state"] == "ready", 10, 0.01)
        going[0] = False
        client.result()
        report.check(f"{times} gateway restarts: no connection refused", not refused and connected[0] > times,
                     f"{connected[0]} connections, {len(refused)} refused")
        report.check("the last gateway answers", roles.until(lambda: ask(service)[0] == 200, 5))
    report.figures[f"refused in {times} gateway restarts"] = f"{len(refused)} of {connected[0]}"


def check_stop(report):
    """The end, when much happens at once."""
    with Service(settings=MANY) as service:
        stream = service.connect()
        stream.request("POST", TEXT, json.dumps({
            "model": service.name, "prompt": "hello", "max_tokens": 400, "temperature": 0, "stream": True,
            "ignore_eos": True}), {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"})
        response = stream.getresponse()
        first = response.readline()
        engine = roles.pids(service)["engine"]
        service.process.send_signal(signal.SIGTERM)
        os.kill(engine, signal.SIGKILL)
        rest = response.read()
        report.check("a stream survives SIGTERM and the death of its engine",
                     first.startswith(b"data:") and rest.rstrip().endswith(b"data: [DONE]"))
        report.check("then the service ends with status 0", service.process.wait(20) == 0)
        service.process = None
    service = Service()
    try:
        begun = time.monotonic()
        service.launch()
        time.sleep(0.05)
        report.check("SIGTERM while starting", service.stop() == 0, f"{time.monotonic() - begun:.2f} s")
    finally:
        service.close()


# ---- privileges -------------------------------------------------------------------------------------------------


def check_privileges(report):
    """The service as its unit runs it: a user without root, two capabilities, the unit's filters, sockets handed in."""
    if SANITIZED:
        report.check("(a sanitizer needs more than the unit allows: its privileges were not tried)", True)
        return
    if os.geteuid() != 0:
        report.check("(not root: the unit's privileges were not tried)", True)
        return
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    sockets, popen = hand_over({"redoubt.socket": listener.fileno()})
    with FakeSystemd() as systemd:
        service = Service(environment=systemd.environment, prefix=[*sockets, *confined(), *unprivileged()], **popen)
        try:
            service.port = listener.getsockname()[1]
            # What systemd does for StateDirectory= and RuntimeDirectory=, of which somebody else is the owner: systemd.exec(5).
            for name in ("state", "run"):
                (service.directory / name).mkdir(exist_ok=True)
                subprocess.run(["chown", "-R", f"{SERVICE_UID}:{SERVICE_UID}", service.directory / name], check=True)
            subprocess.run(["chmod", "700", service.directory / "state"], check=True)
            # And systemd-tmpfiles, for redoubt.tmpfiles.conf.
            audit = service.directory / "state/audit"
            audit.mkdir(exist_ok=True)
            os.chown(audit, AUDITOR_UID, SERVICE_UID)
            audit.chmod(0o2750)
            service.run("api-keys", "create", "later", "--config", service.config)  # as root
            service.start()
            report.check("it serves on the socket it was handed", ask(service)[0] == 200)
            report.check("READY=1", roles.until(lambda: systemd.states() == ["READY"], 5))
            users = {name: uid_of(pid) for name, pid in roles.pids(service).items()}
            report.check("four processes, four users, none of them root",
                         users["supervisor"] == SERVICE_UID and len(set(users.values())) == 4
                         and 0 not in users.values(), users)
            for name in ("gateway", "engine", "auditor"):
                sandbox = role(service, name)["report"]["sandbox"]
                report.check(f"{name}: locked down", sandbox["locked_down"] and sandbox["capabilities_empty"],
                             f"left out: {sandbox['skipped']}")
            before = roles.pids(service)
            os.kill(before["engine"], signal.SIGSTOP)
            os.kill(before["gateway"], signal.SIGKILL)
            report.check("it can end and replace its roles", roles.until(
                lambda: not set(roles.pids(service).values()) & {before["engine"], before["gateway"]}
                and settled(service)(), STUCK_SECONDS + 3))
            report.check("it ends with status 0", service.stop() == 0)
        finally:
            service.close()
            listener.close()
