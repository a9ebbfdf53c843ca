#!/usr/bin/env python3
"""Power lost, and every kind of refusal of the disk, before every call that changes it, in all that changes a store or a trust
root: import, activation, rollback, pins, removal, trust roots, and the first start of a model on trial.

bundle_crash.py [--power-every N] [--errors-every N] [--only OPERATION] [-v]

Each point is a life of its own. The operation begins on a copy of one state. Before the n-th change everything ends
(see failing_redoubt/failure_plan.h) or that call fails with ENOSPC, EIO or EROFS. Afterwards the state must be exactly the old one or exactly
the new one, every object must be what its name says, and the same operation done again must end as if nothing had happened. A refused
operation must have said why, left the old state (or the new, where the failure came after the point of no return) and
given its space back.
"""
import argparse
import collections
import errno
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from bundle_bench import SITE, Bench, appliance_config, build_binary  # noqa: E402
from failnth_control import LAST_CALL, Control  # noqa: E402
from service import DEMO_MODEL, free_port  # noqa: E402

ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EROFS": errno.EROFS}


def copy_state(source, target):
    """Objects never change once they are there: they are linked, not copied."""
    def take(one, other):
        if pathlib.Path(one).parent.name == "objects":
            os.link(one, other)
        else:
            shutil.copy2(one, other)
    if pathlib.Path(source).exists():
        shutil.copytree(source, target, copy_function=take, symlinks=True)


def about(text):
    """Without what the moment decides."""
    return {key: value for key, value in json.loads(text).items() if key != "imported"}


# A file that was being written when the power went; the next one to hold the lock removes it, and nobody reads it.
UNFINISHED = re.compile(r"\.new-\d+$")


def trusted(state):
    """What `trust show` says, without what the moment decides."""
    config = state.parent / "redoubt.toml"
    shown = subprocess.run([build_binary(), "trust", "show", "--json", "--config", config], capture_output=True, text=True)
    if shown.returncode != 0:
        return shown.stderr
    trust = json.loads(shown.stdout)
    for name in ("time", "generation"):
        trust["floors"].pop(name)
    return trust


def view(state):
    """What an operator would say the state is; compared as a whole."""
    store = state / "store"
    seen = {"models": {}, "activation": None, "trust": trusted(state)}
    for model in sorted((store / "models").glob("*")) if (store / "models").exists() else ():
        seen["models"][model.name] = {
            file.name: about(file.read_text()) if file.name == "about.json" else hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(model.iterdir()) if not UNFINISHED.search(file.name)}
    if (store / "activation.json").exists():
        seen["activation"] = json.loads((store / "activation.json").read_text())
        for failure in seen["activation"].get("failed", []):
            failure.pop("time", None)
    return seen


def wrong_objects(state, needed=True):
    """Objects that are not what their name says, and models whose objects are not there."""
    problems = []
    objects = state / "store/objects"
    there = set()
    for path in objects.iterdir() if objects.exists() else ():
        there.add(path.name)
        if re.fullmatch("[0-9a-f]{64}", path.name) and hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            problems.append(f"object {path.name[:12]} holds other bytes")
    models = state / "store/models"
    for release in models.glob("*/release.dsse") if needed and models.exists() else ():
        import base64
        payload = json.loads(base64.b64decode(json.loads(release.read_text())["payload"]))
        for file in payload["files"]:
            if file["sha256"] not in there:
                problems.append(f"{release.parent.name[:12]}: {file['name']} is not there")
    return problems


def left_over(state):
    """Bytes that no model names: of objects and of stagings."""
    store = state / "store"
    return sum(path.stat().st_size for path in (store / "staging").rglob("*") if path.is_file()) \
        if (store / "staging").exists() else 0


Operation = collections.namedtuple("Operation", "name roles start command")


class Site:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.chmod(0o755)
        self.executable = self.directory / "failing_redoubt"
        shutil.copy(build_binary("tests/e2e/failing_redoubt"), self.executable)
        self.control = Control(self.executable)
        self.live = self.directory / "live"
        self.state = self.live / "state"
        self.config = appliance_config(self.live, {"server.listen": [f"127.0.0.1:{free_port()}"]})
        self.starts = self.directory / "starts"
        self.prepare()

    # ---- what the operations begin with -----------------------------------------------------------------------

    def prepare(self):
        bench = self.bench = Bench(self.directory / "bench", build_binary())
        for name in ("officer", "signer"):
            bench.key(name)
        roles = ("--root", "1:" + bench.public("officer"), "--release", "1:" + bench.public("signer"))
        self.roots = [bench.root(1, ["officer"], "--site", SITE, *roles)]
        for version in (2, 3):
            self.roots.append(bench.root(version, ["officer"], "--from", self.roots[-1]))
        model = bench.path("model")
        model.mkdir()
        shutil.copy(DEMO_MODEL, model / "demo.gguf")
        (model / "notes.txt").write_text("The first.\n" * 100)
        (model / "licence.txt").write_text("Apache-2.0\n")
        self.first = bench.sign(bench.bundle("first.rdb", 1, "--site", SITE, model=model), "signer")
        (model / "notes.txt").write_text("The second.\n" * 100)
        for number in range(6):
            (model / f"part-{number}.bin").write_bytes(os.urandom(3_000_000))
        self.second = bench.sign(bench.bundle("second.rdb", 2, "--site", SITE, model=model), "signer")
        self.second_directory = bench.sign(bench.bundle("second", 2, "--site", SITE, model=model), "signer")

        self.save("empty")
        self.product("trust", "init", self.roots[0])
        self.save("pinned")
        self.product("trust", "update", self.roots[1])
        self.second_root = view(self.state)
        shutil.rmtree(self.state)
        copy_state(self.starts / "pinned", self.state)
        self.product("import", self.first)
        self.save("proposed")
        self.serve_once(build_binary())
        self.must_have_proven()
        self.save("active")
        self.product("import", self.second, "--no-activate")
        self.save("both")
        self.product("models", "activate", "redoubt-demo@2")
        self.serve_once(build_binary())
        self.must_have_proven()
        self.save("second-active")

    def must_have_proven(self):
        if not self.proven():
            raise RuntimeError((self.directory / "serve.log").read_text())

    def product(self, *arguments):
        return self.bench.run(*arguments, "--config", self.config)

    def save(self, name):
        copy_state(self.state, self.starts / name)

    def operations(self):
        command = ("command",)
        both = ("command", "importer")
        return [
            Operation("import", both, "active", ("import", self.second)),
            Operation("import a directory", both, "active", ("import", self.second_directory, "--no-activate")),
            Operation("first import", both, "pinned", ("import", self.first)),
            Operation("activate", command, "both", ("models", "activate", "redoubt-demo@2")),
            Operation("rollback", command, "second-active", ("models", "rollback")),
            Operation("pin", command, "both", ("models", "pin", "redoubt-demo@2")),
            Operation("remove", command, "both", ("models", "remove", "redoubt-demo@2")),
            Operation("trust init", command, "empty", ("trust", "init", self.roots[0])),
            Operation("trust update", command, "pinned", ("trust", "update", *self.roots[1:])),
            Operation("first start", ("supervisor",), "proposed", None),
        ]

    # ---- one life ------------------------------------------------------------------------------------------------

    def begin(self, operation):
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.live / "run", ignore_errors=True)
        copy_state(self.starts / operation.start, self.state)

    def perform(self, operation, binary):
        if operation.command is None:
            return self.serve_once(binary, 20 if binary == build_binary() else 8)
        return subprocess.run([binary, *map(str, operation.command), "--config", str(self.config)], capture_output=True,
                              text=True, timeout=60)

    def serve_once(self, binary, seconds=20):
        """Until the model has proven itself, or the service ends, or enough time has passed for either."""
        log = self.directory / "serve.log"
        with open(log, "wb") as file:
            process = subprocess.Popen([binary, "serve", "--config", str(self.config)], stdin=subprocess.DEVNULL,
                                       stdout=file, stderr=file)
        deadline = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < deadline and not self.proven():
            time.sleep(0.01)
        if process.poll() is None:
            process.terminate()
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        return subprocess.CompletedProcess([], status, "", log.read_text())

    def proven(self):
        try:
            store = self.state / "store"
            activation = json.loads((store / "activation.json").read_text())
            floors = json.loads((self.state / "trust/floors.json").read_text())
            return activation.get("trial") is None and \
                any(line["release"] == activation["active"] for line in floors["lines"]) and \
                (store / "models" / activation["active"] / "answers.json").exists()
        except (OSError, ValueError):
            return False

    def live_through(self, operation, role, number, error, ends):
        old, new = ends
        self.begin(operation)
        self.control.reset()
        self.control.arm(role, "change", number, error)
        begun = time.monotonic()
        done = self.perform(operation, self.executable)
        seconds = time.monotonic() - begun
        fired = self.control.fired_at() is not None
        self.control.disarm()
        problems = []
        seen = view(self.state)
        if not fired:
            return "not met", []
        if operation.command is None:
            problems += self.judge_start(seen, old, new)
        elif seen not in (old, new, *self.between(operation, old, new)):
            problems.append(f"neither old nor new: {differences(seen, old)} / {differences(seen, new)}")
        problems += wrong_objects(self.state)
        if error != LAST_CALL and operation.command is not None:
            if done.returncode < 0 or seconds > 20:
                problems.append(f"ended with {done.returncode} after {seconds:.1f} s")
            if done.returncode != 0 and not done.stderr.strip():
                problems.append("did not say why it failed")
            if done.returncode == 0 and seen != new:
                problems.append("said it had succeeded")
            # Where deleting is what fails there is nothing to give back with: the next collection does it.
            deleting = operation.name == "remove"
            if done.returncode != 0 and error == errno.ENOSPC and not deleting and left_over(self.state) > 4096:
                problems.append(f"kept {left_over(self.state)} bytes")
        again = self.perform(operation, build_binary())
        if operation.command is not None and seen == old != new and again.returncode != 0:
            problems.append(f"fails when done again: {again.stderr.strip()[-300:]}")
        final = view(self.state)
        if operation.name not in ("rollback",) and strip_activation(final) != strip_activation(new):
            problems.append(f"done again it is not the new state: {differences(final, new)}")
        problems += wrong_objects(self.state)
        return ("new" if seen == new else "old"), problems

    def between(self, operation, old, new):
        """Good states that an operation passes through."""
        if operation.name == "trust update":
            return [self.second_root]
        return [dict(new, activation=old["activation"])]  # in the store, not proposed yet

    def judge_start(self, seen, old, new):
        """A start changes the state in small steps, each of which is a good one."""
        if strip_answers(seen)["models"] != strip_answers(old)["models"]:
            return [f"models changed: {differences(seen, old)}"]
        if strip_starts(seen["activation"]) not in [strip_starts(one["activation"]) for one in (old, new)]:
            return [f"activation is neither: {seen['activation']}"]
        if seen["trust"] not in (old["trust"], new["trust"]):
            return [f"trust is neither: {differences(seen, old)} / {differences(seen, new)}"]
        if seen["trust"] == new["trust"] and seen["activation"]["active"] != new["activation"]["active"]:
            return ["the floor was raised before the model had proven itself"]
        return []


def strip_starts(activation):
    activation = dict(activation or {})
    if activation.get("trial"):
        activation["trial"] = dict(activation["trial"], starts=0)
    return activation


def strip_activation(seen):
    return dict(seen, activation=strip_starts(seen["activation"]))


def strip_answers(seen):
    models = {name: {file: digest for file, digest in files.items() if file != "answers.json"}
              for name, files in seen["models"].items()}
    return dict(seen, models=models)


def differences(one, other):
    """What is not the same, as paths with both values."""
    found = []

    def walk(left, right, path):
        if isinstance(left, dict) and isinstance(right, dict):
            for key in sorted({*left, *right}):
                walk(left.get(key), right.get(key), f"{path}/{key[:16]}")
        elif left != right:
            found.append(f"{path}: {json.dumps(left)[:120]} for {json.dumps(right)[:120]}")
    walk(one, other, "")
    return "; ".join(found)


def measure(site, operation):
    """How many changes each role makes, and what the undisturbed operation leads to."""
    site.begin(operation)
    old = view(site.state)
    site.control.reset()
    done = site.perform(operation, site.executable)
    if operation.command is not None and done.returncode != 0:
        raise RuntimeError(f"{operation.name} fails undisturbed: {done.stdout}{done.stderr}")
    new = view(site.state)
    counts = {role: site.control.changes(role) for role in operation.roles}
    if new == old:
        raise RuntimeError(f"{operation.name} changes nothing: {done.stdout}{done.stderr}")
    return old, new, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--power-every", type=int, default=1, help="lose power at each N-th change")
    parser.add_argument("--errors-every", type=int, default=1, help="let each N-th change fail")
    parser.add_argument("--only")
    parser.add_argument("-v", action="store_true")
    arguments = parser.parse_args()
    totals, wrong = collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="redoubt-crash-") as scratch:
        site = Site(scratch)
        for operation in site.operations():
            if arguments.only and arguments.only != operation.name:
                continue
            old, new, counts = measure(site, operation)
            outcomes = collections.Counter()
            for role, count in counts.items():
                for number in range(1, count + 1):
                    errors = {}
                    if number % arguments.power_every == 0:
                        errors["power"] = LAST_CALL
                    if number % arguments.errors_every == 0:
                        errors.update(ERRORS)
                    for name, error in errors.items():
                        outcome, problems = site.live_through(operation, role, number, error, (old, new))
                        totals["power lost" if error == LAST_CALL else "errors"] += outcome != "not met"
                        outcomes[outcome] += 1
                        wrong += bool(problems)
                        if problems or arguments.v:
                            where = " < ".join(site.control.stack()[:4])
                            print(f"{'WRONG ' if problems else ''}{operation.name}: {role} change {number} {name}: {outcome} "
                                  f"[{where}] {'; '.join(problems)}", flush=True)
            print(f"{operation.name:20} {dict(counts)} {dict(outcomes)}", flush=True)
    print(f"bundle-crash: power lost at {totals['power lost']} points, {totals['errors']} errors of the disk: {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
