#!/usr/bin/env python3
"""An independent verifier of tiled transparency logs, written from the texts of C2SP (signed-note, tlog-checkpoint, tlog-tiles,
tlog-proof, tlog-cosignature) and RFC 6962 / RFC 9162: the standard library and `cryptography`, nothing of Redoubt's.

As a module:   Log(directory, vkey).verify()
As a program:  tlog_verifier.py DIRECTORY VKEY      verifies the log and prints its size and root
"""
import base64
import hashlib
import pathlib
import re
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WIDTH = 256
ED25519 = 0x01
COSIGNATURE = 0x04


class Refused(Exception):
    """The log, or what somebody says of it, does not hold."""


def refuse_unless(condition, why):
    if not condition:
        raise Refused(why)


def unbase64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused(f"{what}: not base64") from error
    refuse_unless(base64.b64encode(data).decode() == text, f"{what}: not canonical base64")
    return data


# ---- RFC 6962 section 2.1 -------------------------------------------------------------------------------------------


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def largest_power_below(n):
    return 1 << ((n - 1).bit_length() - 1)


def fold_inclusion(leaf, index, size, path):
    """RFC 9162 section 2.1.3.2: the root that the path leads to."""
    refuse_unless(0 <= index < size, "the index is not in the tree")
    node, last, hash_ = index, size - 1, leaf
    for sibling in path:
        refuse_unless(last > 0, "the path is too long")
        if node & 1 or node == last:
            hash_ = node_hash(sibling, hash_)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            hash_ = node_hash(hash_, sibling)
        node >>= 1
        last >>= 1
    refuse_unless(last == 0, "the path is too short")
    return hash_


def check_consistency(old_size, old_root, size, root, proof):
    """RFC 9162 section 2.1.4.2."""
    refuse_unless(0 < old_size <= size, "sizes out of order")
    if old_size == size:
        refuse_unless(not proof and old_root == root, "equal sizes, other roots")
        return
    refuse_unless(proof, "an empty proof")
    proof = list(proof)
    if old_size & (old_size - 1) == 0:
        proof.insert(0, old_root)
    node, last = old_size - 1, size - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old_hash = new_hash = proof[0]
    for sibling in proof[1:]:
        refuse_unless(last > 0, "the proof is too long")
        if node & 1 or node == last:
            old_hash = node_hash(sibling, old_hash)
            new_hash = node_hash(sibling, new_hash)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new_hash = node_hash(new_hash, sibling)
        node >>= 1
        last >>= 1
    refuse_unless(last == 0, "the proof is too short")
    refuse_unless(old_hash == old_root, "the proof does not lead to the old root")
    refuse_unless(new_hash == root, "the proof does not lead to the new root")


# ---- signed notes ---------------------------------------------------------------------------------------------------


class VerifierKey:
    def __init__(self, text):
        match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", text.strip())
        refuse_unless(match, "not a verifier key")
        self.name, self.id = match[1], bytes.fromhex(match[2])
        material = unbase64(match[3], "the key")
        self.type, self.key = material[0], material[1:]
        expected = hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:4]
        refuse_unless(expected == self.id, "the key's id is not that of the key")
        refuse_unless(self.type in (ED25519, COSIGNATURE) and len(self.key) == 32, "a type of key that is not known here")

    def check(self, text, signature):
        message = text
        if self.type == COSIGNATURE:
            time = struct.unpack(">Q", signature[:8])[0]
            signature, message = signature[8:], b"cosignature/v1\ntime %d\n" % time + text
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature as error:
            raise Refused(f"the signature of {self.name} does not hold") from error


def open_note(note, keys):
    """The text, and the names of those of `keys` that signed it."""
    note.decode("utf-8")
    refuse_unless(not re.search(rb"[\x00-\x09\x0b-\x1f]", note), "control characters in a note")
    head, separator, tail = note.rpartition(b"\n\n")
    refuse_unless(separator and tail.endswith(b"\n"), "not a signed note")
    text = head + b"\n"
    signers = []
    for line in tail.decode().splitlines():
        match = re.fullmatch("— (\\S+) (\\S+)", line)
        refuse_unless(match, "not a signature line")
        data = unbase64(match[2], "a signature")
        refuse_unless(len(data) > 4, "a short signature")
        for key in keys:
            if key.name == match[1] and key.id == data[:4]:
                key.check(text, data[4:])
                signers.append(key.name)
    return text, signers


class Checkpoint:
    def __init__(self, note, key, witnesses=()):
        text, signers = open_note(note, [key, *witnesses])
        refuse_unless(key.name in signers, "the log has not signed it")
        lines = text.decode().split("\n")
        refuse_unless(len(lines) >= 4 and lines[-1] == "", "a checkpoint of too few lines")
        self.origin = lines[0]
        refuse_unless(self.origin == key.name, "another log's checkpoint")
        refuse_unless(re.fullmatch(r"0|[1-9][0-9]*", lines[1]), "a size that is no number")
        self.size = int(lines[1])
        self.root = unbase64(lines[2], "the root")
        refuse_unless(len(self.root) == 32, "a root of another length")
        self.witnesses = [name for name in signers if name != key.name]


def check_proof(text, record, key, witnesses=()):
    """A tlog-proof: the checkpoint it leads to."""
    head, separator, note = text.partition(b"\n\n")
    refuse_unless(separator, "no checkpoint in the proof")
    lines = head.decode("ascii").split("\n")
    refuse_unless(lines[0] == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    lines = lines[1:]
    if lines and lines[0].startswith("extra "):
        unbase64(lines[0][6:], "the extra data")
        lines = lines[1:]
    match = lines and re.fullmatch(r"index (0|[1-9][0-9]*)", lines[0])
    refuse_unless(match, "no index in the proof")
    path = [unbase64(line, "a hash") for line in lines[1:]]
    refuse_unless(all(len(hash_) == 32 for hash_ in path), "a hash of another length")
    checkpoint = Checkpoint(note, key, witnesses)
    root = fold_inclusion(leaf_hash(record), int(match[1]), checkpoint.size, path)
    refuse_unless(root == checkpoint.root, "the proof does not lead to the checkpoint's root")
    return checkpoint


# ---- tiles ----------------------------------------------------------------------------------------------------------


def tile_path(level, number, width=WIDTH):
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width != WIDTH else "")


class Log:
    """The log below a directory, as of its checkpoint. Everything is read from the tiles that a tree of that size has."""

    def __init__(self, directory, vkey, witnesses=()):
        self.directory = pathlib.Path(directory)
        self.key = VerifierKey(vkey)
        self.checkpoint = Checkpoint((self.directory / "checkpoint").read_bytes(), self.key,
                                     [VerifierKey(text) for text in witnesses])
        self.size = self.checkpoint.size
        self.tiles = {}

    def _widths(self, level):
        """(number, width) of each tile that a tree of this size has at a level."""
        hashes = self.size >> (8 * level)
        tiles = [(number, WIDTH) for number in range(hashes // WIDTH)]
        return tiles + ([(hashes // WIDTH, hashes % WIDTH)] if hashes % WIDTH else [])

    def entries(self):
        for number, width in self._widths(0):
            data = (self.directory / tile_path("entries", number, width)).read_bytes()
            at = 0
            for _ in range(width):
                refuse_unless(at + 2 <= len(data), "a bundle ends early")
                length = struct.unpack_from(">H", data, at)[0]
                at += 2
                refuse_unless(at + length <= len(data), "a bundle ends early")
                yield data[at:at + length]
                at += length
            refuse_unless(at == len(data), "a bundle has more than its entries")

    def _read_hashes(self):
        level = 0
        while self._widths(level):
            hashes = []
            for number, width in self._widths(level):
                data = (self.directory / tile_path(level, number, width)).read_bytes()
                refuse_unless(len(data) == 32 * width, "a tile of another length")
                hashes += [data[at:at + 32] for at in range(0, len(data), 32)]
            self.tiles[level] = hashes
            level += 1

    def subtree(self, begin, end):
        """MTH(D[begin:end]) for a complete subtree, from the highest tiles that have it."""
        span = end - begin
        for level in sorted(self.tiles, reverse=True):
            step = 256 ** level
            if span >= step:
                return merkle_root(self.tiles[level][begin // step:end // step])
        raise Refused("no such subtree")

    def root(self, size):
        if size == 0:
            return hashlib.sha256(b"").digest()
        return self._range(0, size)

    def _range(self, begin, end):
        span = end - begin
        if span & (span - 1) == 0:
            return self.subtree(begin, end)
        split = largest_power_below(span)
        return node_hash(self._range(begin, begin + split), self._range(begin + split, end))

    def inclusion(self, index, size):
        def path(begin, end):
            if end - begin == 1:
                return []
            split = largest_power_below(end - begin)
            middle = begin + split
            if index < middle:
                return path(begin, middle) + [self._range(middle, end)]
            return path(middle, end) + [self._range(begin, middle)]
        return path(0, size)

    def consistency(self, old_size, size):
        def subproof(m, begin, end, whole):
            if m == end - begin:
                return [] if whole else [self._range(begin, end)]
            split = largest_power_below(end - begin)
            middle = begin + split
            if m <= split:
                return subproof(m, begin, middle, whole) + [self._range(middle, end)]
            return subproof(m - split, middle, end, False) + [self._range(begin, middle)]
        return subproof(old_size, 0, size, True)

    def verify(self):
        """Entries against leaf tiles, tiles against the tiles below them, the root against the checkpoint."""
        self._read_hashes()
        leaves = [leaf_hash(entry) for entry in self.entries()]
        refuse_unless(len(leaves) == self.size, "not as many entries as the checkpoint says")
        refuse_unless(leaves == self.tiles.get(0, []), "an entry is not what its tile says")
        for level in sorted(self.tiles)[1:]:
            below = self.tiles[level - 1]
            for place, hash_ in enumerate(self.tiles[level]):
                refuse_unless(merkle_root(below[place * WIDTH:(place + 1) * WIDTH]) == hash_,
                              f"level {level}, hash {place}: not the root of the tile below")
        refuse_unless(self.root(self.size) == self.checkpoint.root, "the root is not the checkpoint's")
        return self

    def check_old(self, note):
        """This log extends the one of an older checkpoint."""
        old = Checkpoint(note, self.key)
        refuse_unless(old.size <= self.size, "the log is shorter than it was")
        if old.size:
            check_consistency(old.size, old.root, self.size, self.checkpoint.root, self.consistency(old.size, self.size))
        return old


def merkle_root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = largest_power_below(len(hashes))
    return node_hash(merkle_root(hashes[:split]), merkle_root(hashes[split:]))


if __name__ == "__main__":
    log = Log(sys.argv[1], sys.argv[2]).verify()
    print(log.size, log.checkpoint.root.hex())
