"""A second service, on a model somebody else has made: its own state, port and log, the trusted key of the first."""
import base64
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import time

import roles
from service import free_port

START_SECONDS = 60


class ForeignBundle:
    """with ForeignBundle(service, {"model.gguf": bytes}) as foreign: the files in a signed directory of their own."""

    def __init__(self, service, files, **settings):
        self.service = service
        self.base = service.directory / "foreign"
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir()
        self.bundle = self.base / "bundle"
        for name, data in files.items():
            path = self.bundle / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        service.run("bundle", "sign", self.bundle, "--key", service.directory / "site.key.pem", "--name", "foreign")
        self.log_path = self.base / "log"
        self.log_path.touch()
        self.port = free_port()
        self.config = self.base / "redoubt.toml"
        self._write_config(settings)
        self.process = None
        self.api_key = None
        self.peak_kb = 0

    def _write_config(self, more):
        other = {**self.service.settings, "server.listen": [f"127.0.0.1:{self.port}"],
                 "paths.state": str(self.base / "state"), "paths.runtime": str(self.base / "run"), **more}
        self.config.write_text(config_text(other))

    def imported(self):
        """The result of `redoubt import`."""
        return self.service.run("import", self.bundle, "--config", self.config, check=False)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.service.binary, "serve", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def engine(self):
        report = json.loads(self.service.run("status", "--json", "--config", self.config).stdout)
        return next(role for role in report["roles"] if role["name"] == "engine")

    def refusal(self):
        """What the engine said when it refused the model. It must have ended by itself, with status 1, and soon."""
        self.start()
        refused = roles.until(lambda: "engine: load model:" in self.log() and "last_exit" in self.engine_or_nothing(),
                              START_SECONDS, 0.02)
        assert refused, f"the model was not refused:\n{self.log()[-1500:]}"
        last_exit = self.engine_or_nothing()["last_exit"]
        self.stop()
        text = self.log()
        assert "signal" not in text and "Sanitizer" not in text and "terminate" not in text, text[-1500:]
        assert "exit status 1" in last_exit or last_exit.endswith("1"), last_exit
        line = next(line for line in text.splitlines() if "engine: load model:" in line)
        return line.split("load model: ", 1)[1].rsplit(" kind=", 1)[0].replace('\\"', '"')

    def ready(self):
        """Starts it and waits until its engine serves."""
        self.start()
        ready = roles.until(lambda: self.engine_or_nothing().get("state") == "ready", START_SECONDS, 0.02)
        assert ready, self.log()[-1500:]

    def request(self, path, body):
        """Status and parsed answer, asked with a key of its own."""
        if self.api_key is None:
            raise RuntimeError("make a key before it starts: create_key()")
        context = ssl.create_default_context(cafile=self.base / "state/tls/certificate.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        try:
            connection.request("POST", path, json.dumps({"model": "foreign", **body}),
                               {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def create_key(self):
        created = self.service.run("api-keys", "create", "foreign", "--config", self.config)
        self.api_key = next(word for word in created.stdout.split() if word.startswith("rdk_"))

    def engine_or_nothing(self):
        try:
            return self.engine()
        except (subprocess.CalledProcessError, ValueError):
            return {}

    def stop(self):
        """Sets peak_kb to the largest resident size any process of it reached."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while True:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid != 0:
                break
            if time.monotonic() > deadline:
                self.process.kill()
            time.sleep(0.01)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        assert self.process.returncode == 0, f"ended with {self.process.returncode}:\n{self.log()[-1500:]}"
        self.process = None
        self.peak_kb = usage.ru_maxrss

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.base, ignore_errors=True)


def config_text(settings):
    sections = {}
    for key, value in settings.items():
        section, name = key.split(".")
        sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}\n")
    return "".join(f"[{section}]\n" + "".join(lines) for section, lines in sections.items())


def resign(bundle, key, change):
    """Changes the statement in a bundle's model.sig and signs it again, as whoever stole the key (P-384) could."""
    path = pathlib.Path(bundle) / "model.sig"
    signature = json.loads(path.read_text())
    envelope = signature["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement)
    payload = json.dumps(statement, separators=(",", ":")).encode()
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    made = subprocess.run(["openssl", "dgst", "-sha384", "-sign", key], input=signed, capture_output=True, check=True)
    envelope["payload"] = base64.b64encode(payload).decode()
    envelope["signatures"][0]["sig"] = base64.b64encode(made.stdout).decode()
    path.write_text(json.dumps(signature))

