"""Lines 25 to 40: names, digests, sizes; versions, sites, times; trust roots."""
import hashlib
import json
import threading
import time

import bundle_forge as f
import bundle_keys as k
from bundle_cases import accept, case, edited, forged, refuse
from bundle_cases_envelope import SIGNATURE, refuse_root
from bundle_models import small_gguf
from bundle_site import check_accepted, check_in_order, check_refused

BARE = ("bare",)
GGUF = "model/small.gguf"

# ---- 25: nothing is said ----------------------------------------------------------------------------------------


def serialization(**members):
    return edited("oms_statement", lambda statement: statement["predicate"]["serialization"].update(**members))


def resources(change):
    """The list of resources edited, the root digest right again unless the edit says otherwise."""
    def edit(statement):
        predicate = statement["predicate"]
        predicate["resources"] = change(predicate["resources"]) or predicate["resources"]
        try:
            statement["subject"][0]["digest"]["sha256"] = f.root_digest([one["digest"] for one in predicate["resources"]])
        except ValueError:
            pass  # a digest that is none
    return edited("oms_statement", edit)


def unsaid(ignore):
    def edit(statement):
        statement["predicate"]["resources"] = []
        statement["predicate"]["serialization"]["ignore_paths"] = ignore
        statement["subject"][0]["digest"]["sha256"] = f.root_digest([])
    return edited("oms_statement", edit)


refuse(25, "model.sig: no resources", r"resources|no file", unsaid([]), forms=("rdb", "bare"))
refuse(25, 'model.sig: no resources, everything ignored (".")', r"resources|ignore|no file", unsaid(["."]), forms=("rdb", "bare"))
refuse(25, "release: no files", r"files", edited("statement", lambda s: s.update(files=[], model_root=f.root_digest([]))))
refuse(25, "release: no file of the model", r"model/|files|model_root|root",
       lambda site: site.forge({"sbom.cdx.json": f.bom({})}))

# ---- 26 to 29: names -------------------------------------------------------------------------------------------------

BAD_PATHS = ["../x", "/etc/passwd", "a/../../b", "a//b", "./a", "a/", "", ".", "..", "C:\\x", "a\\b", "a\0b", "a\nb",
             "a\x1b[2Jb", "a\x7fb", "a/./b", "~/x", "é模.bin", "a\u202eb", "a b", "a:b", "x" * 256, "/".join(["n" * 90] * 56),
             "/".join("d" * 300), ".git/config", ".hidden", "a/.hidden"]
NAME = r"name|path|director|level|component|byte|character"


def renamed(name):
    """The statement calls the model's file so; the archive too where its headers can hold that."""
    def make(site):
        data = small_gguf()
        forge = site.forge({GGUF: data})
        described = forge.statement["files"][0]
        described["name"] = name
        return forge
    return make


for path in BAD_PATHS:
    refuse(26, f"release: a file called model/{ascii(path)[:40]}", NAME, renamed("model/" + path), forms=("rdb",))
for path in ("../model/x", "/model/x", "", "model", "models/x", "MODEL/x", "qualify", "sbom.cdx.json/x", "README", "x.gguf",
             "release.dsse", "model.sig", "model\\x", "qualify/../model/x"):
    refuse(26, f"release: a file called {path!r}", NAME + r"|begin|model/", renamed(path), forms=("rdb",))
for path in BAD_PATHS[:16]:
    refuse(26, f"model.sig: a file called {ascii(path)[:40]}", NAME + "|resource", resources(
        lambda own, path=path: own[0].update(name=path)), forms=("bare",))


def with_files(*names):
    """A bundle of files of these names, all of them there."""
    def make(site):
        return site.forge({GGUF: small_gguf(), **{name: name.encode() for name in names}})
    return make


def doubled(change):
    """The statement names a file once more; `change` alters the second entry."""
    def edit(statement):
        entry = dict(statement["files"][0])
        change(entry)
        statement["files"].insert(1, entry)
        statement["model_root"] = f.root_digest([one["sha256"] for one in statement["files"]
                                                 if one["name"].startswith("model/")])
    return edited("statement", edit)


refuse(27, "release: a file named twice", r"twice|order|name", doubled(lambda entry: None))
refuse(27, "release: a file named twice, with two digests", r"twice|order|name", doubled(
    lambda entry: entry.update(sha256="00" * 32)))
refuse(27, "release: names that are equal but for case", r"case|name|twice", with_files("model/SMALL.GGUF"), forms=("rdb",))
refuse(27, "release: files out of order", r"order|stands behind", edited("statement", lambda s: s["files"].reverse()))
refuse(27, "model.sig: a file named twice", r"twice|duplicate", resources(lambda own: own + [dict(own[0])]), forms=BARE)
refuse(27, "model.sig: a file named twice, with two digests", r"twice|duplicate",
       resources(lambda own: own + [{**own[0], "digest": "00" * 32}]), forms=BARE)
refuse(28, "release: a file that is a folder of another", r"director|folder|prefix|lies below",
       with_files("model/small.gguf/x"), forms=("rdb",))
refuse(28, "release: a deeper file that is a folder of another", r"director|folder|prefix|lies below",
       with_files("model/a/b", "model/a/b/c/d"), forms=("rdb",))
refuse(28, "model.sig: a file that is a folder of another", r"director|folder|prefix|lies below|not a dir", resources(
    lambda own: own + [{**own[0], "name": own[0]["name"] + "/x"}]), forms=BARE)
for path in ("release.dsse", "model.sig", ".git/config", "lost+found", "activation.json", ".staging/x", "about.json"):
    refuse(29, f"release: {path} beside model/", NAME + r"|begin", renamed(path), forms=("rdb",))
refuse(29, "model.sig: names itself", r"model\.sig|name|ignore", resources(lambda own: own + [{**own[0], "name": "model.sig"}]),
       forms=BARE)

# ---- 30, 31: digests ----------------------------------------------------------------------------------------------------

WRONG_DIGESTS = {"short": lambda digest: digest[:-2], "long": lambda digest: digest + "00", "odd": lambda digest: digest[:-1],
                 "upper case": lambda digest: digest.upper(), "no hex": lambda digest: "zz" + digest[2:],
                 "empty": lambda digest: "", "with a prefix": lambda digest: "sha256:" + digest}
for name, change in WRONG_DIGESTS.items():
    for member in ("sha256", "sha384", "chunks"):
        refuse(30, f"release: {member} is {name}", member + r"|digest|hex", edited("statement", lambda s, member=member, change=change:
               s["files"][0].update({member: change(s["files"][0][member])})), forms=("rdb",))
    refuse(30, f"release: model_root is {name}", r"model_root|digest|hex", edited("statement", lambda s, change=change:
           s.update(model_root=change(s["model_root"]))), forms=("rdb",))
    if name != "upper case":
        refuse(30, f"model.sig: a digest is {name}", r"digest|hex", resources(lambda own, change=change:
               own[0].update(digest=change(own[0]["digest"]))), forms=BARE)
for algorithm in ("md5", "sha1", "SHA256", "blake2b", "blake3", "sha512", ""):
    refuse(30, f"model.sig: algorithm {algorithm!r}", r"algorithm|hash", resources(
        lambda own, algorithm=algorithm: own[0].update(algorithm=algorithm)), forms=BARE)
    refuse(30, f"model.sig: hash_type {algorithm!r}", r"hash", serialization(hash_type=algorithm), forms=BARE)
for member in ("sha256", "sha384", "chunks"):
    refuse(30, f"release: {member} of a file is another's", r"digest|sha|chunk|model_root|differ|bytes|piece", edited(
        "statement", lambda s, member=member: s["files"][0].update({member: "0" * len(s["files"][0][member])})))


def stale_root(statement):
    statement["predicate"]["resources"].append({"name": "zz", "algorithm": "sha256", "digest": "11" * 32})


refuse(31, "model.sig: the root digest of other files", r"root|digest", edited("oms_statement", stale_root), forms=("rdb", "bare"))
refuse(31, "model.sig: files in another order, the root digest as before", r"root|digest", lambda site: reordered(site), forms=BARE)
refuse(31, "release: another model_root", r"model_root|root", edited("statement", lambda s: s.update(model_root="11" * 32)))
refuse(31, "model.sig of another model than the release names", r"model\.sig|root|digest|model_root", lambda site: foreign_signature(site))
refuse(31, "model.sig lacks a file of the release", r"model\.sig|root|digest|model_root", lambda site: fewer_signed(site))


def reordered(site):
    forge = site.forge({GGUF: small_gguf(), "model/second.txt": b"two\n"})
    forge.oms_statement["predicate"]["resources"].reverse()
    return forge


def foreign_signature(site):
    forge = site.forge()
    forge.model_sig = site.forge({"model/small.gguf": b"another"}).model_sig
    return forge


def fewer_signed(site):
    files = {GGUF: small_gguf(), "model/second.txt": b"two\n"}
    forge = site.forge(files)
    forge.model_sig = site.forge({GGUF: files[GGUF]}).model_sig
    return forge


# ---- 32 to 35: counts and sizes --------------------------------------------------------------------------------------------

def many(count):
    def edit(statement):
        empty = f.describe_file("", b"")
        statement["files"] = [{**empty, "name": f"model/{number:08}"} for number in range(count)]
        statement["model_root"] = f.root_digest([empty["sha256"]] * count)
    return edited("statement", edit)


refuse(32, "release: 20,001 files", r"20.?000|files|at most", many(20_001), forms=("rdb",))
refuse(32, "release: 120,000 files", r"20.?000|files|at most|MiB|bytes|large", many(120_000), forms=("rdb",))
for size in (4 * 2**40 + 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -1):
    refuse(32, f"release: a file of {size} bytes", r"size|TiB|at most|bytes|number|JSON|integer", edited(
        "statement", lambda s, size=size: s["files"][0].update(size=size)), forms=("rdb",))
refuse(32, "release: five files of 4 TiB", r"16|TiB|total|together|size|bytes", lambda site: huge(site), forms=("rdb",))


def huge(site):
    forge = site.forge({GGUF: small_gguf(), **{f"model/part-{number}": b"" for number in range(5)}})
    for described in forge.statement["files"]:
        described["size"] = 4 * 2**40
    return forge


for ignore in (["*"], ["../x"], ["/etc"], [""], ["small.gguf"], ["."], ["a/../b"], ["a\0b"], ["x" * 5000], ["?"], ["[a-z]"]):
    refuse(33, f"model.sig: ignores {ascii(ignore)[:40]}", r"ignore", serialization(ignore_paths=ignore), forms=BARE)
refuse(34, "model.sig: symbolic links allowed", r"symlink|link", serialization(allow_symlinks=True), forms=("rdb", "bare"))
for name, members in {"as the tool writes them": {"method": "shards", "shard_size": 1000000000.0}, "of size 0": {"method": "shards",
                      "shard_size": 0}, "of size -1": {"method": "shards", "shard_size": -1}, "without a size": {"method": "shards"},
                      "of 2^70": {"method": "shards", "shard_size": 2**70}}.items():
    refuse(34, f"model.sig: shards {name}", r"shard|method", serialization(**members), forms=BARE)
refuse(34, "model.sig: files with a shard size", r"shard|unknown", serialization(shard_size=5), forms=BARE)
refuse(34, "model.sig: an unknown method", r"method", serialization(method="tree"), forms=BARE)
refuse(34, "model.sig: shards that overlap", r"shard|method|not there", resources(lambda own: [
    {**own[0], "name": own[0]["name"] + ":0:20"}, {**own[0], "name": own[0]["name"] + ":10:30"}]), forms=BARE)


def sized(delta):
    return edited("statement", lambda s: s["files"][0].update(size=s["files"][0]["size"] + delta))


for delta in (1, -1, 512, -512, 4 << 20, 2**32, 2**33):
    refuse(35, f"release: a size that is {delta} bytes off", r"size|bytes|header|ends|short|long", sized(delta))


def sparse(site):
    forge = site.forge()
    path = forge.write_directory(site.new_path())
    with open(path / GGUF, "r+b") as file:
        file.truncate(2**40)
    return path


refuse(35, "a file that is a hole of 1 TiB", r"size|bytes", sparse, forms=("directory",))


@case(35, "files that grow and shrink while they are read")
def _(sites):
    return restless(sites, grow=True)


def restless(sites, grow):
    """Another process changes the length of a 32 MiB file during the import: refused, or all of it was read before."""
    site, refused, said = sites["site"], 0, ""
    data = bytes(32 << 20)
    for turn in range(6):
        here = sites.copy_of("site")
        path = here.forge({GGUF: small_gguf(), "model/zeros.bin": data}).write_directory(here.new_path())
        target = path / "model/zeros.bin"

        def change():
            time.sleep(0.004 + 0.012 * turn)
            with open(target, "r+b") as file:
                file.truncate(len(data) + 1 if turn % 2 else len(data) // 4)

        before = here.tree()
        thread = threading.Thread(target=change)
        thread.start()
        outcome = here.import_(path)
        thread.join()
        check_in_order(outcome)
        if outcome.status == 1:
            refused += 1
            said = outcome.said.decode(errors="replace").splitlines()[0]
            leftover_ok(here, before)
        else:
            check_stored(here, data)
    assert refused > 0, "no change came in time"
    return 6, f"{refused} refused, {6 - refused} had been read; {said}"


def leftover_ok(site, before):
    """A staging kept to go on with is all that may be new."""
    changed = {name for name in {**before, **site.tree()} if before.get(name) != site.tree().get(name)}
    assert all(name.startswith("store/staging") for name in changed), changed


def check_stored(site, data):
    stored = site.state / "store/objects" / hashlib.sha256(data).hexdigest()
    assert stored.read_bytes() == data


# ---- 36 to 38: versions, places, times ----------------------------------------------------------------------------------

for sequence, why in ((0, r"sequence"), (-1, r"sequence"), (2**64 - 1, r"sequence|number"), (2**63, r"sequence|number"), (2**53, "sequence"),
                      (10**12 + 2, r"sequence"), (2**53 - 1, r"sequence")):
    refuse(36, f"release: sequence {sequence}", why, forged(sequence=sequence))
refuse(36, "release: the sequence that is served, with other content", r"sequence", forged(sequence=1, version="another"))
refuse(36, "release: an older sequence than the floor", r"sequence|floor", forged(sequence=4), "raised")
accept(36, "release: the floor that a root has set", forged(sequence=5), "raised")
accept(36, "release: one above the floor", forged(sequence=6), "raised")
for name in ("", "a/b", "../x", "a b", "x" * 129, "é", "a\x1b[31m", "-", "."):
    if name not in ("-", "."):
        refuse(36, f"release: the name {ascii(name)[:30]}", r"name", forged(name=name), forms=("rdb",))
FAR = {"product": "forge", "product_min": "99.0.0", "sites": ["beta-1"], "hardware": {"backends": ["abacus"], "memory_bytes_min": 0}}
REASONS = {"product": r"product.*forge|forge.*product", "product_min": r"99\.0\.0", "sites": r"beta-1|alpha-7",
           "hardware": r"abacus|backend|hardware"}
for member, value in FAR.items():
    refuse(37, f"release: {member} {json.dumps(value)}", REASONS[member], forged(**{member: value}), verify=member != "hardware")
refuse(37, "release: product_min 0.10.0, which is more than 0.9 and than this", r"0\.10\.0", forged(product_min="0.10.0"))
refuse(37, "release: more memory than there is", r"memory", forged(hardware={"backends": ["cpu"], "memory_bytes_min": 2**52}),
       verify=False)
for version in ("", "1", "1.2.3.4.5", "01.0.0", "a.b.c", "1.0.0-rc1 ", "99999999999999999999.0.0", "-1.0.0"):
    refuse(37, f"release: product_min {version!r}", r"product_min|version|needs redoubt", forged(product_min=version), forms=("rdb",))
accept(37, "release: for this site by name", forged(sites=["alpha-7", "beta-1"]))
refuse(38, "release: expired", r"expire", forged(expires="2026-11-02T00:00:00Z", issued="2026-10-02T00:00:00Z"))
refuse(38, "release: expires before it is issued", r"expire|issued", forged(expires="2026-10-01T00:00:00Z"))
for moment in ("2026-11-01", "2026-11-01T00:00:00", "2026-11-01T00:00:00+00:00", "2026-11-01T00:00:00.5Z", "2026-13-01T00:00:00Z",
               "2026-02-30T00:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01t00:00:00z", "0000-00-00T00:00:00Z", "",
               "99999-01-01T00:00:00Z"):
    refuse(38, f"release: issued {moment!r}", r"issued|time", forged(issued=moment), forms=("rdb",))

# ---- 39, 40: trust roots -------------------------------------------------------------------------------------------------

refuse_root(39, "root N+2 without N+1", r"version", lambda document, site: document.update(version=document["version"] + 1))
refuse_root(39, "root N once more", r"version", lambda document, site: document.update(version=document["version"] - 1))
refuse_root(39, "root version 0", r"version", lambda document, site: document.update(version=0))
refuse_root(39, "root version 2^64-1", r"version|number", lambda document, site: document.update(version=2**64 - 1))


def new_holders(document, site):
    added = [k.Key(), k.Key()]
    document["keys"] += [{"id": key.id, "suite": key.suite, "name": f"new {n}", "public": key.pem} for n, key in enumerate(added)]
    document["roles"]["root"] = f.one_group(2, added)
    return added


def by_new_alone(document, site):
    return f.Root(new_holders(document, site), document)


def by_old_alone(document, site):
    new_holders(document, site)


def by_one(document, site):
    return f.Root(site.holders()[:1], document)


def by_one_twice(document, site):
    root = f.Root([site.holders()[0]] * 2, document)
    root.signatures[1]["keyid"] = site.holders()[1].id
    return root


def by_officers(document, site):
    return f.Root([site.keys["officer 1"], site.keys["officer 2"]], document)


def as_release(document, site):
    root = f.Root(site.holders(), document)
    root.payload_type = f.RELEASE_TYPE
    return root


refuse_root(39, "root N+1 signed by its new keys alone", SIGNATURE, by_new_alone)
refuse_root(39, "root N+1 signed by the old keys alone", SIGNATURE, by_old_alone)
refuse_root(39, "root N+1 signed by one of two", SIGNATURE, by_one)
refuse_root(39, "root N+1 signed by one under both ids", SIGNATURE, by_one_twice)
refuse_root(39, "root N+1 signed by the officers of releases", SIGNATURE, by_officers)
refuse_root(39, "root N+1 under the type of a release", r"payload ?type", as_release)
for role in ("root", "release"):
    refuse_root(39, f"{role}: threshold 0", r"threshold", lambda document, site, role=role:
                document["roles"][role]["groups"][0].update(threshold=0))
    refuse_root(39, f"{role}: threshold beyond its keys", r"threshold", lambda document, site, role=role:
                document["roles"][role]["groups"][0].update(threshold=9))
    refuse_root(39, f"{role}: no keys", r"keys|threshold", lambda document, site, role=role:
                document["roles"][role]["groups"][0].update(keys=[]))
    refuse_root(39, f"{role}: no groups", r"group", lambda document, site, role=role: document["roles"][role].update(groups=[]))
    refuse_root(39, f"{role}: a key that is not listed", r"key", lambda document, site, role=role:
                document["roles"][role]["groups"][0]["keys"].append("ab" * 32))
refuse_root(39, "no keys at all", r"key", lambda document, site: document.update(keys=[]))
refuse_root(39, "a root for another site", r"site", lambda document, site: document.update(site="beta-1"))
refuse_root(39, "a root with a member that nobody knows", r"surprise|unknown", lambda document, site: document.update(surprise=1))
refuse_root(39, "a root with a key whose id is another's", r"id|key", lambda document, site:
            document["keys"][0].update(id=document["keys"][1]["id"]))
refuse_root(39, "a root of 2 MiB", r"MiB|limit|large|at most|bytes", lambda document, site: document.update(site="x" * (2 << 20)))


@case(39, "a root that is expired is not taken, or nothing comes in by it")
def _(sites):
    site = sites.copy_of("site")
    document = {**json.loads(json.dumps(site.root)), "version": site.root["version"] + 1, "expires": "2026-10-02T00:00:00Z"}
    outcome = site.trust("update", f.Root(site.holders(), document).text, check=False)
    check_in_order(outcome)
    if outcome.status == 1:
        return 1, outcome.said.decode().splitlines()[0]
    return 2, check_refused(site, site.forge().write_rdb(site.new_path(".rdb")), r"expire")


@case(39, "fifty roots, one after another, and then the first of them again")
def _(sites):
    site = sites.copy_of("site")
    first = f.Root(site.holders(), {**json.loads(json.dumps(site.root)), "version": site.root["version"] + 1})
    for _ in range(50):
        site.update_root()
    before = site.tree()
    outcome = site.trust("update", first.text, check=False)
    check_in_order(outcome)
    assert site.tree() == before and b"version 51 stays in force" in outcome.said, outcome
    return 51, outcome.said.decode().splitlines()[0]


@case(40, "a release whose id is revoked; without the revocation it comes in")
def _(sites):
    site = sites.copy_of("site")
    forge = site.forge()
    site.update_root(revoked={"releases": [hashlib.sha256(forge.payload).hexdigest()]})
    path = forge.write_rdb(site.new_path(".rdb"))
    said = check_refused(site, path, r"revoked")
    check_accepted(site, site.forge(version="other").write_rdb(site.new_path(".rdb")))
    return 2, said


@case(40, "an officer whose key is revoked does not count")
def _(sites):
    site = sites.copy_of("site")
    site.update_root(revoked={"keys": [site.keys["officer 2"].id]})
    said = check_refused(site, site.forge().write_rdb(site.new_path(".rdb")), r"revoked")
    check_accepted(site, site.forge(signers=["officer 1", "officer 3"]).write_rdb(site.new_path(".rdb")))
    return 2, said


@case(40, "the key for models is revoked")
def _(sites):
    site = sites.copy_of("site")
    site.update_root(revoked={"keys": [site.keys["model"].id]})
    return 1, check_refused(site, site.forge().write_rdb(site.new_path(".rdb")), r"revoked|key")


@case(40, "revocations rolled back: an older root, and a copy of it under the next version's name")
def _(sites):
    site = sites.copy_of("site")
    old = f.Root(site.holders(), site.root)
    site.update_root(revoked={"keys": [site.keys["officer 2"].id]})
    before = site.tree()
    outcome = site.trust("update", old.text, check=False)
    check_in_order(outcome)
    assert site.tree() == before and b"stays in force" in outcome.said, outcome
    check_refused(site, site.forge().write_rdb(site.new_path(".rdb")), r"revoked")
    outcome = site.trust("init", old.text, check=False)
    check_in_order(outcome)
    assert outcome.status == 1 and site.tree() == before, outcome
    return 2, outcome.said.decode().splitlines()[0]
