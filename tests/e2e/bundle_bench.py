"""Both ends of a bundle's way, by the product's own commands: keys, trust roots, sealed bundles, and the configuration of the
appliance that they are carried to. For the suites bundle-life and bundle-crash; bundle_forge.py makes bundles without the product."""
import json
import os
import pathlib
import subprocess

from service import DEMO_MODEL

SITE = "e2e-site"


class Bench:
    """The connected side: a directory with keys, trust roots and bundles."""

    def __init__(self, directory, binary):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.binary = pathlib.Path(binary)

    def run(self, *arguments, check=True, **options):
        done = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"redoubt {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def path(self, name):
        return self.directory / name

    def key(self, name, suite="ecdsa-p384-sha384"):
        """A key pair; its private half is what this returns."""
        if not self.path(f"{name}.key.pem").exists():
            self.run("keys", "generate", self.path(name), "--suite", suite)
        return self.path(f"{name}.key.pem")

    def public(self, *names):
        return ",".join(str(self.path(f"{name}.pub.pem")) for name in names)

    def key_id(self, name):
        return json.loads(self.run("keys", "show", self.path(f"{name}.pub.pem"), "--json").stdout)["id"]

    def root(self, version, signers, *options):
        """A trust root with the signatures of `signers`."""
        path = self.path(f"{version}.root.dsse")
        path.unlink(missing_ok=True)
        self.run("trust", "create", "--version", version, *options, "-o", path)
        for signer in signers:
            self.run("trust", "sign", path, "--key", self.path(f"{signer}.key.pem"))
        return path

    def bundle(self, file, sequence, *options, model=DEMO_MODEL, name="redoubt-demo"):
        path = self.path(file)
        self.run("bundle", "create", model, "--name", name, "--sequence", sequence, "--license", "Apache-2.0",
                 "--issued", "2026-11-01T00:00:00Z", *options, "-o", path)
        return path

    def sign(self, path, *signers):
        for signer in signers:
            self.run("bundle", "sign", path, "--key", self.path(f"{signer}.key.pem"))
        return path


def appliance_config(directory, settings=None):
    """A configuration whose state is below `directory`."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    sections = {"paths": {"state": str(directory / "state"), "runtime": str(directory / "run")}}
    for key, value in (settings or {}).items():
        section, name = key.split(".")
        sections.setdefault(section, {})[name] = value
    config = directory / "redoubt.toml"
    config.write_text("".join(f"[{section}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
                              for section, values in sections.items()))
    return config


def build_binary(name="daemon/redoubt"):
    return pathlib.Path(os.environ["BUILD"]) / name
