#!/usr/bin/env python3
"""Replays what a service has recorded: mixed load on eight connections while its engine is killed and clients walk
away, then `redoubt audit replay` over everything, token by token; and what must not pass for a replay.

replay.py [--requests N] [--kills N] [--seed S]    the last line is the figure; exit 0 when nothing was wrong
"""
import argparse
import collections
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import roles  # noqa: E402
from service import DEMO_MODEL, Service  # noqa: E402

CLIENTS = 8
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
# Beginnings that many requests have in common: the prefix cache answers for them.
PREFIXES = ["You are the assistant of a closed site. Answer briefly. " * 6,
            "How do I import a bundle, and what happens to requests that run? " * 8]
WORDS = "bundle audit key engine gateway model site witness release trust root sandbox log record operator".split()


def question(pick):
    """One request: endpoint and body, every way in which an answer could be asked for."""
    body = {"model": "redoubt-demo", "max_tokens": pick.randint(1, 90)}
    words = " ".join(pick.choices(WORDS, k=pick.choice([1, 5, 20, 250])))
    prompt = pick.choice(PREFIXES + [""]) + words
    if pick.random() < 0.3:
        body["temperature"] = 0
    elif pick.random() < 0.7:
        body.update(temperature=pick.choice([0.3, 0.7, 1.0, 1.7]), top_p=pick.choice([0.5, 0.95, 1.0]))
    if pick.random() < 0.5:  # else the gateway draws one
        body["seed"] = pick.choice([0, 7, -1, 2**63 - 1, -2**63, pick.getrandbits(40)])
    if pick.random() < 0.25:
        body["n"] = pick.randint(2, 4)
    if pick.random() < 0.3:
        body["stop"] = pick.choice([" the", ["\n", " audit"], [".", "zebra"]])
    if pick.random() < 0.2:
        body.update(top_k=40, min_p=0.02, repetition_penalty=1.1, presence_penalty=0.3, frequency_penalty=-0.5)
    if pick.random() < 0.1:
        body["logit_bias"] = {"50": 3, "51": -100}
    if pick.random() < 0.3:
        body.update(ignore_eos=True)
    if pick.random() < 0.1:
        body.update(min_tokens=body["max_tokens"], include_stop_str_in_output=True)
    body["stream"] = pick.random() < 0.5
    if pick.random() < 0.5:
        if pick.random() < 0.25:
            body.update(logprobs=True, top_logprobs=pick.randint(0, 3))
        if pick.random() < 0.1:
            del body["max_tokens"]  # what the context leaves, or the model's own end
            body.pop("min_tokens", None)
            body.pop("ignore_eos", None)
            body["stop"] = ["."]
        body["messages"] = [{"role": "user", "content": prompt}]
        return CHAT, body
    body["prompt"] = prompt if pick.random() < 0.7 else [prompt, pick.choice(WORDS), "A"][:pick.randint(2, 3)]
    if pick.random() < 0.2:
        body["echo"] = True
    if pick.random() < 0.25:
        body["logprobs"] = pick.randint(0, 3)
    return TEXT, body


class Load:
    """Eight clients with questions from one pile; every seventh stream is left before its end."""

    def __init__(self, service, requests, seed):
        self.service = service
        pick = random.Random(seed)
        self.pile = collections.deque((number, *question(pick)) for number in range(requests))
        self.counts = collections.Counter()
        self.bodies = {}  # by request id, as they were sent
        self.context = service.tls()
        self.headers = {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"}

    def client(self):
        while True:
            try:
                number, path, body = self.pile.popleft()
            except IndexError:
                return
            for _ in range(20):
                try:
                    outcome = self.ask(path, body, leave=body["stream"] and number % 7 == 3)
                except (OSError, http.client.HTTPException) as error:
                    outcome = type(error).__name__
                if outcome in ("answered", "left"):
                    break
                time.sleep(0.2)  # no engine for a moment
            self.counts[outcome] += 1

    def ask(self, path, body, leave):
        text = json.dumps(body)
        connection = http.client.HTTPSConnection("127.0.0.1", self.service.port, timeout=120, context=self.context)
        try:
            connection.request("POST", path, text, self.headers)
            response = connection.getresponse()
            self.bodies[response.headers["x-request-id"]] = text
            if leave and response.status == 200:
                response.readline()
                return "left"
            answer = response.read().decode()
            if response.status != 200:
                return json.loads(answer)["error"]["code"] or str(response.status)
            return "answered" if not body["stream"] or "data: [DONE]" in answer else "ended early"
        finally:
            connection.close()

    def run(self, kills):
        clients = [threading.Thread(target=self.client, daemon=True) for _ in range(CLIENTS)]
        total = len(self.pile)
        for client in clients:
            client.start()
        for kill in range(kills):
            while len(self.pile) > total * (kills - kill) // (kills + 1):
                time.sleep(0.02)
            pid = roles.pids(self.service).get("engine")
            if pid:
                os.kill(pid, signal.SIGKILL)
                self.counts["engines killed"] += 1
            time.sleep(1.5)  # who is twice killed before it gets anywhere is held to be the culprit
        for client in clients:
            client.join(600)


def records(log):
    """Every record of a log that is closed, from its entry bundles (C2SP tlog-tiles)."""
    found = []
    for bundle in sorted((log / "tile/entries").rglob("*")):
        if not bundle.is_file():
            continue
        data = bundle.read_bytes()
        at = 0
        while at < len(data):
            (size,) = struct.unpack_from(">H", data, at)
            found.append(json.loads(data[at + 2:at + 2 + size]))
            at += 2 + size
    return found


class Replays:
    """`redoubt audit replay` and what it says."""

    def __init__(self, service, key):
        self.service, self.key = service, key
        self.failures = []

    def run(self, *arguments):
        """Exit status, a line per request, the total, and what it complained about."""
        command = [self.service.binary, "audit", "replay", "--json", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.returncode, lines[:-1], lines[-1], done.stderr

    def expect(self, what, holds, told=""):
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + ("" if holds else f": {told}"), flush=True)
        if not holds:
            self.failures.append(what)


def changed_copy(source, target):
    """The same file with one bit of its last weights changed."""
    shutil.copy(source, target)
    with open(target, "r+b") as file:
        file.seek(-7, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-7, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


def must_not_pass(replays, service, log, scratch, load):
    """What looks like a replay and is none."""
    config = ["--config", service.config]
    some = next(r["body"] for r in records(log) if r["type"] == "request.finished" and r["body"]["outcome"] == "ok")
    one = some["request"]

    other = scratch / "other"
    replays.service.run("audit", "keygen", "-o", other)
    code, lines, _, _ = replays.run(one, *config, "--key", other)
    replays.expect("another key is refused", code == 1 and "another key" in lines[0].get("why", ""), lines)

    weights = scratch / "weights"
    weights.mkdir()
    changed_copy(DEMO_MODEL, weights / DEMO_MODEL.name)
    code, lines, _, told = replays.run(one, *config, "--key", replays.key, "--model", weights)
    replays.expect("another model is refused by both digests", code == 1 and lines[0]["verdict"] == "refused" and
                   some["model"]["digest"] in lines[0]["why"], (lines, told))

    reference = scratch / "reference.toml"
    text = service.config.read_text()
    reference.write_text(text.replace("[engine]", '[engine]\nbackend = "reference"', 1))
    code, lines, _, told = replays.run(one, "--config", reference, "--key", replays.key)
    replays.expect("another kernel set is refused by both names", code == 1 and lines[0]["verdict"] == "refused" and
                   some["kernels"] in lines[0]["why"] and "reference" in lines[0]["why"], (lines, told))

    body = scratch / "body.json"
    body.write_text(load.bodies[one])
    code, lines, _, told = replays.run(one, *config, "--request", body)
    replays.expect("the client's own body does, without the auditor's key",
                   code == 0 and lines[0]["verdict"] == "identical", (lines, told))
    question_of = json.loads(load.bodies[one])
    body.write_text(json.dumps({**question_of, "seed": 12345}))
    code, lines, _, told = replays.run(one, *config, "--request", body)
    replays.expect("a body with another seed is refused", code == 1 and lines[0]["verdict"] == "refused" and
                   "digest" in lines[0]["why"], (lines, told))

    copy = scratch / "copy"
    shutil.copytree(log, copy, ignore=shutil.ignore_patterns("key"))
    digest = some["sealed"]["digest"]
    sealed = copy / "sealed" / digest[:2] / digest
    sealed.chmod(0o600)
    data = bytearray(sealed.read_bytes())
    data[len(data) // 2] ^= 1
    sealed.write_bytes(data)
    code, lines, total, told = replays.run("--all", "--log", copy, *config, "--key", replays.key)
    bad = [line["request"] for line in lines if line["verdict"] != "identical"]
    replays.expect("a sealed text that was changed is refused, and no other", code == 1 and bad == [one] and
                   total.get("refused") == 1, (bad, told))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--requests", type=int, default=120)
    arguments.add_argument("--kills", type=int, default=3)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    options = arguments.parse_args()
    print(f"seed {options.seed}", flush=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="redoubt-replay-"))
    try:
        return run(options, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run(options, scratch):
    scratch.chmod(0o755)
    key = scratch / "auditor"
    binary = pathlib.Path(os.environ["BUILD"]) / "daemon/redoubt"
    subprocess.run([binary, "audit", "keygen", "-o", key], check=True, capture_output=True)
    settings = {"audit.text": "sealed", "audit.sealed_to": str(key) + ".pub", "engine.step_tokens_max": 64,
                "engine.sequences_max": 8, "engine.context_tokens": 1024,
                "supervisor.restart_intensity": 1000}
    with Service(settings=settings) as service:
        load = Load(service, options.requests, options.seed)
        begun = time.monotonic()
        load.run(options.kills)
        print(f"{dict(load.counts)} in {time.monotonic() - begun:.0f} s", flush=True)
        replays = Replays(service, key)

        begun = time.monotonic()
        code, lines, total, told = replays.run("--all", "--config", service.config, "--key", key)
        took = time.monotonic() - begun
        wrong = [line for line in lines if line["verdict"] != "identical"]
        replays.expect("every answer is identical", code == 0 and not wrong, (total, wrong[:5], told))

        service.stop()
        log = service.directory / "state/audit"
        finished = [r["body"] for r in records(log) if r["type"] == "request.finished"]
        replays.expect("each finished request was replayed", total.get("requests") == len(finished),
                       (total, len(finished)))
        enough = load.counts["answered"] + load.counts["left"]
        replays.expect("each question was answered in the end", enough == options.requests, load.counts)
        resumed = sum(1 for body in finished if body["resumed"] > 0)
        replays.expect("some went on with another engine", resumed > 0 or options.kills == 0, resumed)
        replays.expect("some were cut short", total.get("cut_short", 0) > 0, total)
        cached = sum(1 for body in finished if body["cached_tokens"] > 0)
        replays.expect("some found their beginning in the cache", cached > 0, cached)
        timed = sum(1 for body in finished if body["outcome"] == "ok" and body["device_us"] > 0)
        fine = sum(1 for body in finished if body["outcome"] == "ok")
        replays.expect("each was charged for its compute time", timed == fine, (timed, fine))
        must_not_pass(replays, service, log, scratch, load)
    if replays.failures:
        print(f"FAILED: {'; '.join(replays.failures)}")
        return 1
    print(f"{total['identical']} requests replayed, {total['tokens']} tokens identical ({resumed} with several engines, "
          f"{total['cut_short']} cut short, {cached} from the cache), {took:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
