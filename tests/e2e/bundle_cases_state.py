"""Lines 52 to 57 and the positive controls: sizes, space, power, and what an import does beside others."""
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import bundle_forge as f
from bundle_cases import accept, case, forged, refuse
from bundle_cases_model import GGUF, falls_back, hostile, setting
from bundle_crash import ERRORS
from bundle_models import hostile_gguf, small_gguf
from bundle_site import LOG_LINE, check_accepted, check_in_order, check_refused, run
from service import ROOT
import gguf_file as g

FULL = os.environ.get("FULL") == "1"
DIGEST = r"digest|sha|chunk|piece|differ"
MIB = 1 << 20

# ---- 52: one wrong bit at the end ------------------------------------------------------------------------------


def wrong_last_bit(size):
    def make(site):
        data = random.Random(size).randbytes(size)
        forge = site.forge({GGUF: small_gguf(), "model/big.bin": data})
        forge.statement  # of the right bytes
        forge.oms_statement
        forge.files["model/big.bin"] = data[:-1] + bytes([data[-1] ^ 1])
        return forge
    return make


for size in (1, 511, 512, 513, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 8 * MIB, 8 * MIB + 1, 33 * MIB + 7):
    refuse(52, f"the last bit of a file of {size} bytes", DIGEST, wrong_last_bit(size))


def sparse_digests(size):
    """Of that many zeros, without having them: sha256, sha384, chunks."""
    sha256, sha384, pieces, left = hashlib.sha256(), hashlib.sha384(), [], size
    zeros = bytes(f.CHUNK)
    whole = hashlib.sha256(zeros).digest()
    while left > 0:
        piece = zeros if left >= f.CHUNK else zeros[:left]
        sha256.update(piece)
        sha384.update(piece)
        pieces.append(whole if left >= f.CHUNK else hashlib.sha256(piece).digest())
        left -= len(piece)
    return sha256.hexdigest(), sha384.hexdigest(), hashlib.sha256(b"".join(pieces)).hexdigest()


def large_directory(site, size, last=0):
    """A directory with a sparse file of zeros, the last byte of which is `last`; the statement says zeros."""
    forge = site.forge({GGUF: small_gguf(), "model/zeros.bin": b""})
    sha256, sha384, chunks = sparse_digests(size)
    for described in forge.statement["files"]:
        if described["name"] == "model/zeros.bin":
            described.update(size=size, sha256=sha256, sha384=sha384, chunks=chunks)
    forge.statement["model_root"] = f.root_digest([one["sha256"] for one in forge.statement["files"]])
    resource = forge.oms_statement["predicate"]["resources"][1]
    assert resource["name"] == "zeros.bin"
    resource["digest"] = sha256
    forge.oms_statement["subject"][0]["digest"]["sha256"] = forge.statement["model_root"]
    path = forge.write_directory(site.new_path())
    with open(path / "model/zeros.bin", "wb") as file:
        file.truncate(size)
        file.seek(size - 1)
        file.write(bytes([last]))
    return path


def room_for(size):
    space = os.statvfs("/tmp")
    return space.f_bavail * space.f_frsize > 2 * size


if FULL:
    for size in (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33 + 1):
        @case(52, f"the last bit of a file of {size} bytes")
        def _(sites, size=size):
            site = sites.copy_of("site")
            if not room_for(size):
                return 0, "no room on this disk"
            active = site.activation()
            path = large_directory(site, size, last=1)
            outcome = site.import_(path, seconds_max=600)
            said = outcome.said.decode(errors="replace")
            assert outcome.status == 1 and "digest" in said.lower(), said[-600:]
            assert site.activation() == active
            return 1, said.splitlines()[0]

# ---- 53: no space -------------------------------------------------------------------------------------------------


def on_small_disk(sites, options, change=None):
    """A copy of the site whose store lies on a small file system; the outcome of an import there. Needs root."""
    site = sites.copy_of("site")
    store = site.state / "store"
    aside = site.directory / "aside"
    store.rename(aside)
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", store], check=True)
    try:
        shutil.copytree(aside, store, symlinks=True, dirs_exist_ok=True)
        if change:
            change(store)
        forge = site.forge({GGUF: small_gguf(7), "model/noise.bin": random.Random(3).randbytes(8 * MIB)})
        before = site.tree()
        path = forge.write_rdb(site.new_path(".rdb"))
        outcome = site.import_(path)
        check_in_order(outcome)
        said = outcome.said.decode(errors="replace")
        assert outcome.status == 1, said[-600:]
        assert len(LOG_LINE.findall(said)) == 1, said[-600:]
        after = site.tree()
        changed = {name for name in {**before, **after} if before.get(name) != after.get(name)}
        assert all(name.startswith("store/staging") for name in changed), changed
        space = os.statvfs(store)
        return said, (space.f_blocks - space.f_bfree) * space.f_frsize
    finally:
        subprocess.run(["umount", store], check=False)


def can_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


if can_mount():
    @case(53, "too little space, which is said before anything is copied")
    def _(sites):
        said, used = on_small_disk(sites, "size=6m")
        assert any(word in said.lower() for word in ("space", "enospc", "free")), said[-600:]
        assert used < 3 * MIB, f"{used} bytes are not given back"
        return 1, said.splitlines()[0]

    @case(53, "no inodes are left")
    def _(sites):
        said, _ = on_small_disk(sites, "size=512m,nr_inodes=24")
        assert "no space left" in said.lower(), said[-600:]
        return 1, said.splitlines()[0]

    @case(53, "the disk is read-only by now")
    def _(sites):
        said, _ = on_small_disk(sites, "size=64m", lambda store: subprocess.run(["mount", "-o", "remount,ro", store], check=True))
        assert "read-only" in said.lower(), said[-600:]
        return 1, said.splitlines()[0]
else:
    @case(53, "full disks (needs the right to mount)")
    def _(sites):
        return 0, "not tried: this user cannot mount"


@case(53, "a file size limit in the middle of an import")
def _(sites):
    site = sites.copy_of("site")
    path = site.forge({GGUF: small_gguf(7), "model/noise.bin": random.Random(3).randbytes(8 * MIB)}).write_rdb(site.new_path(".rdb"))
    before = site.tree()
    command = ["prlimit", "--fsize=4000000", site.binary, "import", path, "--config", site.config]
    outcome = run(command, site.directory)
    assert outcome.status != 0, outcome
    changed = {name for name in {**before, **site.tree()} if before.get(name) != site.tree().get(name)}
    assert all(name.startswith("store/staging") for name in changed), changed
    check_accepted(site, path)
    return 2, outcome.said.decode(errors="replace").splitlines()[:1] or "ended"


@case(53, "EIO, ENOSPC and EROFS before every call that changes the disk: suite bundle-crash, which knows all three")
def _(sites):
    assert set(ERRORS) == {"EIO", "ENOSPC", "EROFS"}, ERRORS
    suite = (ROOT / "tests/suites/bundle-crash").read_text()
    assert "bundle_crash.py" in suite, suite
    return 0, "see there"


# ---- 54: power -------------------------------------------------------------------------------------------------------

@case(54, "killed at forty moments of an import, each time exactly the old state or the new one")
def _(sites):
    site = sites.copy_of("site")
    path = site.forge({GGUF: small_gguf(7), "model/noise.bin": random.Random(3).randbytes(24 * MIB)}).write_rdb(site.new_path(".rdb"))
    whole = check_accepted(sites.copy_of("site"), path).seconds
    old, killed, done = site.activation(), 0, 0
    for turn in range(40):
        process = subprocess.Popen([site.binary, "import", path, "--config", site.config], start_new_session=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * turn / 40)
        finished = process.poll() is not None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        killed += not finished
        state = site.activation()
        models = {model.name for model in (site.state / "store/models").iterdir() if not model.name.startswith(".")}
        if state != old:
            assert state["active"] == old["active"] or state["previous"] == old["active"], state
            done += 1
            break
        for stored in (site.state / "store/objects").iterdir():
            if not stored.name.endswith(".chunks"):
                assert hashlib.sha256(stored.read_bytes()).hexdigest() == stored.name, f"half an object: {stored.name}"
        assert old["active"] in models
    assert killed > 5, f"only {killed} were killed in time"
    check_accepted(site, path)
    site.serve_until_ready()
    assert site.activation()["active"] != old["active"]
    return killed, f"{killed} kills; then the import went through and the model serves"


# ---- 55: a model that does not work ---------------------------------------------------------------------------------------

GOLDEN = {"type": "redoubt-golden", "format": 1, "kernels": "cpu/1", "tolerance": {"tokens": 0.9, "logprob": 0.05},
          "prompts": [{"id": "one", "tokens": [0, 5, 6], "expected": [9, 9, 9, 9], "logprobs": [-0.1, -0.1, -0.1, -0.1]}]}


@case(55, "a release whose golden answers do not come out is given up, remembered, and not tried again")
def _(sites):
    site = sites.copy_of("site")
    forge = site.forge({GGUF: small_gguf(9), "qualify/golden.json": json.dumps(GOLDEN).encode()},
                       qualify={"golden": "qualify/golden.json", "evaluations": []})
    how, why = falls_back(site, forge, r"golden|qualif")
    active = site.activation()["active"]
    site.serve_until_ready()
    assert site.activation()["active"] == active and len(site.activation()["failed"]) == 1
    return 1, f"{how}: {why}"


@case(55, "a release that cannot be loaded is given up")
def _(sites):
    site = sites.copy_of("site")
    model = hostile_gguf(lambda file: setattr(file, "tensors", file.tensors[:-1]))
    how, why = falls_back(site, site.forge({GGUF: model}), r"tensor|missing|output_norm")
    return 1, f"{how}: {why}"


@case(55, "a release that fails at each of its three starts is not started a fourth time, and nothing of it is tried again")
def _(sites):
    site = sites.copy_of("site")
    model = hostile_gguf(setting("general.architecture", g.STRING, g.string("surprise")))
    _, why = falls_back(site, site.forge({GGUF: model}), r"architecture|surprise")
    assert "started 3 times" in why, why
    before = site.activation()
    log_bytes = site.log.stat().st_size
    site.serve_until_ready()
    assert site.activation() == before, site.activation()
    assert "surprise" not in site.log.read_text(errors="replace")[log_bytes:], "it was tried once more"
    return 1, why


# ---- 56: at the same time --------------------------------------------------------------------------------------------------

@case(56, "four imports at once: each is done or refused as busy, and the store is whole")
def _(sites):
    site = sites.copy_of("site")
    directory = site.directory / "four"
    directory.mkdir()
    noise = random.Random(4).randbytes(16 * MIB)
    paths = [site.forge({GGUF: small_gguf(seed), "model/noise.bin": noise}, sequence=seed).write_rdb(directory / f"{seed}.rdb")
             for seed in (2, 3, 4, 5)]
    outcomes = [None] * 4

    def one(index):
        where = directory / f"said-{index}"
        where.mkdir()
        outcomes[index] = run([site.binary, "import", paths[index], "--config", site.config], where)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes:
        check_in_order(outcome)
        said = outcome.said.decode(errors="replace")
        assert outcome.status == 0 or any(word in said.lower() for word in ("busy", "another", "lock", "under way", "in progress")), said
    done = sum(outcome.status == 0 for outcome in outcomes)
    assert done >= 1
    models = list((site.state / "store/models").iterdir())
    assert len(models) == 1 + done, models
    return 4, f"{done} done, {4 - done} refused as busy"


@case(56, "an import while the service serves the former model")
def _(sites):
    site = sites.copy_of("site")
    site.start()
    try:
        site.wait_ready()
        check_accepted(site, site.forge({GGUF: small_gguf(8)}).write_rdb(site.new_path(".rdb")))
        check_refused_while_serving(site)
        assert site.get("/ready") == 200
    finally:
        site.stop()
    return 2, "taken, and a bad one refused; the service was ready all the time"


def check_refused_while_serving(site):
    """The state of a running service changes by itself; the models may not."""
    models = sorted((site.state / "store/models").iterdir())
    outcome = site.import_(site.forge(signers=["stranger"], sequence=9).write_rdb(site.new_path(".rdb")))
    check_in_order(outcome)
    assert outcome.status == 1 and sorted((site.state / "store/models").iterdir()) == models


# ---- 57: a store that was changed offline -------------------------------------------------------------------------------------

def tampered(name, change, reason):
    """Two proven models; the active one's part of the store is changed while nothing runs. The service must say so and must
    not serve what was changed: it falls back to the former one, or serves nothing."""
    @case(57, name)
    def _(sites):
        site = sites.copy_of("two models")
        newer = site.activation()["active"]
        change(site, newer)
        site.start()
        try:
            site.wait_ready()
            state = site.activation()
            outcome = "fell back to the former model"
            assert state["active"] != newer, "the changed model is served"
        except AssertionError as error:
            log = site.log.read_text(errors="replace")
            if "the changed model is served" in str(error):
                raise
            outcome = "serves nothing"
            assert site.get_or_none("/ready") != 200
        finally:
            site.stop_hard()
        log = site.log.read_text(errors="replace")
        assert re.search(reason, log, re.IGNORECASE), log[-1500:]
        assert not re.search(r"Sanitizer|terminate called|signal (6|7|11)\b", log), log[-1500:]
        return 1, outcome


def object_of(site, model, name=GGUF):
    release = json.loads((site.state / f"store/models/{model}/release.dsse").read_text())
    files = {one["name"]: one for one in json.loads(base64.b64decode(release["payload"]))["files"]}
    return site.state / "store/objects" / files[name]["sha256"]


def rewrite(path, change):
    data = bytearray(path.read_bytes())
    data = change(data) or data
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


def flip(at):
    def change(data):
        data[at] ^= 1
    return change


tampered("a bit of the weights", lambda site, model: rewrite(object_of(site, model), flip(200_000)), r"digest|chunk|piece|differ|changed|bytes")
tampered("a bit of the list of pieces", lambda site, model: rewrite(
    pathlib.Path(str(object_of(site, model)) + ".chunks"), flip(3)), r"chunk|piece|digest")
tampered("the weights are gone", lambda site, model: object_of(site, model).unlink(), r"not found|no such|missing|open")
tampered("the weights are cut", lambda site, model: rewrite(object_of(site, model), lambda data: data[:1000]), r"size|bytes|short|ends")
tampered("the weights are another file's", lambda site, model: shutil.copy(
    object_of(site, site.activation()["previous"]), object_of(site, model)), r"digest|chunk|piece|size|differ")
tampered("the statement has a flipped bit", lambda site, model: rewrite(
    site.state / f"store/models/{model}/release.dsse", flip(100)), r"sign|release\.dsse|JSON|base64|denied|payload")
tampered("the statement is another release's", lambda site, model: shutil.copy(
    site.state / f"store/models/{site.activation()['previous']}/release.dsse", site.state / f"store/models/{model}/release.dsse"), r"id|release")
tampered("the statement is gone", lambda site, model: (site.state / f"store/models/{model}/release.dsse").unlink(), r"release|not found|no such|signature")


DAMAGE = {"a flipped bit": lambda path: rewrite(path, flip(200_000)), "cut": lambda path: rewrite(path, lambda data: data[:1000]),
          "not to be read": lambda path: path.chmod(0),
          "another list of pieces": lambda path: rewrite(pathlib.Path(str(path) + ".chunks"), flip(3))}
for name, damage in DAMAGE.items():
    @case(57, f"an object of the store with {name} is replaced by the next import that has it")
    def _(sites, damage=damage):
        site = sites.copy_of("site")
        path = object_of(site, site.activation()["active"])
        before = path.read_bytes()
        damage(path)
        check_accepted(site, site.forge().write_rdb(site.new_path(".rdb")))
        assert path.read_bytes() == before and path.stat().st_mode & 0o777 == 0o444, oct(path.stat().st_mode)
        pieces = pathlib.Path(str(path) + ".chunks").read_bytes()
        assert hashlib.sha256(pieces).hexdigest() == f.chunk_digest(before)
        site.serve_until_ready()
        return 1, "accepted, and it is whole again"


@case(57, "activation.json with a flipped bit, or that names nothing there is")
def _(sites):
    for change in (lambda data: b"{" + data, lambda data: data.replace(sites["two models"].activation()["active"].encode(), b"ab" * 32),
                   lambda data: b"", lambda data: data[:20]):
        site = sites.copy_of("two models")
        rewrite(site.state / "store/activation.json", change)
        site.start()
        time.sleep(1.5)
        log = site.log.read_text(errors="replace")
        ready = site.get_or_none("/ready")
        site.stop_hard()
        assert "activation" in log or "ab" * 16 in log or "not found" in log or ready == 200, log[-1500:]
        assert "signal 6" not in log and "signal 11" not in log, log[-1500:]
    return 4, "said so"


# ---- what must pass ------------------------------------------------------------------------------------------------------------

CONTROL = 58
accept(CONTROL, "a clean release as a file, as a directory", forged())
accept(CONTROL, "somebody's bare model", lambda site: site.forge(), forms=("bare",))
accept(CONTROL, "a file of no bytes", lambda site: site.forge({GGUF: small_gguf(), "model/empty.txt": b""}))
accept(CONTROL, "names in Unicode, in a bare model", lambda site: site.forge({
    GGUF: small_gguf(), "model/é模.bin": b"four\n", "model/a/b": b"one\n", "model/a-b": b"two\n"}), forms=("bare",))
accept(CONTROL, "an expiry to come", forged(expires="2099-01-01T00:00:00Z"))
accept(CONTROL, "white space in the payload", lambda site: spaced(site))
accept(CONTROL, "the members of the envelope in another order", lambda site: shuffled(site))


def spaced(site):
    forge = site.forge()
    forge.payload = json.dumps(forge.statement, indent=1).encode()
    return forge


def shuffled(site):
    forge = site.forge()
    forge.dsse = f.dump(dict(reversed(json.loads(forge.dsse).items()))).encode()
    return forge


def component_order(site):
    """As the reference tool sorts: by components, a/b before a-b."""
    forge = site.forge({GGUF: small_gguf(), "model/a/b": b"one\n", "model/a-b": b"two\n"})
    resources = forge.oms_statement["predicate"]["resources"]
    resources.sort(key=lambda one: one["name"].split("/"))
    forge.oms_statement["subject"][0]["digest"]["sha256"] = f.root_digest([one["digest"] for one in resources])
    return forge


def described_more(site):
    forge = site.forge()
    forge.oms_statement["predicate"]["resources"][0]["annotations"] = {"surprise": 1}
    return forge


accept(CONTROL, "model.sig: the reference tool's order of files", component_order, forms=("bare",))
accept(CONTROL, "model.sig: a member more in a resource", described_more, forms=("bare",))
for curve in ("officer 1", "officer 2"):
    accept(CONTROL, f"model.sig by {curve}, who may sign releases", lambda site, curve=curve: site.forge(model_key=curve))


FILES = 10_000 if FULL else 1_000  # each is synced by itself, which a disk takes its time for


@case(CONTROL, f"{FILES:,} files")
def _(sites):
    site = sites.copy_of("site")
    files = {GGUF: small_gguf(), **{f"model/part/{number:05}.txt": b"%d\n" % number for number in range(FILES)}}
    forge = site.forge(files)
    path = forge.write_rdb(site.new_path(".rdb"))
    outcome = site.import_(path, seconds_max=900 if FULL else 120)
    assert outcome.status == 0, outcome.said.decode(errors="replace")[-600:]
    return 1, f"{outcome.seconds:.1f} s, {outcome.peak_kb >> 10} MiB"


@case(CONTROL, "the same release again changes nothing")
def _(sites):
    site = sites.copy_of("site")
    path = site.first.write_rdb(site.new_path(".rdb"))
    before = site.tree()
    outcome = check_accepted(site, path)
    after = site.tree()
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    assert not changed, changed
    return 1, outcome.said.decode(errors="replace").strip().splitlines()[-1]


@case(CONTROL, "a release on a release, and both are kept")
def _(sites):
    site = sites["two models"]
    state = site.activation()
    assert state["active"] and state["previous"] and state["active"] != state["previous"], state
    return 1, "the newer one serves, the former one is there to go back to"


if FULL:
    @case(CONTROL, "a file of 100 GB that is a hole")
    def _(sites):
        site = sites.copy_of("site")
        size = 100 * 10**9
        if not room_for(size // 2):
            return 0, "no room on this disk"
        path = large_directory(site, size)
        outcome = site.import_(path, seconds_max=3600)
        assert outcome.status == 0, outcome.said.decode(errors="replace")[-600:]
        return 1, f"{outcome.seconds:.0f} s"
