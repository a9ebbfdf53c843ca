#!/usr/bin/env python3
"""One model in place of another: switched under load, failed on trial, failed at the start, and killed in the middle of it all."""
import argparse
import hashlib
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time

import gguf_file as g
from bundle_models import small_file, small_gguf
from roles import until
from service import DEMO_MODEL, Service

PROMPT = "Redoubt is"
TOKENS = 48
STREAMS = 4


def garbage_gguf():
    """Well-formed, and signed by somebody we trust, but no engine knows what to do with it."""
    file = small_file(4)
    file.metadata["llama.attention.head_count"] = [g.UINT32, g.u32(3)]  # which does not fit its tensors
    return file.serialize()


class Site:
    """A service with the model `first` active, `second` in its store, and what each of them answers."""

    def __init__(self, service):
        self.service = service
        self.answers = {}

    def models(self):
        text = self.service.run("models", "list", "--json", "--config", self.service.config).stdout
        return {model["name"]: model for model in json.loads(text)["models"]}

    def status(self):
        return json.loads(self.service.run("status", "--json", "--config", self.service.config).stdout)

    def verb(self, *arguments, check=True):
        return self.service.run("models", *arguments, "--config", self.service.config, check=check)

    def add(self, name, content):
        """Signs and imports a model of one file, without activating it; its id."""
        bundle = pathlib.Path(tempfile.mkdtemp(dir=self.service.directory))
        bundle.chmod(0o755)  # the importer is a user of its own
        (bundle / f"{name}.gguf").write_bytes(content)
        service = self.service
        service.run("bundle", "sign", bundle, "--key", service.directory / "site.key.pem", "--name", name)
        service.run("import", bundle, "--no-activate", "--config", service.config)
        return self.models()[name]["id"]

    def served(self):
        status, _, body = self.service.request("GET", "/v1/models")
        return body["data"][0]["id"] if status == 200 else None

    def ask(self, model):
        """Status and text; 404 when another model serves."""
        body = {"model": model, "prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True}
        status, _, answer = self.service.request("POST", "/v1/completions", body)
        return status, answer["choices"][0]["text"] if status == 200 else answer

    def learn(self, model):
        status, self.answers[model] = self.ask(model)
        assert status == 200, self.answers[model]

    def expect_served(self, model):
        assert self.served() == model, (self.served(), model)
        status, text = self.ask(model)
        assert (status, text) == (200, self.answers[model]), (status, text)

    def corrupt(self, model_file_content):
        """Changes one byte of a stored object, as bad storage would."""
        path = self.service.directory / "state/store/objects" / hashlib.sha256(model_file_content).hexdigest()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0x10
        path.unlink()
        path.write_bytes(content)
        path.chmod(0o444)


class Client(threading.Thread):
    """Asks for whatever serves, one stream after the other, and keeps what went wrong."""

    def __init__(self, site, over):
        super().__init__(daemon=True)
        self.site, self.over, self.wrong, self.done, self.connection = site, over, [], 0, None

    def stream(self, model):
        body = {"model": model, "prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True}
        self.connection.request("POST", "/v1/completions", json.dumps(body),
                                {"Authorization": f"Bearer {self.site.service.api_key}", "Content-Type": "application/json"})
        response = self.connection.getresponse()
        if response.status != 200:
            return response.status, response.read().decode()
        text = ""
        for line in response.read().decode().split("\n"):
            if line.startswith("data: ") and line != "data: [DONE]":
                event = json.loads(line[6:])
                if "error" in event:
                    return 0, line
                text += "".join(choice["text"] for choice in event["choices"])
        return 200, text

    def run(self):
        model = self.site.served()
        while not self.over.is_set():
            try:
                if self.connection is None:
                    self.connection = self.site.service.connect()
                status, text = self.stream(model)
                if status == 404:  # another serves now, and that is what its client is told
                    model = next(name for name in self.site.answers if name != model)
                elif status != 200 or text != self.site.answers[model]:
                    self.wrong.append((model, status, text))
                else:
                    self.done += 1
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                self.wrong.append((model, 0, repr(error)))
                self.connection = None


def under_load(site, action):
    over = threading.Event()
    clients = [Client(site, over) for _ in range(STREAMS)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    try:
        action()
        time.sleep(0.5)
    finally:
        over.set()
        for client in clients:
            client.join(60)
    wrong = [what for client in clients for what in client.wrong]
    assert not wrong, wrong[:3]
    return sum(client.done for client in clients)


def switch_under_load(site, first, second):
    site.learn(first)
    started = time.monotonic()
    site.verb("activate", second)
    print(f"activated within {time.monotonic() - started:.1f} s")
    site.learn(second)
    assert site.answers[first] != site.answers[second]
    assert site.ask(first)[0] == 404

    def back_and_forth():
        for _ in range(2):
            site.verb("rollback")
            site.verb("activate", second)

    done = under_load(site, back_and_forth)
    site.expect_served(second)
    until(lambda: len(site.status()["roles"]) == 2, 30)
    print(f"4 switches under {STREAMS} streams, {done} answers, none failed or wrong")
    return done


def failed_on_trial(site, second, broken, garbage):
    """One that is not what was signed, and one that is signed nonsense."""
    for name, why in ((broken, "refuses"), (garbage, "starts")):
        before = site.status()
        outcome = site.verb("activate", name, check=False)
        assert outcome.returncode != 0 and "not activated" in outcome.stderr, outcome
        site.expect_served(second)
        after = site.status()
        engine = [[role["pid"] for role in s["roles"] if role["name"] == "engine"] for s in (before, after)]
        assert engine[0] == engine[1], "the engine that served was disturbed"
        assert site.models()[name]["failed"], why
    print("a model that is corrupt and one that does not load: the former one goes on untouched")


def failed_at_start(site, second, garbage):
    site.service.stop()
    site.verb("activate", garbage)
    site.service.start()
    until(lambda: site.served() == second, 60)
    site.expect_served(second)
    assert "started 3 times" in site.models()[garbage]["failed"], site.models()[garbage]
    print("a model on trial that fails at the start: the active one serves after three starts")


def restart_switch(site, first):
    site.verb("activate", first, "--restart")
    site.expect_served(first)
    print("a switch with a restart")


def port_is_free(port):
    def check():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0
    return check


def killed(site, names, kills, chance):
    """Activations with a kill -9 at a random moment of each."""
    for _ in range(kills):
        serving = site.served()
        other = next(name for name in names if name != serving)
        thread = threading.Thread(target=lambda: site.verb("activate", other, check=False))
        victim = chance.choice(["supervisor", "gateway", "engine", "candidate"])
        thread.start()
        time.sleep(chance.uniform(0, 0.6))
        try:
            report = site.status()
            pids = {"supervisor": report["pid"], **{role["name"]: role["pid"] for role in report["roles"]}}
        except Exception:  # it answers nobody just now
            pids = {"supervisor": site.service.process.pid}
        pid = pids.get(victim) or pids["supervisor"]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if pid == site.service.process.pid:
            site.service.process.wait()
            until(port_is_free(site.service.port), 20)  # the roles die with the supervisor, which takes a moment
            site.service.start()
        thread.join(120)
        until(lambda: site.service.request("GET", "/ready")[0] == 200, 60)
        until(lambda: site.status()["activation"]["state"] in ("none", "done", "failed"), 60)
        until(lambda: site.service.request("GET", "/ready")[0] == 200, 60)
        now = site.served()
        assert now in names, now
        site.expect_served(now)
        active = [name for name, model in site.models().items() if model["active"]]
        assert active == [now], (active, now)
        print(f"killed the {victim} while {other} took the place of {serving}: {now} serves")


def corrupt_at_start(site, names, contents):
    active = site.served()
    previous = next(name for name in names if name != active)
    assert site.models()[previous]["previous"]
    site.service.stop()
    site.corrupt(contents[active])
    site.service.start()
    until(lambda: site.served() == previous, 60)
    site.expect_served(previous)
    assert site.models()[active]["failed"]
    print("an active model that is corrupt at the start: the previous one serves")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    first, second, broken, garbage = "redoubt-demo", "second", "broken", "garbage"
    contents = {first: DEMO_MODEL.read_bytes(), second: small_gguf(2)}
    with Service(name=first) as service:
        try:
            site = Site(service)
            site.add(second, contents[second])
            content = small_gguf(3)
            site.add(broken, content)
            site.corrupt(content)
            site.add(garbage, garbage_gguf())
            answers = switch_under_load(site, first, second)
            failed_on_trial(site, second, broken, garbage)
            failed_at_start(site, second, garbage)
            restart_switch(site, first)
            killed(site, [first, second], arguments.kills, random.Random(arguments.seed))
            corrupt_at_start(site, [first, second], contents)
            print(f"activation: {answers} answers over 4 switches, none lost or wrong; 3 kinds of failure without harm; "
                  f"{arguments.kills} kills while switching, each time exactly one model served")
        except BaseException:
            sys.stderr.write(service.log.read_text()[-6000:])
            raise


if __name__ == "__main__":
    main()
