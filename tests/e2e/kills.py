#!/usr/bin/env python3
"""Kills roles of a running service, again and again, under eight streams, and compares every answer with what an
undisturbed service says: role x phase x {SIGKILL, SIGSEGV, SIGABRT, SIGSTOP}.

kills.py [--kills N] [--seed S]    the last line is the figure; exit 0 when nothing was wrong, missing, refused or leaked
"""
import argparse
import collections
import errno
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import roles  # noqa: E402
from service import Service  # noqa: E402

STREAMS = 8
SIGNALS = ("SIGKILL", "SIGSEGV", "SIGABRT", "SIGSTOP")
# Of what comes after a kill, this much may have been on its way before.
IN_FLIGHT_SECONDS = 0.03
PATIENCE_SECONDS = 30
PROMPT = "How do I import a bundle, and what happens to the requests that run?"

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"


def variants():
    """What clients ask: every way in which an answer could come apart."""
    def chat(prompt=PROMPT, **more):
        return CHAT, {"model": "redoubt-demo", "messages": [{"role": "user", "content": prompt}], **more}

    def text(prompt="The bundle", **more):
        return TEXT, {"model": "redoubt-demo", "prompt": prompt, **more}

    long = {"ignore_eos": True, "stream": True, "stream_options": {"include_usage": True}}
    sampled = {"temperature": 1.0, "top_p": 0.95}
    return [
        chat(max_tokens=500, temperature=0, **long),
        chat(max_tokens=700, seed=11, **sampled, **long),
        chat(max_tokens=300, seed=12, n=2, **sampled, **long),
        chat(max_tokens=300, seed=13, logprobs=True, top_logprobs=3, **sampled, **long),
        chat(max_tokens=200, seed=14, n=3, logprobs=True, **sampled, **long),
        chat(max_tokens=800, seed=15, stop=["zebra", "the the the", "\n\n\n"], **sampled, **long),
        chat(max_tokens=800, seed=16, stop=[" audit"], **sampled, **long),
        chat(max_tokens=400, seed=17, frequency_penalty=0.5, presence_penalty=0.3, repetition_penalty=1.1, **sampled, **long),
        chat(max_tokens=400, seed=18, top_k=40, min_p=0.02, logit_bias={"50": 3}, temperature=1.3, **long),
        chat(max_tokens=600, seed=19, **sampled, **{**long, "ignore_eos": False}, min_tokens=300),
        chat(max_tokens=300, seed=20, n=2, logprobs=True, top_logprobs=2, **sampled, ignore_eos=True),
        chat(prompt=PROMPT * 20, max_tokens=300, seed=21, **sampled, **long),
        text(max_tokens=500, seed=22, **sampled, **long),
        text(max_tokens=200, seed=23, echo=True, **sampled, **long),
        text(max_tokens=200, seed=24, echo=True, logprobs=2, **sampled, **long),
        text(prompt=["The engine", "The auditor", "A key"], max_tokens=200, seed=25, n=2, **sampled, **long),
    ]


class Answer:
    """What a client has in the end, in a form that can be compared."""

    def __init__(self):
        self.texts = collections.defaultdict(str)
        self.finishes = {}
        self.logprobs = collections.defaultdict(list)
        self.usage = None
        self.errors = []

    def add(self, body):
        if "error" in body:
            self.errors.append(body["error"].get("code") or body["error"]["message"])
            return
        for choice in body["choices"]:
            index = choice["index"]
            part = choice.get("delta") or choice.get("message") or {}
            self.texts[index] += (part.get("content") or "") if part else (choice.get("text") or "")
            if choice.get("logprobs"):
                found = choice["logprobs"]
                self.logprobs[index].extend(found["content"] if "content" in found else
                                            zip(found["tokens"], found["token_logprobs"]))
            if choice.get("finish_reason"):
                self.finishes.setdefault(index, []).append(choice["finish_reason"])
        if body.get("usage"):
            self.usage = {k: body["usage"][k] for k in ("prompt_tokens", "completion_tokens")}

    def comparable(self):
        return json.dumps([sorted(self.texts.items()), sorted(self.finishes.items()),
                           sorted(self.logprobs.items()), self.usage, self.errors])


class GatewayDied(Exception):
    pass


class Client(threading.Thread):
    """One of the eight: asks one question after another and holds the answers against what is right."""

    def __init__(self, harness, number):
        super().__init__(daemon=True)
        self.harness, self.number = harness, number
        self.last_token = 0.0   # when the latest one came
        self.generation = 0     # requests begun
        self.done = False

    def run(self):
        turn = self.number
        while not self.harness.stopping:
            self.generation += 1
            index = turn % len(self.harness.variants)
            turn += 3
            try:
                answer = self.ask(*self.harness.variants[index])
            except GatewayDied:
                self.harness.count("lost with its gateway")
                continue
            except ConnectionRefusedError:
                self.harness.count("refused connections")
                time.sleep(0.1)
                continue
            self.harness.compare(index, answer)
        self.done = True

    def ask(self, path, body):
        answer = Answer()
        connection = self.harness.connect()
        try:
            connection.request("POST", path, json.dumps(body), self.harness.headers)
            response = connection.getresponse()
            if not body.get("stream"):
                answer.add(json.loads(response.read()))
                self.last_token = time.monotonic()
                return answer
            if response.status != 200:
                answer.add(json.loads(response.read()))
                return answer
            complete = False
            for line in response:
                if not line.startswith(b"data: "):
                    continue
                if line.startswith(b"data: [DONE]"):
                    complete = True
                    break
                answer.add(json.loads(line[6:]))
                self.last_token = time.monotonic()
            if not complete and not answer.errors:
                raise GatewayDied
            return answer
        except ConnectionRefusedError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise GatewayDied from error
        finally:
            connection.close()


class Harness:
    def __init__(self, service, seed):
        self.service = service
        self.context = service.tls()
        self.headers = {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"}
        self.variants = variants()
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.right = {}
        self.wrong = []
        self.recovery = collections.defaultdict(list)
        self.stopping = False
        self.clients = []
        self.bursts = []

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.service.port, timeout=120, context=self.context)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def compare(self, index, answer):
        with self.lock:
            self.counts["answers"] += 1
            if answer.comparable() == self.right[index]:
                return
            self.counts["wrong answers"] += 1
            if len(self.wrong) < 5:
                self.wrong.append(f"variant {index}: {answer.errors or ''}\n  was    {self.right[index][:600]}\n"
                                  f"  became {answer.comparable()[:600]}")

    def learn(self):
        """What is right: the same questions to the same service while nothing happens to it."""
        probe = Client(self, 0)
        for index, (path, body) in enumerate(self.variants):
            first = probe.ask(path, body)
            if first.errors:
                raise RuntimeError(f"variant {index}: {first.errors}")
            self.right[index] = first.comparable()

    # ---- killing ------------------------------------------------------------------------------------------

    def pid(self, role):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            pid = roles.pids(self.service).get(role, 0)
            if pid:
                return pid
            time.sleep(0.01)
        raise RuntimeError(f"there is no {role}")

    def kill(self, role, name):
        while True:
            pid = self.pid(role)
            at = time.monotonic()
            try:
                os.kill(pid, getattr(signal, name))
                return pid, at
            except ProcessLookupError:  # it has just died of the last one
                time.sleep(0.01)

    def wait_for_successor(self, old):
        """Until the supervisor has started another engine; quicker than asking for its status."""
        bystanders = {old, self.pid("gateway"), self.pid("auditor")}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            others = {int(pid) for pid in self.children()} - bystanders
            if others:
                self.successor = others.pop()
                return
        raise RuntimeError("no engine is started")

    def wait_for_tokens(self, since):
        """Until each stream has moved on; how long the first took."""
        first = None
        deadline = time.monotonic() + PATIENCE_SECONDS
        # The burst too: a request that is twice killed before it gets anywhere is held to be the culprit.
        waiting = self.clients + self.bursts
        while waiting:
            waiting = [c for c in waiting if c.last_token < since + IN_FLIGHT_SECONDS and not c.done]
            moved = [c.last_token for c in self.clients if c.last_token >= since + IN_FLIGHT_SECONDS]
            if moved and first is None:
                first = min(moved) - since
            if time.monotonic() > deadline:
                self.count("streams that did not go on")
                return first
            time.sleep(0.002)
        return first

    def kill_engine(self, phase, name):
        if phase == "prefill":  # a long prompt has just been sent
            index = next(i for i, v in enumerate(self.variants) if len(json.dumps(v)) > 1500)
            burst = Client(self, index)
            self.bursts = [burst]
            threading.Thread(target=self.burst, args=(burst,), daemon=True).start()
            time.sleep(self.random.uniform(0.001, 0.02))
        elif phase == "load":   # a second death, before the next engine is ready
            old, _ = self.kill("engine", "SIGKILL")
            self.wait_for_successor(old)
            time.sleep(self.random.uniform(0.0, 0.005))
        else:
            time.sleep(self.random.uniform(0.0, 0.2))
        if phase == "load":
            os.kill(self.successor, getattr(signal, name))
            pid, at = self.successor, time.monotonic()
        else:
            pid, at = self.kill("engine", name)
        if name == "SIGSTOP":  # what had left the engine goes on arriving; what counts is the next one's
            while self.pid("engine") == pid:
                time.sleep(0.05)
            at_next = time.monotonic()
            first = self.wait_for_tokens(at_next)
            took = None if first is None else first + at_next - at
        else:
            took = self.wait_for_tokens(at)
        if took is not None and phase != "load":
            self.recovery["stopped" if name == "SIGSTOP" else "killed"].append(took)

    def burst(self, client):
        try:
            self.compare(client.number, client.ask(*self.variants[client.number]))
        except (GatewayDied, ConnectionRefusedError):
            self.count("lost with its gateway")
        client.done = True

    def kill_gateway(self, phase, name):
        time.sleep(self.random.uniform(0.0, 0.2))
        _, at = self.kill("gateway", name)
        # Whoever comes while there is none waits in the listening socket.
        probe = socket.socket()
        probe.settimeout(PATIENCE_SECONDS)
        try:
            probe.connect(("127.0.0.1", self.service.port))
        except OSError as error:
            self.count("refused connections" if error.errno == errno.ECONNREFUSED else "failed connections")
        probe.close()
        took = self.wait_for_tokens(at)
        if took is not None and name != "SIGSTOP":
            self.recovery["gateway"].append(took)

    def kill_auditor(self, phase, name):
        """Whoever asks meanwhile waits for the next one: what was not acknowledged is said again."""
        time.sleep(self.random.uniform(0.0, 0.2))
        _, at = self.kill("auditor", name)
        took = self.wait_for_tokens(at)
        if took is not None:
            self.recovery["auditor"].append(took)

    def kill_idle(self, role, name):
        """Nothing runs; the next request must not notice."""
        _, at = self.kill(role, name)
        if name == "SIGSTOP":
            time.sleep(0.05)
        client = Client(self, 0)
        try:
            answer = client.ask(*self.variants[0])
        except GatewayDied:
            if role == "gateway" and name == "SIGSTOP":
                return  # it had been accepted by the one that stood still
            raise
        self.compare(0, answer)
        self.recovery["idle"].append(time.monotonic() - at)

    def start_clients(self):
        self.stopping = False
        self.clients = [Client(self, i) for i in range(STREAMS)]
        for client in self.clients:
            client.start()
        self.wait_for_tokens(time.monotonic())

    def stop_clients(self):
        self.stopping = True
        for client in self.clients:
            client.join(120)
            if client.is_alive():
                self.count("clients that hang")

    # ---- leaks --------------------------------------------------------------------------------------------

    def settle(self):
        """Until nothing runs any more."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            stats = roles.stats(self.service, "gateway")
            if stats.get("connections", 1) == 0 and stats.get("engine_requests", 1) == 0:
                return
            time.sleep(0.2)

    def footprint(self):
        pid = roles.pids(self.service)["supervisor"]
        return roles.descriptors(pid), roles.resident_kb(pid)

    def children(self):
        supervisor = self.service.process.pid
        return pathlib.Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()


def kill_supervisors(harness, times):
    """The kernel ends the roles with it; what systemd starts anew serves again."""
    orphans = 0
    for _ in range(times):
        pids = roles.pids(harness.service)
        os.kill(pids["supervisor"], signal.SIGKILL)
        harness.service.process.wait()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and any(alive(pids[r]) for r in ("gateway", "engine", "auditor")):
            time.sleep(0.01)
        orphans += sum(alive(pids[r]) for r in ("gateway", "engine", "auditor"))
        harness.service.start()
        harness.compare(0, Client(harness, 0).ask(*harness.variants[0]))
    return orphans


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def plan(kills, randomness):
    """Every role, phase and signal in turn, then shuffled; standing still costs seconds, so it comes less often."""
    rows = [("engine", phase, name) for phase in ("decode", "prefill", "load", "decode", "decode") for name in SIGNALS]
    rows += [("gateway", "streaming", name) for name in SIGNALS]
    # One that stands still keeps new requests out until it is ended: that is refused, and no other answer.
    rows += [("auditor", "streaming", name) for name in SIGNALS if name != "SIGSTOP"]
    jobs = []
    stops = 0
    while len(jobs) < kills:
        for role, phase, name in rows:
            if name == "SIGSTOP":
                stops += 1
                if stops % 5 != 0:  # no divisor of the rows: every phase has its turn
                    name = "SIGKILL"
            jobs.append((role, phase, name))
    jobs = jobs[:kills]
    randomness.shuffle(jobs)
    return jobs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    settings = {"supervisor.restart_intensity": 1_000_000, "supervisor.busy_timeout_ms": 1_000,
                "supervisor.load_timeout_ms": 5_000,
                "limits.requests_max": 64}
    with Service(settings=settings) as service:
        harness = Harness(service, arguments.seed)
        harness.learn()
        for role in ("engine", "gateway"):
            for name in SIGNALS:
                harness.kill_idle(role, name)
        harness.start_clients()
        warm = max(10, arguments.kills // 10)
        done = collections.Counter()
        before = None
        for number, (role, phase, name) in enumerate(plan(arguments.kills, harness.random)):
            if number == warm:
                before = harness.footprint()
            {"engine": harness.kill_engine, "gateway": harness.kill_gateway, "auditor": harness.kill_auditor}[role](phase, name)
            done[f"{role}/{phase}/{name}"] += 1
            if sys.stdout.isatty() or number % 100 == 99:
                print(f"{number + 1} kills, {harness.counts['answers']} answers", flush=True)
        after = harness.footprint()
        harness.stop_clients()
        harness.settle()
        children = harness.children()
        orphans = kill_supervisors(harness, max(2, arguments.kills // 100))
        log = service.log.read_text(errors="replace")
    # What the gateway measured: from an engine's end to the first token of the next.
    resumed = [int(ms) for ms in re.findall(r"requests go on after_ms=(\d+)", log)]

    for row, times in sorted(done.items()):
        print(f"{row:32} {times}")
    print("counts:", dict(harness.counts))
    for wrong in harness.wrong:
        print(wrong)
    print(f"requests went on {len(resumed)} times: p50 {percentile(resumed, 0.5)} ms, p99 {percentile(resumed, 0.99)} ms, "
          f"most {max(resumed, default=0)} ms after the engine had ended")
    # Among these are second deaths while loading, after which the supervisor waits a second.
    print("as clients saw it, from the kill, without those:")
    for kind, values in sorted(harness.recovery.items()):
        print(f"{kind:10} to the first token: {len(values)} times, p50 {percentile(values, 0.5) * 1000:.0f} ms, "
              f"p99 {percentile(values, 0.99) * 1000:.0f} ms, most {max(values) * 1000:.0f} ms")
    print(f"supervisor: descriptors {before[0]} -> {after[0]}, resident {before[1]} -> {after[1]} KiB; "
          f"{len(children)} children")
    problems = [what for what in ("wrong answers", "refused connections", "failed connections", "clients that hang",
                                  "streams that did not go on") if harness.counts[what]]
    if harness.counts["answers"] < arguments.kills:
        problems.append("hardly any answers")
    if len(children) != 3:
        problems.append(f"{len(children)} children instead of three")
    if orphans:
        problems.append(f"{orphans} orphans")
    if after[0] > before[0]:
        problems.append("descriptors leaked")
    if after[1] > before[1] * 1.1 + 1024:
        problems.append("memory leaked")
    if "quarantined" in log:
        problems.append("an innocent request was quarantined")
    if percentile(harness.recovery["killed"], 0.99) > 1.0:
        problems.append("recovery takes longer than a second")
    for problem in problems:
        print("PROBLEM:", problem)
    total = arguments.kills + 8
    print(f"kills: {total} kills, {harness.counts['answers']} answers, {harness.counts['wrong answers']} wrong, "
          f"{harness.counts['refused connections']} refused, {orphans} orphans; "
          f"recovery p50 {percentile(harness.recovery['killed'], 0.5) * 1000:.0f} ms, "
          f"p99 {percentile(harness.recovery['killed'], 0.99) * 1000:.0f} ms")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
