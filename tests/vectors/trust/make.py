"""Writes 1.root.dsse beside this file: a trust root by BUNDLE.md section 4, with nothing of ours in it."""
import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

PAYLOAD_TYPE = "application/vnd.redoubt.root+json"


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key):
    return hashlib.sha256(public_pem(key).encode()).hexdigest()


def entry(key, suite, name):
    return {"id": key_id(key), "suite": suite, "name": name, "public": public_pem(key)}


def role(*groups):
    return {"groups": [{"threshold": m, "keys": [key_id(key) for key in keys]} for m, keys in groups]}


officers = [ec.derive_private_key(scalar, ec.SECP384R1()) for scalar in (11, 12, 13)]
edwards = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

root = {
    "type": "redoubt-root", "format": 1, "version": 1,
    "issued": "2026-01-01T00:00:00Z", "expires": "2036-01-01T00:00:00Z",
    "product": "redoubt", "site": "alpha-7",
    "keys": [entry(key, "ecdsa-p384-sha384", f"officer {i}") for i, key in enumerate(officers)]
            + [entry(edwards, "ed25519", "")],
    "roles": {"root": role((2, officers)), "release": role((1, officers[:1]), (1, [edwards])),
              "time": role((1, [edwards]))},
    "model": {"keys": [key_id(officers[0])],
              "certificates": ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
              "subjects": ["CN=x"], "time": "floor", "crls": [], "require_signature": True, "bare": False},
    "revoked": {"keys": ["ab" * 32], "releases": ["cd" * 32]},
    "sequence_floors": {"assistant": 5},
    "policy": {"expired": "warn", "suites": ["ecdsa-p384-sha384", "ed25519"]},
}
payload = json.dumps(root, separators=(",", ":")).encode()
pae = b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)
envelope = {
    "payload": base64.b64encode(payload).decode(),
    "payloadType": PAYLOAD_TYPE,
    "signatures": [{"keyid": key_id(key), "sig": base64.b64encode(key.sign(pae, ec.ECDSA(hashes.SHA384()))).decode()}
                   for key in officers[:2]],
}
pathlib.Path(__file__).with_name("1.root.dsse").write_text(json.dumps(envelope, separators=(",", ":")) + "\n")
