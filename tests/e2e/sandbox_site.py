"""What the sandbox suite's programs share: the rules of every list, and a workload that uses whatever a role may do."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import roles
import service
import wire

TIGHTENED = "tests/sandbox/tightened_redoubt"
KILLED = "killed by SIGSYS"


def rules(build):
    """{role: {stage: [rule]}}; a rule has number, name, allow, checks and why."""
    return json.loads(subprocess.run([pathlib.Path(build) / TIGHTENED, "sandbox-rules"], check=True,
                                     capture_output=True, text=True).stdout)


def holds(rule, arguments, process=1):
    """Whether the six arguments of a call are such that the rule answers it. A role is process 1 of its namespace."""
    return all((arguments[check["index"]] & int(check["mask"], 16)) ==
               (process if check["own_process"] else int(check["value"], 16)) for check in rule["checks"])


def chat(site, stream=False, tokens=24, content="Hello. Who are you?"):
    return {"model": site.name, "messages": [{"role": "user", "content": content}], "max_tokens": tokens,
            "stream": stream}


def quietly(action):
    """Runs it; what a broken service does to its clients is not what is asked here."""
    with contextlib.suppress(Exception):
        action()


def together(*actions):
    threads = [threading.Thread(target=quietly, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read_slowly(site, context):
    """A stream that is not read until the gateway's buffers are full."""
    connection = wire.Wire(site, context, receive_buffer=4096)
    body = json.dumps(chat(site, stream=True, tokens=200) | {"n": 4, "logprobs": True, "top_logprobs": 20})
    connection.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.api_key}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}")
    time.sleep(0.3)
    connection.rest()


def send_garbage(site):
    for data in (b"", b"\x16\x03\x01\x02\x00garbage", b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", site.port), timeout=5) as raw:
            raw.sendall(data)


def ask(site, context):
    """Requests of every outcome, side by side: answers, streams, slow readers, refusals, nonsense."""
    together(*[lambda: site.request("POST", wire.CHAT, chat(site), timeout=20)] * 6,
             *[lambda: site.request("POST", wire.CHAT, chat(site, stream=True), timeout=20)] * 4,
             lambda: read_slowly(site, context),
             lambda: send_garbage(site),
             lambda: site.request("POST", wire.CHAT, {"model": site.name, "messages": 7}, timeout=20),
             lambda: site.request("POST", wire.CHAT, chat(site, content="word " * 40000), timeout=20),
             lambda: site.request("GET", "/v1/models", timeout=20),
             lambda: site.request("GET", "/nothing", timeout=20))


def pause(site, role):
    """SIGSTOP and SIGCONT, as a debugger or a virtual machine that is moved would."""
    pid = roles.pids(site)[role]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.05)
    os.kill(pid, signal.SIGCONT)


def use_everything(site, killed=lambda: False):
    """The life of a service; ends early when `killed`. Leaves it stopped."""
    context = site.tls()
    steps = (lambda: ask(site, context),
             lambda: site.process.send_signal(signal.SIGHUP),
             lambda: [pause(site, role) for role in ("gateway", "engine")],
             lambda: ask(site, context),
             lambda: os.kill(roles.pids(site)["engine"], signal.SIGABRT),
             lambda: ask(site, context),
             lambda: os.kill(roles.pids(site)["gateway"], signal.SIGABRT),
             lambda: roles.until(lambda: site.request("GET", "/ready", timeout=5)[0] == 200, 5),
             lambda: ask(site, context))
    for step in steps:
        if killed():
            break
        quietly(step)
    streams = threading.Thread(target=quietly, args=(lambda: site.request(
        "POST", wire.CHAT, chat(site, stream=True, tokens=400), timeout=20),))
    streams.start()
    time.sleep(0.05)
    site.stop()
    streams.join()


def seal(site):
    """Texts are kept, sealed: the auditor writes files as large as the bodies."""
    site.run("audit", "keygen", "-o", site.directory / "auditor.pem")
    site.settings |= {"audit.text": "sealed", "audit.sealed_to": str(site.directory / "auditor.pem.pub")}
    site.write_config()


def fill_the_log(site, killed=lambda: False):
    """Enough for full bundles, journals in turn and their ends, with a checkpoint that a witness brings back."""
    def ask_much(count):
        connection = site.connect(20)
        body = json.dumps(chat(site, tokens=1)) + " " * 120_000
        for _ in range(count):
            connection.request("POST", wire.CHAT, body, {"Authorization": f"Bearer {site.api_key}",
                                                         "Content-Type": "application/json"})
            connection.getresponse().read()

    together(*[lambda: ask_much(50)] * 4)
    if killed():
        return
    time.sleep(1.2)  # published
    quietly(lambda: site.run("audit", "cosign", pathlib.Path(site.settings["paths.state"]) / "audit/checkpoint", "--config",
                             site.config, check=False))
    pause(site, "auditor")
    quietly(lambda: site.request("POST", wire.CHAT, chat(site), timeout=20))


class Site(service.Service):
    """A service whose log can be asked what happened to a role, and which writes it to a pipe, as to a journal: roles
    that could write a file with it would have no limit on its size."""

    def launch(self):
        with open(self.log, "ab") as log:
            writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
        command = [*self.prefix, str(self.binary), "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer.stdin, stderr=writer.stdin,
                                        **self.popen)
        writer.stdin.close()
        self.writer = writer
        return self

    def stop(self):
        status = super().stop()
        if status is not None:
            self.writer.wait()  # everything is in the log
        return status

    def lines(self, role=""):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if f"role={role}" in line]

    def killed(self, role):
        return any(KILLED in line for line in self.lines(role))

    def wait_until_ready(self, seconds=30, give_up=lambda: False):
        """Whether it answers; `give_up` is asked in between."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not give_up():
            with contextlib.suppress(Exception):
                if self.request("GET", "/ready", timeout=2)[0] == 200:
                    return True
            time.sleep(0.05)
        return False
