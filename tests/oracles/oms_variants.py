"""Signatures as OpenSSF Model Signing allows them, and as it does not, each over one model with one key.

    oms_variants.py KEY.pem MODEL OUT     writes OUT/NAME.sig and OUT/list: NAME, our verdict, the reference tool's, our reason

Everything but the envelope's own faults is signed well: what is refused is refused for what it says. A verdict "-" is not asked
for. Where ours is stricter than the tool's, the reason stands in the third column.
"""
import base64
import copy
import hashlib
import json
import pathlib
import sys

import model_signing
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

KEY_FILE, MODEL, OUT = (pathlib.Path(argument) for argument in sys.argv[1:4])
KEY = serialization.load_pem_private_key(KEY_FILE.read_bytes(), None)
HASH = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[KEY.curve.key_size]
TYPE = "application/vnd.in-toto+json"
LISTED = []


def write(name, bundle, ours, tool, reason="-"):
    text = bundle if isinstance(bundle, str) else json.dumps(bundle)
    (OUT / f"{name}.sig").write_text(text)
    LISTED.append(f"{name}\t{ours}\t{tool}\t{reason}")


def by_tool(name, hashing, ours, tool, reason="-", model=MODEL):
    signature = OUT / f"{name}.sig"
    config = model_signing.signing.Config().use_elliptic_key_signer(private_key=KEY_FILE)
    config.set_hashing_config(hashing).sign(model, signature)
    LISTED.append(f"{name}\t{ours}\t{tool}\t{reason}")
    return json.loads(signature.read_text())


def sign(payload, kind=TYPE, digest=HASH, spelling=b"DSSEv1 %d %s %d %s"):
    return KEY.sign(spelling % (len(kind), kind.encode(), len(payload), payload), ec.ECDSA(digest))


def root_of(statement):
    digests = b"".join(bytes.fromhex(entry["digest"]) for entry in statement["predicate"]["resources"])
    return hashlib.sha256(digests).hexdigest()


hashing = lambda: model_signing.hashing.Config()  # noqa: E731
good = by_tool("as-the-tool-writes-it", hashing(), "accept", "accept")
by_tool("shards", hashing().use_shard_serialization(shard_size=2000), "refuse", "-", "whole files")
by_tool("blake2", hashing().use_file_serialization(hashing_algorithm="blake2"), "refuse", "-", "SHA-256 here")
by_tool("blake3", hashing().use_file_serialization(hashing_algorithm="blake3"), "refuse", "-", "SHA-256 here")
by_tool("links-allowed", hashing().set_allow_symlinks(True), "refuse", "-", "links are not followed")
by_tool("single-file", hashing(), "refuse", "-", "single file", MODEL / "a-b")
statement = json.loads(base64.b64decode(good["dsseEnvelope"]["payload"]))


def sealed(payload, signature=None):
    bundle = copy.deepcopy(good)
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature or sign(payload)).decode()
    return bundle


def says(name, change, ours, tool, reason="-", new_root=True):
    """A statement with one thing changed, its root recomputed, signed again."""
    changed = copy.deepcopy(statement)
    change(changed)
    if new_root:
        changed["subject"][0]["digest"]["sha256"] = root_of(changed)
    write(name, sealed(json.dumps(changed, separators=(",", ":")).encode()), ours, tool, reason)


def looks(name, change, ours, tool, reason="-"):
    """The bundle of the tool with one thing changed around the payload."""
    changed = copy.deepcopy(good)
    change(changed)
    write(name, changed, ours, tool, reason)


predicate = lambda s: s["predicate"]  # noqa: E731
resources = lambda s: s["predicate"]["resources"]  # noqa: E731
serialization_of = lambda s: s["predicate"]["serialization"]  # noqa: E731
envelope = lambda b: b["dsseEnvelope"]  # noqa: E731
first = lambda b: b["dsseEnvelope"]["signatures"][0]  # noqa: E731

says("compact", lambda s: None, "accept", "accept")
says("code-point-order", lambda s: resources(s).sort(key=lambda r: r["name"]), "accept", "accept")
says("reversed", lambda s: resources(s).reverse(), "accept", "accept")
says("stale-root", lambda s: resources(s).reverse(), "refuse", "refuse", "not the root", new_root=False)
says("extra-in-descriptor", lambda s: resources(s)[0].update(size=4, annotations={"a": [1.5]}), "accept", "accept")
says("extra-in-predicate", lambda s: predicate(s).update(vendor=1), "refuse", "accept", "unknown member")
says("no-resources", lambda s: predicate(s).update(resources=[]), "refuse", "refuse", "covers no file")
says("nothing-but-ignored", lambda s: (predicate(s).update(resources=[]), serialization_of(s).update(ignore_paths=["."])),
     "refuse", "accept", "covers no file")
says("everything-ignored", lambda s: serialization_of(s).update(ignore_paths=["."]), "refuse", "-", "ignore path")
says("resource-twice", lambda s: resources(s).append(resources(s)[0]), "refuse", "-", "twice")
says("out-of-the-tree", lambda s: resources(s)[0].update(name="../x"), "refuse", "refuse", "component")
says("upper-case-digest", lambda s: [r.update(digest=r["digest"].upper()) for r in resources(s)], "refuse", "-", "hexadecimal")
says("other-algorithm", lambda s: resources(s)[0].update(algorithm="md5"), "refuse", "refuse", "algorithm")
says("lying-hash-type", lambda s: serialization_of(s).update(hash_type="blake3"), "refuse", "-", "SHA-256 here")
says("version-2", lambda s: s.update(predicateType="https://model_signing/signature/v2.0"), "refuse", "refuse", "predicateType")
says("version-0", lambda s: s.update(predicateType="https://model_signing/Digests/v0.1"), "refuse", "-", "before 1.0")
says("other-type", lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), "refuse", "refuse", "_type")
says("two-subjects", lambda s: s["subject"].append(s["subject"][0]), "refuse", "refuse", "exactly one")
says("nameless", lambda s: s["subject"][0].update(name=""), "refuse", "accept", "subject")

looks("keyid-null", lambda b: first(b).update(keyid=None), "accept", "accept")
looks("keyid-words", lambda b: first(b).update(keyid="admin"), "accept", "accept")
looks("hint-empty", lambda b: b["verificationMaterial"]["publicKey"].update(hint=""), "refuse", "accept", "does not name its key")
looks("hint-wrong", lambda b: b["verificationMaterial"]["publicKey"].update(hint="0" * 64), "refuse", "refuse", "not trusted")
looks("extra-outside", lambda b: b.update(vendor=1), "refuse", "refuse", "unknown member")
looks("old-media-type", lambda b: b.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.3"), "refuse",
      "refuse", "mediaType")
looks("other-payload-type", lambda b: envelope(b).update(payloadType="application/json"), "refuse", "refuse", "payloadType")
looks("unsigned", lambda b: envelope(b).update(signatures=[]), "refuse", "refuse", "exactly one")
looks("good-and-junk", lambda b: envelope(b)["signatures"].append({"sig": "AAAA", "keyid": ""}), "refuse", "accept", "exactly one")
looks("junk-and-good", lambda b: envelope(b)["signatures"].insert(0, {"sig": "AAAA", "keyid": ""}), "refuse", "refuse", "exactly one")
looks("foreign-base64", lambda b: envelope(b).update(payload="!!" + envelope(b)["payload"]), "refuse", "accept", "base64")
looks("no-envelope", lambda b: b.pop("dsseEnvelope"), "refuse", "refuse", "dsseEnvelope is missing")
looks("before-1.1.0", lambda b: (b["verificationMaterial"].pop("tlogEntries"), first(b).update(keyid=None),
                                 b["verificationMaterial"].update(publicKey={"rawBytes": "LS0t", "keyDetails": "PKIX_ECDSA_P384_SHA_384"})),
      "refuse", "accept", "does not name its key")
looks("both-methods", lambda b: b["verificationMaterial"].update(x509CertificateChain={"certificates": []}), "refuse",
      "refuse", "both publicKey")

payload = base64.b64decode(good["dsseEnvelope"]["payload"])
r, s = utils.decode_dss_signature(sign(payload))
size = (KEY.curve.key_size + 7) // 8
write("signature-plain", sealed(payload, r.to_bytes(size, "big") + s.to_bytes(size, "big")), "refuse", "refuse", "not verify")
write("other-hash", sealed(payload, sign(payload, digest=hashes.SHA224())), "refuse", "refuse", "not verify")
write("old-encoding", sealed(payload, sign(payload, spelling=b"DSSEV1 %d %s %d %s")), "refuse", "refuse", "not verify")
write("over-other-type", sealed(payload, sign(payload, kind="text/plain")), "refuse", "refuse", "not verify")
write("duplicate-member", json.dumps(good).replace("{", '{"mediaType":"' + good["mediaType"] + '",', 1),
      "refuse", "accept", "duplicate key")
write("followed", json.dumps(good) + "{}", "refuse", "refuse", "-")
write("cut", json.dumps(good)[:-1], "refuse", "refuse", "-")
write("empty", "", "refuse", "refuse", "-")
(OUT / "list").write_text("\n".join(LISTED) + "\n")
