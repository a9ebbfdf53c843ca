#!/usr/bin/env python3
"""A real service for end-to-end tests: keys, a signed model, an import, `redoubt serve`, all in a scratch directory.

As a module:   with Service(build) as service: service.request("POST", "/v1/chat/completions", {…})
As a program:  service.py [--set section.key=value …] -- COMMAND…   runs COMMAND with REDOUBT_URL, REDOUBT_CA,
               REDOUBT_API_KEY, REDOUBT_MODEL and REDOUBT_CONFIG set, and ends with its exit status.
"""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO_MODEL = ROOT / "provisioning/demo/redoubt-demo.gguf"
# Sanitizers and loaded machines are slow; a service that needs longer than this does not come up at all.
READY_SECONDS = 120


def free_port():
    """Below those the kernel gives to outgoing connections, one of which could take it while a service is restarted."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def toml_value(value):
    return json.dumps(value)


class Service:
    def __init__(self, build=None, model=DEMO_MODEL, name="redoubt-demo", settings=None, binary=None, prefix=(),
                 environment=None, **popen):
        """`binary` is started instead of the product; `prefix` is put before its command line (setpriv …), and
        `environment` and `popen` are added to subprocess.Popen's arguments: for `serve` alone."""
        build = pathlib.Path(build or os.environ["BUILD"])
        self.binary = build / (binary or "daemon/redoubt")
        self.prefix = list(prefix)
        self.serve_environment = environment or {}
        self.popen = popen
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redoubt-e2e-"))
        self.directory.chmod(0o755)  # roles drop to users of their own
        self.name = name
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = self.directory / "state/tls/certificate.pem"
        self.config = self.directory / "redoubt.toml"
        self.log = self.directory / "service.log"
        self.settings = {
            "server.listen": [f"127.0.0.1:{self.port}"],
            "paths.state": str(self.directory / "state"),
            "paths.runtime": str(self.directory / "run"),
            "model.trusted_keys": [str(self.directory / "site.pub.pem")],
            **(settings or {}),
        }
        self.process = None
        self._prepare(pathlib.Path(model))

    def run(self, *arguments, check=True, **options):
        return subprocess.run([self.binary, *map(str, arguments)], check=check, capture_output=True, text=True,
                              timeout=120, **options)

    def write_config(self):
        sections = {}
        for key, value in self.settings.items():
            section, name = key.split(".")
            sections.setdefault(section, []).append(f"{name} = {toml_value(value)}")
        self.config.write_text("\n".join(f"[{section}]\n" + "\n".join(lines) + "\n"
                                         for section, lines in sections.items()))

    def _prepare(self, model):
        self.write_config()
        bundle = self.directory / "bundle"
        bundle.mkdir()
        shutil.copy(model, bundle / model.name)
        self.run("keys", "generate", self.directory / "site")
        self.run("bundle", "sign", bundle, "--key", self.directory / "site.key.pem", "--name", self.name)
        self.run("import", bundle, "--config", self.config)
        created = self.run("api-keys", "create", "e2e", "--config", self.config)
        self.api_key = next(word for word in created.stdout.split() if word.startswith("rdk_"))

    def launch(self):
        """Starts it without waiting for anything."""
        log = open(self.log, "ab")
        command = [*self.prefix, str(self.binary), "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        env={**os.environ, **self.serve_environment}, **self.popen)
        return self

    def start(self):
        self.launch()
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the service ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                if self.request("GET", "/ready", timeout=5)[0] == 200:
                    return self
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise RuntimeError(f"the service is not ready after {READY_SECONDS} s:\n{self.log.read_text()}")

    def stop(self):
        """Ends the service as systemd would; returns its exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return status

    def restart(self, settings=None):
        self.stop()
        self.settings.update(settings or {})
        self.write_config()
        return self.start()

    def close(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    # ---- talking to it ------------------------------------------------------------------------------------

    def tls(self):
        return ssl.create_default_context(cafile=str(self.ca))

    def connect(self, timeout=60):
        if not self.ca.exists():
            raise OSError("no certificate yet")
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls())

    def request(self, method, path, body=None, timeout=60, headers=None):
        """Status, headers and the parsed body (text when it is not JSON)."""
        connection = self.connect(timeout)
        try:
            payload = json.dumps(body) if body is not None else None
            connection.request(method, path, payload, {"Authorization": f"Bearer {self.api_key}",
                                                       "Content-Type": "application/json", **(headers or {})})
            response = connection.getresponse()
            text = response.read()
            try:
                parsed = json.loads(text)
            except ValueError:
                parsed = text.decode(errors="replace")
            return response.status, dict(response.getheaders()), parsed
        finally:
            connection.close()

    def environment(self):
        return {**os.environ, "REDOUBT_URL": self.url, "REDOUBT_CA": str(self.ca), "REDOUBT_API_KEY": self.api_key,
                "REDOUBT_MODEL": self.name, "REDOUBT_CONFIG": str(self.config),
                "REDOUBT_SERVICE_PID": str(self.process.pid)}


def main(arguments):
    settings = {}
    while arguments and arguments[0] == "--set":
        key, value = arguments[1].split("=", 1)
        settings[key] = json.loads(value)
        arguments = arguments[2:]
    if arguments and arguments[0] == "--":
        arguments = arguments[1:]
    if not arguments:
        sys.exit(__doc__)
    with Service(settings=settings) as service:
        return subprocess.run(arguments, env=service.environment()).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
