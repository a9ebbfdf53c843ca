"""An independent maker of bundles, written from provisioning/BUNDLE.md: whatever a bundle says can be set to a lie while
all the rest stays valid and, where that matters, is signed as it should be.

A Forge makes each stage from the one before when it is first asked for:

    files -> statement -> payload -> signatures -> dsse -> envelope \\
    files -> oms_statement -> oms_payload -> oms -> model_sig ------- members -> archive

Set or edit a stage before anything behind it is asked for, and what follows is made of the edited one:

    forge.statement["sequence"] = 2**64            signed by those who should
    forge.payload = forge.payload.replace(…)       likewise
    forge.signatures[1]["sig"] = "…"               what they signed stays
"""
import base64
import datetime
import hashlib
import json
import pathlib
from functools import cached_property

import bundle_tar
from bundle_keys import Key

RELEASE_TYPE = "application/vnd.redoubt.release+json"
ROOT_TYPE = "application/vnd.redoubt.root+json"
OMS_TYPE = "application/vnd.in-toto+json"
CHUNK = 4 << 20
RELEASE_PAD, SIGNATURE_PAD, PAD_STEP, PAD_SPARE = 128 << 10, 64 << 10, 64 << 10, 32 << 10


class Raw(str):
    """JSON text that is written as it is."""


def dump(value):
    """Compact JSON, members in their order; a list of pairs made with `pairs` may name a member twice."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{dump(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def b64(data):
    return base64.b64encode(data).decode()


def pae(payload_type, payload):
    """Pre-authentication encoding (secure-systems-lab/dsse, protocol.md)."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def pad(text, first):
    """Spaces up to `first` bytes or, when the text comes within PAD_SPARE of that, to the next step that leaves so much."""
    size = first
    while len(text) > size - PAD_SPARE:
        size += PAD_STEP
    return text + b" " * (size - len(text))


def chunk_digest(data):
    pieces = [hashlib.sha256(data[at:at + CHUNK]).digest() for at in range(0, len(data), CHUNK)]
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def sign_dsse(payload, payload_type, keys):
    """The list of signatures of an envelope."""
    return [{"keyid": key.id, "sig": b64(key.sign(pae(payload_type, payload)))} for key in keys]


def dsse_text(payload, payload_type, signatures):
    return dump({"payload": b64(payload), "payloadType": payload_type, "signatures": signatures}).encode()


def describe_file(name, data):
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
            "sha384": hashlib.sha384(data).hexdigest(), "chunks": chunk_digest(data)}


def root_digest(digests):
    return hashlib.sha256(b"".join(map(bytes.fromhex, digests))).hexdigest()


def bom(files, name="assistant"):
    """A CycloneDX 1.6 document about a model: a component for it and one for each of its files."""
    listed = [{"type": "file", "name": file, "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}]}
              for file, data in files.items() if file.startswith("model/")]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
                       "components": [{"type": "machine-learning-model", "name": name}, *listed]}).encode()


class Forge:
    """One bundle of `files` (name below the bundle -> bytes) in the making."""

    def __init__(self, files, release_keys, model_key, **members):
        self.files = dict(files)
        self.release_keys = list(release_keys)
        self.model_key = model_key
        self.given = members
        self.payload_type = RELEASE_TYPE
        self.signed_type = None  # what the signatures are over, where that is another
        self.oms_type = OMS_TYPE

    # ---- release.dsse ---------------------------------------------------------------------------------

    @cached_property
    def statement(self):
        described = [describe_file(name, self.files[name]) for name in sorted(self.files, key=str.encode)]
        statement = {
            "type": "redoubt-release", "format": 1, "name": "assistant", "sequence": 2, "version": "2026.11",
            "issued": "2026-11-01T00:00:00Z", "product": "redoubt", "product_min": "0.1.0", "sites": [],
            "hardware": {"backends": ["cpu", "cuda"], "memory_bytes_min": 0}, "license": "Apache-2.0",
            "model_root": root_digest([file["sha256"] for file in described if file["name"].startswith("model/")]),
            "files": described, "qualify": {"golden": "", "evaluations": []}}
        if "expires" in self.given:  # behind "issued", where it belongs
            statement = {key: value for name, item in statement.items()
                         for key, value in ([(name, item), ("expires", "")] if name == "issued" else [(name, item)])}
        statement.update(self.given)
        return statement

    @cached_property
    def payload(self):
        return dump(self.statement).encode()

    @cached_property
    def signatures(self):
        return sign_dsse(self.payload, self.payload_type if self.signed_type is None else self.signed_type, self.release_keys)

    @cached_property
    def dsse(self):
        """The envelope's text without its padding."""
        return dsse_text(self.payload, self.payload_type, self.signatures)

    @cached_property
    def envelope(self):
        return pad(self.dsse, RELEASE_PAD)

    # ---- model.sig --------------------------------------------------------------------------------------

    @cached_property
    def oms_statement(self):
        named = [(name[len("model/"):], hashlib.sha256(data).hexdigest()) for name, data in self.files.items()
                 if name.startswith("model/")]
        named.sort(key=lambda pair: pair[0].encode())
        return {"_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": "assistant", "digest": {"sha256": root_digest([digest for _, digest in named])}}],
                "predicateType": "https://model_signing/signature/v1.0",
                "predicate": {
                    "resources": [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in named],
                    "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False,
                                      "ignore_paths": [".git", ".gitattributes", ".github", ".gitignore"]}}}

    @cached_property
    def oms_payload(self):
        return dump(self.oms_statement).encode()

    @cached_property
    def oms_signature(self):
        return self.model_key.sign(pae(self.oms_type, self.oms_payload))

    @cached_property
    def material(self):
        return {"publicKey": {"hint": self.model_key.id}, "tlogEntries": []}

    def certify(self, chain):
        """The certificate method: DER certificates, the leaf first."""
        self.material = {"x509CertificateChain": {"certificates": [{"rawBytes": b64(der)} for der in chain]},
                         "tlogEntries": []}

    @cached_property
    def oms(self):
        return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": self.material,
                "dsseEnvelope": {"payload": b64(self.oms_payload), "payloadType": self.oms_type,
                                 "signatures": [{"sig": b64(self.oms_signature), "keyid": ""}]}}

    @cached_property
    def oms_text(self):
        """model.sig without its padding."""
        return dump(self.oms).encode()

    @cached_property
    def model_sig(self):
        return pad(self.oms_text, SIGNATURE_PAD)

    # ---- as it lies on a stick ----------------------------------------------------------------------------

    @cached_property
    def members(self):
        behind = [bundle_tar.Member(name, self.files[name]) for name in sorted(self.files, key=str.encode)]
        return [bundle_tar.Member("release.dsse", self.envelope), bundle_tar.Member("model.sig", self.model_sig), *behind]

    @cached_property
    def archive(self):
        return bundle_tar.archive(self.members)

    def write_rdb(self, path):
        path = pathlib.Path(path)
        path.write_bytes(self.archive)
        return path

    def write_directory(self, path, bare=False):
        """`bare`: somebody's model directory, model.sig beside the files themselves."""
        path = pathlib.Path(path)
        path.mkdir(parents=True, exist_ok=True)
        if not bare:
            (path / "release.dsse").write_bytes(self.envelope)
        (path / "model.sig").write_bytes(self.model_sig)
        for name, data in self.files.items():
            target = path / (name[len("model/"):] if bare else name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return path

    def write_parts(self, path, part_bytes):
        """A directory with NAME.rdb.001 … and their list."""
        path = pathlib.Path(path)
        path.mkdir(parents=True, exist_ok=True)
        parts = [self.archive[at:at + part_bytes] for at in range(0, len(self.archive), part_bytes)]
        for number, part in enumerate(parts, 1):
            (path / f"assistant.rdb.{number:03}").write_bytes(part)
        listed = {"type": "redoubt-parts", "format": 1, "bytes": len(self.archive), "part_bytes": part_bytes,
                  "sha256": [hashlib.sha256(part).hexdigest() for part in parts]}
        (path / "assistant.rdb.parts").write_text(dump(listed))
        return path


# ---- the trust root ---------------------------------------------------------------------------------------

def one_group(threshold, keys):
    return {"groups": [{"threshold": threshold, "keys": [key.id for key in keys]}]}


class Root:
    """A trust root in the making, in the same manner: members -> payload -> signatures -> text."""

    def __init__(self, signers, members):
        self.signers = list(signers)
        self.statement = json.loads(json.dumps(members))
        self.payload_type = ROOT_TYPE

    @cached_property
    def payload(self):
        return dump(self.statement).encode()

    @cached_property
    def signatures(self):
        return sign_dsse(self.payload, self.payload_type, self.signers)

    @cached_property
    def text(self):
        return dsse_text(self.payload, self.payload_type, self.signatures)


def root_members(keys, root, release, model, version=1, **members):
    """The payload of a trust root. `keys`: name -> Key; `root`, `release`: roles; `model`: keys for model.sig."""
    document = {
        "type": "redoubt-root", "format": 1, "version": version, "issued": "2026-10-01T00:00:00Z", "product": "redoubt",
        "site": "alpha-7",
        "keys": [{"id": key.id, "suite": key.suite, "name": name, "public": key.pem} for name, key in keys.items()],
        "roles": {"root": root, "release": release},
        "model": {"keys": [key.id for key in model], "certificates": [], "subjects": [], "time": "floor", "crls": [],
                  "require_signature": True, "bare": True},
        "revoked": {"keys": [], "releases": []}, "sequence_floors": {}, "policy": {"expired": "refuse", "suites": []}}
    document.update(members)
    return document


def make_keys():
    """Who there is at the site of the tests: three officers of whom two must sign, two holders of the root, one that signs
    models, and somebody whom nobody trusts."""
    return {"officer 1": Key(), "officer 2": Key(), "officer 3": Key(), "root 1": Key(), "root 2": Key(),
            "model": Key("P-256"), "stranger": Key(), "modern": Key("Ed25519")}
