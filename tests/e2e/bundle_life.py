#!/usr/bin/env python3
"""A model's whole way: sealed by two officers on two machines, carried on a stick, proven and served at a closed site; then
what must not get in, and a trust root that is changed four times. By the product's own commands and nothing else.

bundle_life.py [-v]
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from bundle_bench import SITE, Bench, build_binary  # noqa: E402
from service import DEMO_MODEL, ROOT, Service  # noqa: E402

QUESTION = "How do I import a bundle?"


class Checks:
    def __init__(self, verbose):
        self.verbose, self.passed, self.failed = verbose, 0, 0

    def __call__(self, what, holds, seen=""):
        self.passed += bool(holds)
        self.failed += not holds
        print(f"{'ok     ' if holds else 'FAILED '} {what}{'' if holds and not self.verbose else f': {seen}' if seen else ''}", flush=True)

    def refused(self, what, done, why):
        """A command that failed, and said why in words an operator can act on."""
        text = done.stdout + done.stderr
        self(what, done.returncode == 1 and why in text, text.strip()[-400:])


class Appliance(Service):
    """The closed side: nothing but a trust root; models come on sticks."""

    def _prepare(self, model):
        self.settings.pop("model.trusted_keys")
        self.write_config()
        created = self.run("api-keys", "create", "e2e", "--config", self.config)
        self.api_key = next(word for word in created.stdout.split() if word.startswith("rdk_"))

    def command(self, *arguments):
        return self.run(*arguments, "--config", self.config, check=False)

    def models(self):
        return json.loads(self.command("models", "list", "--json").stdout)["models"]

    def state_of(self, sequence):
        """What the model of that sequence is, in one word."""
        model = next((model for model in self.models() if model["sequence"] == sequence), None)
        if model is None:
            return "absent"
        return next((state for state in ("active", "trial", "previous", "failed") if model[state]), "stored")

    def ask(self, question=QUESTION, **more):
        status, _, answer = self.request("POST", "/v1/chat/completions", {
            "model": "redoubt-demo", "messages": [{"role": "user", "content": question}], "temperature": 0, **more})
        return answer["choices"][0]["message"]["content"] if status == 200 else f"{status} {answer}"


class Asking:
    """Clients that ask without a pause while something else happens."""

    def __init__(self, appliance, clients=4):
        self.appliance, self.answers, self.stop = appliance, [], threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]

    def ask(self):
        while not self.stop.is_set():
            try:
                self.answers.append(self.appliance.ask())
            except Exception as error:  # a request that was dropped is what this looks for
                self.answers.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.stop.set()
        for thread in self.threads:
            thread.join()


def seal(check, machines, scratch):
    """Two officers, each with a key on a machine of their own; what travels between them is the statement alone."""
    first, second = machines
    shutil.copytree(ROOT / "provisioning/demo/qualify", first.path("qualify"))
    options = ["--site", SITE, "--golden", first.path("qualify/golden.json"), "--eval", first.path("qualify/handbook.json")]
    bundle = first.bundle("one.rdb", 1, *options)
    again = first.bundle("again.rdb", 1, *options)
    check("the same input gives the same bytes", bundle.read_bytes() == again.read_bytes())
    first.sign(bundle, "alice")
    first.run("bundle", "extract-statement", bundle, "-o", scratch / "release.dsse")
    shutil.copy(scratch / "release.dsse", second.path("release.dsse"))
    second.run("bundle", "sign", second.path("release.dsse"), "--statement-only", "--key", second.path("bob.key.pem"))
    return bundle, second.path("release.dsse"), options


def stick_of(scratch, *bundles):
    """A directory stands in for a mounted medium."""
    stick = scratch / "stick"
    shutil.rmtree(stick, ignore_errors=True)
    stick.mkdir()
    for bundle in bundles:
        (shutil.copytree if bundle.is_dir() else shutil.copy)(bundle, stick / bundle.name)
    return stick


def first_release(check, appliance, machines, scratch):
    first = machines[0]
    bundle, statement, options = seal(check, machines, scratch)
    check.refused("one signature of two is not enough", appliance.command("import", stick_of(scratch, bundle)), "1 of 2")
    first.run("bundle", "sign", bundle, "--add", statement)
    verified = first.run("bundle", "verify", bundle, "--root", first.path("1.root.dsse"), check=False)
    check("the sealed bundle verifies at the connected side", verified.returncode == 0, verified.stdout + verified.stderr)
    imported = appliance.command("import", stick_of(scratch, bundle))
    check("two of three are", imported.returncode == 0, imported.stdout + imported.stderr)
    check("it waits for its first start", appliance.state_of(1) == "trial", appliance.models())
    appliance.start()
    check("it has qualified, and is active", appliance.state_of(1) == "active", appliance.models())
    answer = appliance.ask()
    check("it answers", "import" in answer, answer)
    return options, answer


def second_release(check, appliance, machines, scratch, options, answer):
    """Comes in while the first is serving, and nobody is disturbed."""
    first = machines[0]
    bundle = first.sign(first.bundle("two", 2, *options), "alice", "bob")
    with Asking(appliance) as asking:
        imported = appliance.command("import", stick_of(scratch, bundle))
    check("a newer release comes in while the first serves", imported.returncode == 0, imported.stdout + imported.stderr)
    check("it is active at once", appliance.state_of(2) == "active" and appliance.state_of(1) == "previous", appliance.models())
    wrong = [given for given in asking.answers if given != answer]
    check(f"{len(asking.answers)} requests meanwhile, none dropped or different", asking.answers and not wrong, wrong[:2])
    status = json.loads(appliance.command("status", "--json").stdout)
    check("status says which release it is", "2" in json.dumps(status["model"]), status["model"])
    objects = list((appliance.directory / "state/store/objects").glob("*"))
    sizes = sum(path.stat().st_size for path in objects)
    check("what both have in common is stored once", sizes < 1.5 * DEMO_MODEL.stat().st_size, f"{sizes} bytes")
    again = appliance.command("import", stick_of(scratch, bundle))
    check("the same release once more changes nothing", again.returncode == 0 and appliance.state_of(2) == "active", again.stdout)


def what_must_not_get_in(check, appliance, machines, scratch, options):
    first = machines[0]
    older = first.sign(first.bundle("older.rdb", 1, *options, "--version", "other"), "alice", "bob")
    check.refused("a lower sequence", appliance.command("import", stick_of(scratch, older)), "sequence")
    same = first.sign(first.bundle("same.rdb", 2, *options, "--version", "other"), "alice", "bob")
    check.refused("the same sequence with other contents", appliance.command("import", stick_of(scratch, same)), "sequence")
    far = first.sign(first.bundle("far.rdb", 2**53 - 1, *options), "alice", "bob")
    check.refused("a sequence that would be the last", appliance.command("import", stick_of(scratch, far)), "sequence")
    elsewhere = first.sign(first.bundle("elsewhere.rdb", 3, "--site", "another-site"), "alice", "bob")
    check.refused("another site's release", appliance.command("import", stick_of(scratch, elsewhere)), SITE)
    twice = first.sign(first.bundle("twice.rdb", 3, *options), "alice", "alice")
    check.refused("one officer twice", appliance.command("import", stick_of(scratch, twice)), "1 of 2")
    shutil.copytree(DEMO_MODEL.parent, first.path("model"), ignore=lambda _, names: set(names) - {DEMO_MODEL.name})
    first.path("model/notes.txt").write_text("What the store has already is not read again, these words are.\n")
    damaged = first.sign(first.bundle("damaged.rdb", 3, *options, model=first.path("model")), "alice", "bob")
    damaged.write_bytes(damaged.read_bytes().replace(b"these words", b"those words"))
    check.refused("a flipped bit", appliance.command("import", stick_of(scratch, damaged)), "sha256")
    expired = first.sign(first.bundle("expired.rdb", 3, *options, "--expires", "2026-11-02T00:00:00Z"), "alice", "bob")
    check.refused("what has expired", appliance.command("import", stick_of(scratch, expired)), "expire")
    golden = json.loads(first.path("qualify/golden.json").read_text())
    golden["prompts"][0]["expected"][0] += 1
    first.path("wrong-golden.json").write_text(json.dumps(golden))
    wrong = first.sign(first.bundle("wrong.rdb", 3, "--golden", first.path("wrong-golden.json"), "--site", SITE), "alice", "bob")
    check.refused("a model that does not answer as promised", appliance.command("import", stick_of(scratch, wrong)), "golden")
    check("the model that serves is the same as before", appliance.state_of(2) == "active" and appliance.state_of(3) == "failed",
          appliance.models())


def rotation(check, appliance, machines, scratch, options):
    """Carol is revoked, then a new officer takes over: versions 2 to 5."""
    first = machines[0]
    by_carol = first.sign(first.bundle("by-carol.rdb", 4, *options), "alice", "carol")
    roots = [first.root(2, ["officer-1", "officer-2"], "--from", first.path("1.root.dsse"), "--revoke-key", first.key_id("carol"))]
    first.key("dora", "ed25519")
    roots.append(first.root(3, ["officer-1", "officer-2", "officer-3"], "--from", roots[0],
                            "--root", "2:" + first.public("officer-2", "officer-3")))
    roots.append(first.root(4, ["officer-2", "officer-3"], "--from", roots[1],
                            "--release", "2:" + first.public("alice", "bob", "dora")))
    skipped = appliance.command("trust", "update", roots[1])
    check.refused("a root version left out", skipped, "version")
    alone = first.root(2, ["officer-1"], "--from", first.path("1.root.dsse"), "--revoke-key", first.key_id("bob"))
    check.refused("a root that one officer signed", appliance.command("trust", "update", alone), "1 of 2")
    roots[0] = first.root(2, ["officer-1", "officer-2"], "--from", first.path("1.root.dsse"), "--revoke-key", first.key_id("carol"))
    appliance.command("trust", "update", roots[0])
    check.refused("a revoked officer's signature does not count", appliance.command("import", stick_of(scratch, by_carol)), "a revoked key")
    roots.append(first.root(5, ["officer-2", "officer-3"], "--from", roots[2], "--floor", "redoubt-demo=5"))
    updated = appliance.command("trust", "update", stick_of(scratch, *roots))
    check("three more versions are walked, on a stick with all of them", updated.returncode == 0, updated.stdout + updated.stderr)
    shown = json.loads(appliance.command("trust", "show", "--json").stdout)
    check("version 5 is in force", shown["root"]["version"] == 5, shown)
    older = appliance.command("trust", "update", first.path("1.root.dsse"))
    check("an older one changes nothing", "version 5 stays in force" in older.stdout, older.stdout + older.stderr)
    below = first.sign(first.bundle("below.rdb", 4, *options, "--version", "other"), "alice", "bob")
    check.refused("what lies below the floor that it sets", appliance.command("import", stick_of(scratch, below)), "sequence")
    by_dora = first.sign(first.bundle("by-dora.rdb", 5, *options), "alice", "dora")
    imported = appliance.command("import", stick_of(scratch, by_dora))
    check("the new officer's does, with a key of another suite", imported.returncode == 0, imported.stdout + imported.stderr)
    check("and it is active", appliance.state_of(5) == "active", appliance.models())


def life_in_the_store(check, appliance, answer):
    back = appliance.command("models", "rollback")
    check("rollback", back.returncode == 0 and appliance.state_of(2) == "active", back.stdout + back.stderr)
    check("it answers as before", appliance.ask() == answer)
    refused = appliance.command("models", "remove", "redoubt-demo@2")
    check("the active model cannot be removed", refused.returncode != 0, refused.stdout)
    appliance.command("models", "pin", "redoubt-demo@1")
    refused = appliance.command("models", "remove", "redoubt-demo@1")
    check("nor a pinned one", refused.returncode != 0, refused.stdout)
    appliance.command("models", "unpin", "redoubt-demo@1")
    removed = appliance.command("models", "remove", "redoubt-demo@1")
    check("another one can", removed.returncode == 0 and appliance.state_of(1) == "absent", removed.stdout + removed.stderr)
    appliance.restart()
    check("after a restart it serves the same", appliance.state_of(2) == "active" and appliance.ask() == answer, appliance.models())


def main():
    check = Checks("-v" in sys.argv)
    with tempfile.TemporaryDirectory(prefix="redoubt-life-") as scratch:
        scratch = pathlib.Path(scratch)
        machines = [Bench(scratch / name, build_binary()) for name in ("first-machine", "second-machine")]
        first, second = machines
        for officer in ("officer-1", "officer-2", "officer-3", "alice", "carol"):
            first.key(officer)
        second.key("bob")
        for half in ("key", "pub"):  # the public key alone is what the root needs; bob signs on the first machine later on
            shutil.copy(second.path(f"bob.{half}.pem"), first.path(f"bob.{half}.pem"))
        first.root(1, ["officer-1", "officer-2"], "--site", SITE, "--root", "2:" + first.public("officer-1", "officer-2"),
                   "--release", "2:" + first.public("alice", "bob", "carol"))
        appliance = Appliance(name="redoubt-demo")
        try:
            pinned = appliance.command("trust", "init", first.path("1.root.dsse"))
            check("the trust root is pinned", pinned.returncode == 0, pinned.stdout + pinned.stderr)
            check.refused("and only once", appliance.command("trust", "init", first.path("1.root.dsse")), "in force")
            options, answer = first_release(check, appliance, machines, scratch)
            second_release(check, appliance, machines, scratch, options, answer)
            what_must_not_get_in(check, appliance, machines, scratch, options)
            rotation(check, appliance, machines, scratch, options)
            life_in_the_store(check, appliance, answer)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            check("the life goes on", False, error)
        finally:
            if check.failed and appliance.log.exists():
                print(appliance.log.read_text()[-4000:])
            appliance.close()
    print(f"bundle-life: {check.passed} of {check.passed + check.failed} steps")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
