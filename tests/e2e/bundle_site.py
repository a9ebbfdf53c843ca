"""An appliance under attack: its configuration, trust root, store and an accepted model; and what must hold of it when it
was handed a bad bundle."""
import collections
import hashlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import ssl
import stat
import subprocess
import tempfile
import time

import bundle_forge
from bundle_models import small_gguf
from service import free_port

SECONDS_MAX = 10
SANITIZED = os.environ.get("SANITIZED") == "1"
PEAK_KB_MAX = 300_000 if not SANITIZED else 2_000_000
ADDRESS_SPACE_MAX = 4 << 30  # sanitizers reserve more than there is
LOG_LINE = re.compile(r"^(?:<\d>)?[a-z]+: import refused .*reason=.*$", re.MULTILINE)
READY_SECONDS = 60

Outcome = collections.namedtuple("Outcome", "status said seconds peak_kb")


def run(command, directory, seconds_max=SECONDS_MAX, environment=None, stdin=subprocess.DEVNULL):
    """Outcome of a command: what it said on both outputs, and the most memory that it or a process below it had."""
    path = directory / "said"

    def limit():
        os.setsid()
        if not SANITIZED:
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_MAX, ADDRESS_SPACE_MAX))

    with open(path, "wb") as said:
        started = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdin=stdin, stdout=said, stderr=said,
                                   preexec_fn=limit, env={**os.environ, **(environment or {})})
        pid, status, usage = 0, 0, None
        while pid == 0 and time.monotonic() - started < seconds_max:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid == 0:
                time.sleep(0.002)
        seconds = time.monotonic() - started
        if pid == 0:
            os.killpg(process.pid, signal.SIGKILL)
            _, status, usage = os.wait4(process.pid, 0)
            raise AssertionError(f"not done after {seconds_max} s: {path.read_bytes()[-500:]!r}")
        process.returncode = os.waitstatus_to_exitcode(status)
    return Outcome(process.returncode, path.read_bytes(), seconds, usage.ru_maxrss)


def digest_tree(top):
    """Names, kinds, modes and contents of everything below a directory."""
    found = {}
    for path in sorted(pathlib.Path(top).rglob("*")):
        if "acts" in path.parts:  # what was tried waits for the log
            continue
        info = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else None
        found[str(path.relative_to(top))] = (oct(info.st_mode), info.st_uid, content)
    return found


def copy_state(source, target):
    """With everybody's files theirs."""
    subprocess.run(["cp", "-a", "-T", source, target], check=True)


class Site:
    """keys: those of bundle_forge.make_keys. A site has a directory with a state of its own; `clone` makes another."""

    def __init__(self, directory, keys, binary=None):
        self.binary = binary or pathlib.Path(os.environ["BUILD"]) / "daemon/redoubt"
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.directory.chmod(0o755)
        self.keys = keys
        self.state = self.directory / "state"
        self.state.mkdir()
        self.config = self.directory / "redoubt.toml"
        self.port = free_port()
        self.root = None
        self.process = None
        self.inputs = 0
        self._write_config()

    def _write_config(self):
        (self.directory / "model.pub.pem").write_text(self.keys["model"].pem)
        values = {"server": {"listen": [f"127.0.0.1:{self.port}"]},
                  "paths": {"state": str(self.state), "runtime": str(self.directory / "run")},
                  "model": {"trusted_keys": [str(self.directory / "model.pub.pem")]},
                  "engine": {"context_tokens": 256, "threads": 1}}
        self.config.write_text("".join(
            f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in part.items())
            for section, part in values.items()))

    # ---- trust ------------------------------------------------------------------------------------------

    def root_members(self, **members):
        keys = self.keys
        officers = [keys["officer 1"], keys["officer 2"], keys["officer 3"]]
        holders = [keys["root 1"], keys["root 2"]]
        named = {name: keys[name] for name in ("officer 1", "officer 2", "officer 3", "root 1", "root 2", "model")}
        return bundle_forge.root_members(named, bundle_forge.one_group(2, holders), bundle_forge.one_group(2, officers),
                                         [keys["model"]], **members)

    def holders(self):
        return [self.keys["root 1"], self.keys["root 2"]]

    def trust(self, verb, text, check=True):
        path = self.directory / "root.dsse"
        path.write_bytes(text)
        outcome = self.redoubt("trust", verb, path, "--config", self.config)
        assert not check or outcome.status == 0, outcome
        return outcome

    def pin(self, **members):
        self.root = self.root_members(**members)
        self.trust("init", bundle_forge.Root(self.holders(), self.root).text)

    def update_root(self, **members):
        """The next root, in which `members` are others; a dict changes those of its members alone."""
        following = json.loads(json.dumps(self.root))
        following["version"] += 1
        for key, value in members.items():
            if isinstance(value, dict) and isinstance(following.get(key), dict) and key != "roles":
                following[key].update(value)
            else:
                following[key] = value
        self.trust("update", bundle_forge.Root(self.holders(), following).text)
        self.root = following

    def clone(self, name, **members):
        """A copy of this site, with a next root when `members` are given."""
        other = Site(self.directory.parent / name, self.keys, self.binary)
        copy_state(self.state, other.state)
        other.root = self.root
        if members:
            other.update_root(**members)
        return other

    # ---- bundles ------------------------------------------------------------------------------------------

    def forge(self, files=None, signers=("officer 1", "officer 2"), model_key="model", **members):
        """A valid bundle for this site, to tell a lie with."""
        if files is None:
            files = {"model/small.gguf": small_gguf()}
            files["sbom.cdx.json"] = bundle_forge.bom(files)
        return bundle_forge.Forge(files, [self.keys[name] for name in signers], self.keys[model_key], **members)

    def new_path(self, suffix=""):
        """Where the next input goes; the former ones are gone."""
        media = self.directory / "media"
        shutil.rmtree(media, ignore_errors=True)
        media.mkdir()
        self.inputs += 1
        return media / f"input-{self.inputs}{suffix}"

    # ---- what it does -----------------------------------------------------------------------------------

    def redoubt(self, *arguments, **options):
        outcome = run([self.binary, *arguments], self.directory, **options)
        shutil.rmtree(self.state / "acts", ignore_errors=True)  # no service takes them to its log: a thousand are the limit
        return outcome

    def import_(self, path, *arguments, **options):
        return self.redoubt("import", path, "--config", self.config, *arguments, **options)

    def tree(self):
        return digest_tree(self.state)

    def serve_until_ready(self):
        """Starts the service, waits until its model has proven itself, and ends it: what is on trial is active then."""
        self.start()
        try:
            self.wait_ready()
        finally:
            self.stop()

    def start(self, environment=None):
        self.log = self.directory / "service.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(environment or {})})

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS * (5 if SANITIZED else 1)
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            try:
                if self.get("/ready") == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.log.read_text()[-2000:]}")

    def get(self, path):
        context = ssl.create_default_context(cafile=str(self.state / "tls/certificate.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def get_or_none(self, path):
        try:
            return self.get(path)
        except (OSError, http.client.HTTPException):
            return None

    def stop_hard(self):
        """Ends it however it is."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def activation(self):
        return json.loads((self.state / "store/activation.json").read_text())


def check_in_order(outcome):
    """It ended by itself, and soon; what it said can be shown on any terminal."""
    said = outcome.said.decode(errors="replace")
    assert outcome.status in (0, 1, 2), f"ended with {outcome.status}: {said[-600:]}"
    assert not re.search(r"Sanitizer|runtime error:|terminate called|Assertion|signal \d|core dumped", said), said[-1500:]
    assert outcome.seconds < SECONDS_MAX, f"{outcome.seconds:.1f} s"
    assert outcome.peak_kb < PEAK_KB_MAX, f"{outcome.peak_kb} kB"
    hostile = [byte for byte in outcome.said if (byte < 32 and byte != 10) or byte == 127]
    assert not hostile, f"control bytes {bytes(hostile[:8])!r} in what it said"
    assert not re.search("[\u0080-\u009f\u202a-\u202e\u2066-\u2069\u200e\u200f]", said), "bidi or C1 controls in what it said"


def check_refused(site, path, reason, *arguments, tree_before=None, **options):
    """Hands `path` to the importer. Returns the reason it gave."""
    before = tree_before if tree_before is not None else site.tree()
    outcome = site.import_(path, *arguments, **options)
    said = outcome.said.decode(errors="replace")
    check_in_order(outcome)
    assert outcome.status == 1, f"status {outcome.status}: {said[-600:]}"
    after = site.tree()
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    assert not changed, f"the state changed at {changed[:5]}: {said[-600:]}"
    lines = LOG_LINE.findall(said)
    assert len(lines) == 1, f"{len(lines)} log lines of a refusal: {said[-600:]}"
    assert re.search(reason, said, re.IGNORECASE), f"the reason is not {reason!r}: {said[-600:]}"
    return said.strip().splitlines()[0]


def check_accepted(site, path, *arguments, **options):
    outcome = site.import_(path, *arguments, **options)
    check_in_order(outcome)
    assert outcome.status == 0, outcome.said.decode(errors="replace")[-600:]
    return outcome


def scratch():
    return pathlib.Path(tempfile.mkdtemp(prefix="redoubt-bundles-"))


def make_site(directory, keys):
    """The site of the tests: a root, a small release at sequence 1, imported, served and proven."""
    site = Site(pathlib.Path(directory) / "site", keys)
    site.pin()
    first = site.forge(sequence=1)
    check_accepted(site, first.write_rdb(site.new_path(".rdb")))
    site.serve_until_ready()
    site.first = first
    return site
