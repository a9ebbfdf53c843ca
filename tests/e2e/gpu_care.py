#!/usr/bin/env python3
"""A service looks after GPUs that a stand-in for NVIDIA's library plays (tests/daemon/health/fake_nvml): every class of XID and of threshold, seen live
in the status within a second and in the audit log; the engine replaced while streams go on with the tokens they would have had; GPUs out of use, across
restarts, until somebody clears them; a library that hangs, or is not there; a role that is killed. The engine computes on the CPU; gpu.care = "always"
lets every verdict count for it. Then on GPUs of a test executable (tests/e2e/ailing_redoubt), which engines fail on before they are ready.

usage: gpu_care.py BUILD [NAME…]     with names: only the checks whose names contain one of them. The last line is the figure.
"""
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from gpu_care_fake import GPUS_MAX, FakeNvml, uuid_of  # noqa: E402
from service import Service  # noqa: E402
from tally import Tally  # noqa: E402

VERDICT_SECONDS = 1.0  # from the event to the status
PATIENCE_SECONDS = 20
POLL_MS = 250
CHAT = "/v1/chat/completions"

# One of each bucket of the catalogue, and combinations: what is injected together, and the gravest action of it.
XIDS = [
    ((13,), "restart_engine", "xid 13"),
    ((31,), "restart_engine", "xid 31"),
    ((43,), "watch", "xid 43"),
    ((45,), "watch", "xid 45"),
    ((48,), "ask_reset", "xid 48"),
    ((48, 94), "restart_engine", None),
    ((63,), "watch", "xid 63"),
    ((64,), "ask_reset", "xid 64"),
    ((74,), "ask_reset", "xid 74"),
    ((79,), "ask_reboot", "xid 79"),
    ((94,), "restart_engine", "xid 94"),
    ((95,), "ask_reset", "xid 95"),
    ((119,), "ask_reset", "xid 119"),
    ((151,), "ask_reboot", "xid 151"),
    ((154,), "watch", "xid 154"),
    ((999,), "quarantine", "xid 999"),
]

# What a GPU says of itself, and what follows.
FACTS = [
    ({"status": "gpu_is_lost"}, "ask_reboot", "nvml gpu_is_lost"),
    ({"status": "reset_required"}, "ask_reset", "nvml reset_required"),
    ({"status": "timeout"}, "drain_and_restart", "nvml timeout"),
    ({"recovery": 1}, "ask_reset", "recovery gpu_reset"),
    ({"recovery": 2}, "ask_reboot", "recovery node_reboot"),
    ({"recovery": 4}, "ask_reset", "recovery drain_and_reset"),
    ({"ecc_uncorrected_volatile": 1}, "ask_reset", "uncorrected errors"),
    ({"sram_threshold_exceeded": 1}, "call_for_rma", "sram threshold"),
    ({"remap_failed": 1}, "call_for_rma", "row remap failed"),
    ({"remap_pending": 1}, "watch", "row remap pending"),
    ({"remapped_uncorrectable": 512}, "watch", "row remaps"),
    ({"temperature_c": 90, "slowdown_c": 90}, "watch", "temperature"),
    ({"temperature_c": 96, "slowdown_c": 90, "shutdown_c": 95}, "quarantine", "temperature shutdown"),
    ({"recovery": 3}, "watch", "recovery drain_p2p"),
    ({"retired_pages_sbe": 63}, "call_for_rma", "retired pages"),
    ({"retirement_pending": 1}, "watch", "page retirement pending"),
]


class Site:
    """A service with a stand-in of its own."""

    def __init__(self, build, tally, gpus=GPUS_MAX, binary=None, **settings):
        self.tally = tally
        self.build = pathlib.Path(build)
        self.service = Service(build, binary=binary)
        self.fake = FakeNvml(self.build, self.service.directory, gpus)
        self.service.settings |= {"gpu.care": "always", "gpu.nvml_library": str(self.fake.library),
                                  "gpu.poll_interval_ms": POLL_MS, "gpu.silence_ms": 3_000, **settings}
        self.service.write_config()
        try:
            self.service.start()
        except BaseException:
            self.service.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.service.close()

    def status(self):
        """By the control socket itself: a command of its own takes longer than what is measured."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.service.directory / "run/control.sock"))
            control.sendall(b"status\n")
            text = b""
            while piece := control.recv(1 << 16):
                text += piece
        return json.loads(text)

    def gpus(self):
        return {gpu["uuid"]: gpu for gpu in self.status()["gpu"]["gpus"]}

    def role(self, name):
        return next((role for role in self.status()["roles"] if role["name"] == name), {})

    def until(self, wanted, seconds=PATIENCE_SECONDS):
        """Seconds until `wanted()` is true; nothing: it never was."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if wanted():
                return time.monotonic() - began
            time.sleep(0.02)
        return None

    def until_seen(self, count):
        return self.until(lambda: len(self.gpus()) == count)

    def engine(self):
        role = self.role("engine")
        return role.get("pid"), role.get("state")

    def until_engine_other_than(self, pid):
        return self.until(lambda: self.engine()[0] not in (pid, 0) and self.engine()[1] == "ready")

    def records(self, pattern="gpu.verdict"):
        """As they are in the log, a moment after they were made."""
        out = self.service.run("audit", "show", "--type", pattern, "--last", 5_000, "--json", "--config", self.service.config)
        return [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]

    def ask(self, tokens=8):
        return self.service.request("POST", CHAT, {
            "model": self.service.name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": tokens,
            "temperature": 0, "ignore_eos": True})

    def serves(self, what):
        status, _, body = self.ask()
        self.tally.check(status == 200, f"{what}: requests are answered", f"{status} {body}")

    def verdict(self, uuid, cause, since):
        """Waits for it; how long it took from `since`."""
        found = self.until(lambda: (self.gpus().get(uuid) or {}).get("cause") == cause, 5)
        return None if found is None else time.monotonic() - since


# ---- one GPU after the other ---------------------------------------------------------------------

def play(site, uuid, name, inject, action, cause, replaces):
    """One fault on one GPU: what the status says and when, and what becomes of the engine."""
    tally = site.tally
    former, _ = site.engine()
    began = time.monotonic()
    inject()
    if cause is not None:
        # A GPU that was verified since says so; its own record says the cause.
        wanted = ("quarantined", "suspect") if not replaces or action not in ("restart_engine", "drain_and_restart") else None
        if wanted:
            took = site.verdict(uuid, cause, began)
            tally.check(took is not None and took <= VERDICT_SECONDS, f"{name}: in the status within a second", f"{took} s")
            gpu = site.gpus().get(uuid, {})
            tally.check(gpu.get("action") == action, f"{name}: {action}", gpu.get("action"))
            tally.check(bool(gpu.get("text")) and bool(gpu.get("next_step")), f"{name}: says why, and what to do", gpu)
    if replaces:
        gone = site.until(lambda: site.engine()[0] != former, 5)
        took = time.monotonic() - began
        tally.check(gone is not None and took <= VERDICT_SECONDS, f"{name}: the engine is ended within a second", f"{took} s")
        tally.check(site.until_engine_other_than(former) is not None, f"{name}: another engine", site.engine())
        tally.check(time.monotonic() - began < 5, f"{name}: in seconds", time.monotonic() - began)
    else:
        time.sleep(0.6)
        tally.check(site.engine()[0] == former, f"{name}: the engine goes on", site.engine())


def recorded(site, expected):
    """Each of `expected` (uuid, action, cause or None) once in the log."""
    site.until(lambda: len({r["body"]["uuid"] for r in site.records()}) >= len(expected), 5)
    bodies = [record["body"] for record in site.records()]
    for uuid, action, cause in expected:
        told = [b for b in bodies if b["uuid"] == uuid and b["action"] == action and (cause is None or b["cause"] == cause)]
        site.tally.check(len(told) == 1, f"{uuid}: {action} for {cause} is in the audit log, once",
                         [(b["action"], b["cause"]) for b in bodies if b["uuid"] == uuid])


def in_service(action):
    return action not in ("watch",)


def check_xids(build, tally):
    """Every class of XID, each on a GPU of its own"""
    with Site(build, tally) as site:
        tally.check(site.until_seen(GPUS_MAX) is not None, "sixteen GPUs are seen", len(site.gpus()))
        for i, (xids, action, cause) in enumerate(XIDS):
            name = "XID " + "+".join(map(str, xids))
            play(site, uuid_of(i), name, lambda xids=xids, i=i: site.fake.events(i, [(8, xid) for xid in xids]), action, cause,
                 in_service(action))
        recorded(site, [(uuid_of(i), action, cause) for i, (_, action, cause) in enumerate(XIDS)])
        site.serves("after all XIDs")
        status = site.status()
        tally.check("alarm" in status["gpu"], "the alarm is in the status", status["gpu"].keys())
        shown = site.service.run("status", "--config", site.service.config).stdout
        tally.check("ALARM: GPU" in shown and "NEXT STEP" in shown, "people are shown it", shown[:400])
        log = site.service.log.read_text()
        tally.check("GPU out of use" in log, "the journal says ALARM")
        metrics = site.service.request("GET", "/metrics")[2]
        tally.check(f'redoubt_gpu_state{{uuid="{uuid_of(9)}",gpu="9",state="quarantined"}} 1' in metrics, "metrics: the state",
                    [line for line in metrics.splitlines() if "gpu_state" in line][:3])
        tally.check(f'redoubt_gpu_xid_total{{uuid="{uuid_of(5)}",gpu="5"}} 2' in metrics, "metrics: XIDs are counted")
        keep_and_clear(site)


def keep_and_clear(site):
    """What is out of use stays so for another service, until somebody clears it or the machine is started anew."""
    tally, service = site.tally, site.service
    out = {uuid for uuid, gpu in site.gpus().items() if gpu["state"] == "quarantined"}
    expected = {uuid_of(i) for i, (_, action, _) in enumerate(XIDS)
                if action in ("quarantine", "ask_reset", "ask_reboot", "call_for_rma")}
    tally.check(out == expected, "exactly those are out of use", out ^ expected)
    kept = json.loads((service.directory / "state/gpus.json").read_text())
    tally.check({gpu["uuid"] for gpu in kept["gpus"]} == out, "they are written down", kept)
    before = len(site.records())
    service.restart()
    tally.check(site.until_seen(GPUS_MAX) is not None, "a service that is restarted sees the GPUs")
    still = {uuid for uuid, gpu in site.gpus().items() if gpu["state"] == "quarantined"}
    tally.check(still == out, "they are still out of use", still ^ out)
    tally.check(len(site.records()) == before, "which is no news", len(site.records()) - before)

    one, other = sorted(out)[:2]
    cleared = service.run("gpu", "clear", one, "--config", service.config, check=False)
    tally.check(cleared.returncode == 0, "a GPU is cleared", cleared.stderr)
    tally.check(site.gpus()[one]["state"] != "quarantined", "and in use again", site.gpus()[one])
    unknown = service.run("gpu", "clear", "GPU-nobody", "--config", service.config, check=False)
    tally.check(unknown.returncode != 0 and "GPU" in unknown.stderr, "one that nobody knows is not", unknown.stderr)
    site.until(lambda: len(site.records("act")) >= 4, 15)
    acts = [(r["body"]["phase"], r["body"].get("outcome")) for r in site.records("act") if r["body"]["command"] == "gpu clear"]
    tally.check(acts[:2] == [("begun", None), ("finished", "done")], "the act is in the audit log", acts)

    service.stop()
    offline = service.run("gpu", "clear", other, "--config", service.config, check=False)
    tally.check(offline.returncode == 0, "one is cleared while no service runs", offline.stderr)
    path = service.directory / "state/gpus.json"
    kept = json.loads(path.read_text())
    tally.check({gpu["uuid"] for gpu in kept["gpus"]} == out - {one, other}, "and out of the file", kept)
    kept["gpus"][0]["action"] = "call_for_rma"
    replaced = kept["gpus"][0]["uuid"]
    path.write_text(json.dumps(kept | {"boot": "0" * 32}))
    service.start()
    tally.check(site.until(lambda: {u for u, g in site.gpus().items() if g["state"] == "quarantined"} == {replaced}) is not None,
                "after a boot only the card that is to be replaced stays out", sorted(out))
    tally.check(site.until(lambda: sum(r["body"]["cause"] == "reboot" for r in site.records()) == len(out) - 3, 5) is not None,
                "the others are told to be tried again")
    verify(site)


def verify(site):
    out = site.service.run("audit", "verify", "--config", site.service.config, check=False)
    site.tally.check(out.returncode == 0, "the audit log is whole", out.stdout[-300:] + out.stderr[-300:])


def check_facts(build, tally):
    """Every class of answer and threshold, each on a GPU of its own"""
    with Site(build, tally) as site:
        tally.check(site.until_seen(GPUS_MAX) is not None, "sixteen GPUs are seen", len(site.gpus()))
        for i, (facts, action, cause) in enumerate(FACTS):
            play(site, uuid_of(i), cause, lambda facts=facts, i=i: site.fake.set(i, **facts), action, cause, in_service(action))
            if action == "drain_and_restart":
                site.fake.set(i, status="ok")
        recorded(site, [(uuid_of(i), action, cause) for i, (_, action, cause) in enumerate(FACTS)])
        # Twenty rounds later nothing was told twice.
        before = len(site.records())
        time.sleep(20 * POLL_MS / 1000 + 1)
        tally.check(len(site.records()) == before, "what lasts is told once", len(site.records()) - before)
        site.serves("after all facts")
        verify(site)


# ---- streams --------------------------------------------------------------------------------------

class Stream(threading.Thread):
    """A streamed answer; `text` is what has come of it."""

    def __init__(self, site, tokens):
        super().__init__(daemon=True)
        self.site, self.tokens = site, tokens
        self.text, self.pieces, self.ended = "", 0, False
        self.start()

    def run(self):
        service = self.site.service
        connection = service.connect()
        connection.request("POST", CHAT, json.dumps({
            "model": service.name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": self.tokens, "temperature": 0,
            "ignore_eos": True, "stream": True}), {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"})
        for line in connection.getresponse():
            if line.startswith(b"data: {"):
                self.text += json.loads(line[6:])["choices"][0]["delta"].get("content") or ""
                self.pieces += 1
            self.ended = self.ended or line.startswith(b"data: [DONE]")
        connection.close()


def check_streams(build, tally):
    """Answers go on with the very tokens they would have had"""
    with Site(build, tally, gpus=2) as site:
        tokens = 950
        tally.check(site.until_seen(2) is not None, "two GPUs are seen")
        quiet = Stream(site, tokens)
        quiet.join(60)
        former, _ = site.engine()
        streams = [Stream(site, tokens) for _ in range(3)]
        while not all(stream.pieces > 20 or stream.ended for stream in streams):
            time.sleep(0.001)
        site.fake.events(0, [(8, 31)])
        for stream in streams:
            stream.join(60)
        tally.check(site.until_engine_other_than(former) is not None, "another engine", site.engine())
        tally.check(quiet.ended and all(stream.ended for stream in streams), "every answer came to its end")
        tally.check(len(quiet.text) > 500 and all(stream.text == quiet.text for stream in streams),
                    "with the tokens of an undisturbed one", [len(stream.text) for stream in streams])
        resumed = site.until(lambda: site.role("gateway").get("stats", {}).get("resumed_total", 0) > 0, 5)
        gateway = site.role("gateway").get("stats", {})
        tally.check(resumed is not None, "which took up what was under way", gateway)
        tally.check(gateway.get("quarantined_total") == 0, "nobody's request is to blame", gateway)
        tally.check(site.until(lambda: site.status()["state"] == "ready", 5) is not None, "and nothing is degraded", site.status()["state"])


# ---- the role -------------------------------------------------------------------------------------

def check_role(build, tally):
    """A library that hangs, a role that is killed, a library that is not there"""
    with Site(build, tally, gpus=2) as site:
        tally.check(site.until_seen(2) is not None, "two GPUs are seen")
        health = site.role("health")
        sandbox = health["report"]["sandbox"]
        tally.check(sandbox["locked_down"] and sandbox["no_new_privs"] and sandbox["capabilities_empty"], "the role is locked down", sandbox)
        sockets = [fd for fd in os.listdir(f"/proc/{health['pid']}/fd")
                   if os.readlink(f"/proc/{health['pid']}/fd/{fd}").startswith("socket:")]
        tally.check(len(sockets) == 1, "and has its control channel alone", sockets)

        os.kill(health["pid"], signal.SIGKILL)
        tally.check(site.until(lambda: site.role("health").get("pid") not in (0, health["pid"])
                               and site.role("health").get("state") == "ready") is not None, "a role that is killed is started again")
        engine = site.engine()
        tally.check(site.records() == [], "which says nothing of the GPUs", site.records())

        pid = site.role("health")["pid"]
        site.fake.hang(True)
        time.sleep(1)
        site.fake.hang(False)  # who hangs, hangs; the next one will not
        tally.check(site.until(lambda: all(g["state"] == "suspect" for g in site.gpus().values()), 12) is not None,
                    "silence makes GPUs suspect", site.gpus())
        tally.check(all(g["cause"] == "health silent" for g in site.gpus().values()), "and says so", site.gpus())
        site.serves("while the library hangs")
        tally.check(site.engine() == engine, "with the same engine", site.engine())
        tally.check(site.until(lambda: site.role("health").get("pid") not in (0, pid), 12) is not None, "a role that hangs is killed")
        tally.check("does not answer" in site.role("health").get("last_exit", ""), "for that", site.role("health"))
        rounds = site.role("health").get("work", 0)
        tally.check(site.until(lambda: site.role("health").get("state") == "ready"
                               and site.role("health").get("work", 0) > rounds, 20) is not None, "and the next one sees the GPUs")
        verify(site)

        library = site.service.settings["gpu.nvml_library"]
        site.service.restart({"gpu.nvml_library": str(site.service.directory / "missing.so")})
        tally.check(site.until(lambda: "missing.so" in site.status()["gpu"].get("error", "")) is not None,
                    "a library that is not there is named", site.status()["gpu"])
        site.serves("without the library")
        tally.check(site.service.stop() == 0, "it stops in order")
        site.service.settings["gpu.nvml_library"] = library
        site.service.settings["gpu.care"] = "never"
        site.service.write_config()
        site.service.start()
        tally.check("gpu" not in site.status() and not site.role("health"), "and can be switched off", site.status().keys())


# ---- engines that fail on their GPU before they are ready --------------------------------------

def computes(site):
    report = site.role("engine").get("report", {})
    return report.get("kernels", ""), report.get("gpus", [])


def answer(site):
    status, _, body = site.ask(24)
    return body["choices"][0]["message"]["content"] if status == 200 else f"{status} {body}"


def out_of_use(site):
    return {uuid for uuid, gpu in site.gpus().items() if gpu["state"] == "quarantined"}


def check_starts(build, tally):
    """GPUs that no engine starts on, or that answer wrongly: out of use one by one, and the model stays"""
    ill = "engine.step_deadline_ms"
    with Site(build, tally, gpus=2, binary="tests/e2e/ailing_redoubt") as site:
        tally.check(computes(site) == ("reference", [uuid_of(0)]), "the first GPU computes", computes(site))
        right = answer(site)
        site.until_seen(2)

        site.service.restart({ill: 6010})
        tally.check(computes(site) == ("reference", [uuid_of(1)]), "one that cannot be opened hands over to the next", computes(site))
        tally.check(out_of_use(site) == {uuid_of(0)}, "and is out of use", out_of_use(site))
        gpu = site.gpus().get(uuid_of(0), {})
        tally.check(gpu.get("cause") == "restarts exhausted" and bool(gpu.get("next_step")), "with the reason and the next step", gpu)
        tally.check(site.role("engine")["restarts"] == 4 and not site.role("engine")["degraded"], "after three more attempts", site.role("engine"))
        tally.check(answer(site) == right, "the answer is the same")

        site.service.restart({ill: 6012})
        kernels, gpus = computes(site)
        tally.check(kernels.startswith("cpu-") and gpus == [], "one that answers wrongly hands over to the processor", computes(site))
        tally.check(out_of_use(site) == {uuid_of(0), uuid_of(1)}, "and is out of use", out_of_use(site))
        tally.check(answer(site) == right, "the answer is the same", answer(site))
        tally.check("known-answer test failed" in site.service.log.read_text(), "the journal says what was wrong")
        models = [record["type"] for record in site.records("model.*")]
        tally.check(not {"model.failed", "model.rolled_back"} & set(models), "and the model is not to blame", models)
        told = [(r["body"]["uuid"], r["body"]["cause"]) for r in site.records() if r["body"]["action"] != "none"]
        expected = [(uuid_of(gpu), cause) for gpu in (0, 1) for cause in ["engine failed"] * 3 + ["restarts exhausted"]]
        tally.check(told == expected, "each failure is in the audit log, with its GPU", told)

        for gpu in (0, 1):
            site.service.run("gpu", "clear", uuid_of(gpu), "--config", site.service.config)
        site.service.restart({ill: 6000})
        tally.check(computes(site) == ("reference", [uuid_of(0)]), "repaired and cleared, they compute again", computes(site))
        tally.check(site.until(lambda: site.gpus()[uuid_of(0)]["state"] == "healthy", 5) is not None, "and are well", site.gpus())
        verify(site)

        site.service.restart({ill: 6011, "gpu.care": "never"})
        kernels, gpus = computes(site)
        tally.check(kernels.startswith("cpu-") and gpus == [], "where nobody looks after them, the processor computes at once", computes(site))


CHECKS = [check_xids, check_facts, check_streams, check_role, check_starts]


def main(build, wanted):
    tally = Tally()
    for check in CHECKS:
        if wanted and not any(name in check.__name__ for name in wanted):
            continue
        print(f"-- {check.__doc__}", flush=True)
        began = time.monotonic()
        try:
            check(build, tally)
        except Exception as error:  # one broken part must not hide what the others say
            tally.check(False, f"{check.__name__} went through", repr(error))
        print(f"   {time.monotonic() - began:.1f} s", flush=True)
    print(f"gpu-care: {tally.passed} of {tally.passed + tally.failed} checks")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
