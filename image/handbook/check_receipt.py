#!/usr/bin/env python3
"""Checks a receipt of an answer against the log's key, and the texts against the receipt.

    check_receipt.py RECEIPT VKEY [REQUEST [ANSWER]]

RECEIPT is the JSON of a receipt, or an answer with its member "redoubt_receipt". VKEY is the text in
the log's file log.vkey, from a source you trust. REQUEST is the file of the request's body and ANSWER
that of the text of one choice, byte by byte as they were sent. Needs Python 3.8 and the package
`cryptography`; nothing of the appliance. Formats: C2SP signed-note, tlog-checkpoint, tlog-proof; RFC
9162 section 2.1.3.2.
"""
import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def require(condition, complaint):
    if not condition:
        sys.exit(f"NOT PROVEN: {complaint}")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def decode(text):
    return base64.b64decode(text, validate=True)


def open_checkpoint(note, vkey):
    """The size and root that the log has signed."""
    name, key_id, key = vkey.split("+", 2)
    key = decode(key)
    require(key[0] == 1 and len(key) == 33, "the key is not an Ed25519 key of a log")
    require(sha256(name.encode(), b"\n", key)[:4].hex() == key_id, "the key's id is not its own")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    signed = False
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        require(dash == "\u2014", "a line under the checkpoint is no signature")
        signature = decode(signature)
        if signer != name or signature[:4].hex() != key_id:
            continue  # somebody else's
        try:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text.encode())
        except InvalidSignature:
            sys.exit("NOT PROVEN: the log's signature does not hold")
        signed = True
    require(signed, "the log's key has not signed the checkpoint")
    origin, size, root = text.split("\n")[:3]
    require(origin == name, "the checkpoint is of another log")
    return int(size), decode(root)


def check_path(record, index, path, size, root):
    require(0 <= index < size, "the record lies beyond the checkpoint")
    position, last, reached = index, size - 1, sha256(b"\0", record)
    for sibling in path:
        require(last > 0, "the path is too long")
        if position & 1 or position == last:
            reached = sha256(b"\1", sibling, reached)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            reached = sha256(b"\1", reached, sibling)
        position, last = position >> 1, last >> 1
    require(last == 0 and reached == root, "the path does not lead to the checkpoint's root")


def main(receipt_file, vkey, request=None, answer=None):
    receipt = json.load(open(receipt_file, encoding="utf-8"))
    receipt = receipt.get("redoubt_receipt", receipt)
    require(receipt["format"] == "redoubt-receipt/1", "a receipt of another format")
    head, checkpoint = receipt["proof"].split("\n\n", 1)
    lines = [line for line in head.split("\n") if not line.startswith("extra ")]
    require(lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index "), "no tlog-proof")
    index, path = int(lines[1][len("index "):]), [decode(line) for line in lines[2:]]
    size, root = open_checkpoint(checkpoint, vkey)
    check_path(receipt["record"].encode(), index, path, size, root)
    record = json.loads(receipt["record"])
    require(record["index"] == index, "the record names another index")
    print(f"proven: record {index} of {size}, {record['type']} at {record['time']}")
    for file, digests, what in (
            (request, lambda body: [body["body"]["digest"]], "request"),
            (answer, lambda body: [c["text_digest"] for c in body["choices"]], "answer")):
        if file:
            salted = sha256(bytes.fromhex(receipt["salt"]), open(file, "rb").read()).hex()
            require(salted in digests(record["body"]), f"this is not the {what} that was recorded")
            print(f"proven: {file} is the {what}")


if not 3 <= len(sys.argv) <= 5:
    sys.exit(__doc__)
main(*sys.argv[1:])
