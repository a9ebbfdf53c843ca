#!/usr/bin/env python3
"""The log of a real service, judged by a verifier that shares nothing with it (tlog_verifier.py): the whole log, the inclusion of every
record, consistency between all checkpoints that were carried out, receipts, and a witness.

    audit_proofs.py [--requests N]
"""
import argparse
import base64
import concurrent.futures
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog_verifier
from service import ROOT, Service
from tally import Tally

EXAMPLE = ROOT / "image/handbook/check_receipt.py"


class Witness:
    """A C2SP witness of one log: it signs a checkpoint that extends the one it saw last."""

    def __init__(self, name):
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        material = b"\x04" + self.key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(material).decode()}"

    def cosign(self, note, when=None):
        when = int(when or time.time())
        text = note.rpartition(b"\n\n")[0] + b"\n"
        signature = self.key.sign(b"cosignature/v1\ntime %d\n" % when + text)
        line = base64.b64encode(self.id + struct.pack(">Q", when) + signature).decode()
        return note + f"— {self.name} {line}\n".encode()


def converse(service, number):
    """One request in one of its many forms; the answer, and how it was asked, where it carries a receipt."""
    chat = {"model": service.name, "messages": [{"role": "user", "content": f"Question {number}: what is Redoubt?"}],
            "max_tokens": 4 + number % 5, "user": f"user-{number % 7}", "metadata": {"tag": f"tag-{number % 3}"}}
    if number % 4 == 1:
        body = {"model": service.name, "prompt": f"Redoubt {number}", "max_tokens": 5, "n": 2, "seed": number}
        return service.request("POST", "/v1/completions", body), None
    if number % 4 == 2:
        return service.request("POST", "/v1/chat/completions", {**chat, "stream": True}), None
    if number % 4 == 3:
        payload = json.dumps(chat).encode()
        connection = service.connect()
        connection.request("POST", "/v1/chat/completions", payload,
                           {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json",
                            "x-redoubt-receipt": "1"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return (response.status, {}, answer), payload
    return service.request("POST", "/v1/chat/completions", chat), None


def watch_checkpoints(directory, notes, over):
    while not over.is_set():
        try:
            note = (directory / "checkpoint").read_bytes()
            if not notes or notes[-1] != note:
                notes.append(note)
        except OSError:
            pass
        over.wait(0.05)


def check_log(tally, directory, vkey, witness, notes):
    log = tlog_verifier.Log(directory, vkey, [witness.vkey]).verify()
    tally.check(True, "the whole log")
    checkpoints = [tlog_verifier.Checkpoint(note, log.key) for note in notes]
    for note in notes:
        log.check_old(note)
        tally.check(True, "consistency with the log")
    # Between any two that were carried out, not only with the last.
    for old, new in zip(checkpoints, checkpoints[1:]):
        if old.size:
            tlog_verifier.check_consistency(old.size, old.root, new.size, new.root, log.consistency(old.size, new.size))
            tally.check(True, "consistency of neighbours")
    return log


def check_every_inclusion(tally, service, log, directory, work):
    entries = list(log.entries())
    proof = work / "record.tlog-proof"

    def prove(index):
        service.run("audit", "prove", str(index), "--log", directory, "-o", work / f"{index}.tlog-proof")
        text = (work / f"{index}.tlog-proof").read_bytes()
        checkpoint = tlog_verifier.check_proof(text, entries[index], log.key)
        return checkpoint.size == log.size and checkpoint.root == log.checkpoint.root

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for index, good in enumerate(pool.map(prove, range(len(entries)))):
            tally.check(good, "inclusion", str(index))
    proof.write_bytes((work / "7.tlog-proof").read_bytes())
    tally.refused(lambda: tlog_verifier.check_proof(proof.read_bytes(), entries[8], log.key), "a proof of another record", tlog_verifier.Refused)
    tally.refused(lambda: tlog_verifier.check_proof(proof.read_bytes().replace(b"index 7\n", b"index 8\n"), entries[7], log.key),
                  "a proof with another index", tlog_verifier.Refused)
    (work / "record").write_bytes(entries[7])
    key = ["--key", (directory / "log.vkey").read_text().strip()]
    checked = service.run("audit", "check", proof, "--record", work / "record", *key, check=False)
    tally.check(checked.returncode == 0, "audit check of a proof", checked.stderr)
    (work / "record").write_bytes(entries[8])
    checked = service.run("audit", "check", proof, "--record", work / "record", *key, check=False)
    tally.check(checked.returncode != 0, "audit check refuses another record")
    return entries


def check_receipts(tally, service, log, vkey, receipts, work):
    """Each by the tool, by the example, and here."""
    for number, (payload, answer) in enumerate(receipts):
        receipt = answer["redoubt_receipt"]
        record = receipt["record"].encode()
        checkpoint = tlog_verifier.check_proof(receipt["proof"].encode(), record, log.key)
        tally.check(checkpoint.size <= log.size, "a receipt's checkpoint")
        log.check_old(receipt["proof"].encode().partition(b"\n\n")[2])
        body = json.loads(record)["body"]
        salt = bytes.fromhex(receipt["salt"])
        tally.check(hashlib.sha256(salt + payload).hexdigest() == body["body"]["digest"], "the digest of the request")
        text = answer["choices"][0]["message"]["content"].encode()
        tally.check(hashlib.sha256(salt + text).hexdigest() == body["choices"][0]["text_digest"], "the digest of the answer")
        if number > 4:
            continue
        (work / "receipt.json").write_text(json.dumps(receipt))
        (work / "request.json").write_bytes(payload)
        (work / "answer.txt").write_bytes(text)
        arguments = [work / "receipt.json", "--key", vkey, "--request", work / "request.json", "--answer", work / "answer.txt"]
        checked = service.run("audit", "check", *arguments, check=False)
        tally.check(checked.returncode == 0, "audit check of a receipt", checked.stderr)
        example = [sys.executable, str(EXAMPLE), str(work / "receipt.json"), vkey, str(work / "request.json"),
                   str(work / "answer.txt")]
        done = subprocess.run(example, capture_output=True, text=True)
        tally.check(done.returncode == 0, "the example accepts a receipt", done.stderr)
        (work / "answer.txt").write_bytes(text + b"!")
        tally.check(subprocess.run(example, capture_output=True).returncode != 0, "the example refuses another answer")
        tally.check(service.run("audit", "check", *arguments, check=False).returncode != 0, "audit check refuses another answer")
        forged = dict(receipt, record=receipt["record"].replace('"outcome":"ok"', '"outcome":"no"'))
        (work / "receipt.json").write_text(json.dumps(forged))
        (work / "answer.txt").write_bytes(text)
        tally.check(subprocess.run(example, capture_output=True).returncode != 0, "the example refuses a changed record")
        tally.check(service.run("audit", "check", *arguments, check=False).returncode != 0, "audit check refuses a changed record")


def check_pairs(tally, entries, answered):
    """One admission and one end for each answer."""
    records = [json.loads(entry) for entry in entries]
    admitted = {record["body"]["request"]: record["index"] for record in records if record["type"] == "request.admitted"}
    ended = [record["body"]["request"] for record in records if record["type"] in ("request.finished", "request.lost")]
    tally.check(len(admitted) == answered and sorted(admitted) == sorted(ended), "one admission and one end for each answer",
                f"{answered} answers, {len(admitted)} admitted, {len(ended)} ended")
    types = {record["type"] for record in records}
    for expected in ("service.started", "service.stopping", "config.loaded", "role.ready", "log.opened", "log.closed",
                     "auth.failed", "request.refused", "log.cosigned", "act"):
        tally.check(expected in types, f"a record {expected}", str(sorted(types)))


def cosign(tally, service, directory, witness, work):
    note = (directory / "checkpoint").read_bytes()
    (work / "cosigned").write_bytes(witness.cosign(note))
    done = service.run("audit", "cosign", work / "cosigned", "--config", service.config, check=False)
    tally.check(done.returncode == 0, "a witness's signature is taken in", done.stderr)
    stranger = Witness("stranger.example")
    (work / "cosigned").write_bytes(stranger.cosign(note))
    done = service.run("audit", "cosign", work / "cosigned", "--config", service.config, check=False)
    tally.check(done.returncode != 0, "a stranger's is not")
    broken = witness.cosign(note).replace(b"\n1", b"\n2", 1) if b"\n1" in note else witness.cosign(note)[:-12] + b"AAAAAAAAAA=\n"
    (work / "cosigned").write_bytes(broken)
    done = service.run("audit", "cosign", work / "cosigned", "--config", service.config, check=False)
    tally.check(done.returncode != 0, "one under another checkpoint is not")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=160)
    options = parser.parse_args()
    tally = Tally()
    witness = Witness("witness.example")
    service = Service(settings={"audit.origin": "example.org/redoubt-1", "audit.witnesses": [witness.vkey]})
    work = service.directory / "work"
    work.mkdir()
    directory = pathlib.Path(service.settings["paths.state"]) / "audit"
    notes, over, receipts, answered = [], threading.Event(), [], 0
    try:
        service.start()
        watcher = threading.Thread(target=watch_checkpoints, args=(directory, notes, over))
        watcher.start()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for begin in range(0, options.requests, 20):
                numbers = range(begin, min(begin + 20, options.requests))
                for (status, _, answer), payload in pool.map(lambda n: converse(service, n), numbers):
                    tally.check(status == 200, "an answer", str(answer)[:200])
                    answered += status == 200
                    if payload is not None and status == 200:
                        receipts.append((payload, answer))
                time.sleep(0.7)  # so that there are checkpoints of many sizes
        status, _, _ = service.request("GET", "/v1/models", headers={"Authorization": "Bearer rdk_wrong"})
        tally.check(status == 401, "a wrong key")
        status, _, _ = service.request("POST", "/v1/chat/completions", {"model": service.name, "messages": 3})
        tally.check(status == 400, "a bad request")
        time.sleep(1.5)  # published
        live = service.run("audit", "verify", "--config", service.config, check=False)
        tally.check(live.returncode == 0, "audit verify of a live log", live.stdout + live.stderr)
        cosign(tally, service, directory, witness, work)
        over.set()
        watcher.join()
        tally.check(service.stop() == 0, "a clean stop")
        vkey = (directory / "log.vkey").read_text().strip()
        log = check_log(tally, directory, vkey, witness, notes)
        entries = check_every_inclusion(tally, service, log, directory, work)
        check_receipts(tally, service, log, vkey, receipts, work)
        check_pairs(tally, entries, answered)
        for number, note in enumerate(notes[:3] + notes[-3:]):
            (work / f"old-{number}").write_bytes(note)
            verified = service.run("audit", "verify", "--log", directory, "--checkpoint", work / f"old-{number}", "--key", vkey,
                                   check=False)
            tally.check(verified.returncode == 0, "audit verify --checkpoint", verified.stdout + verified.stderr)
    finally:
        over.set()
        if tally.failed:
            print(service.log.read_text()[-4000:])
        service.close()
    print(f"audit-proofs: {tally.passed} of {tally.passed + tally.failed} checks: {len(entries)} records, each with its proof; "
          f"{len(notes)} checkpoints; {len(receipts)} receipts")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
