"""Lines 41 to 47: archives, other formats, media that misbehave."""
import binascii
import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pathlib
import random
import re
import shutil
import socket
import stat
import struct
import subprocess
import tarfile
import threading
import time
import zipfile
import zlib

import bundle_forge as f
import bundle_tar as t
from bundle_cases import accept, case, looked_at, refuse
from bundle_cases_statement import check_stored
from bundle_models import small_gguf
from bundle_site import check_in_order, check_refused
from service import ROOT

FULL = os.environ.get("FULL") == "1"
RDB = ("rdb",)
TAR = r"model\.sig|octal|pax|size|header|archive|tar|member|entry|name|expected|pad|block|ends|zero|checksum|behind|after|\.rdb|neither"
GGUF = "model/small.gguf"

# ---- 41: archives ------------------------------------------------------------------------------------------


def with_member(change, index=2):
    """The members with one of them changed; `change` may give a list that takes its place."""
    def make(site):
        forge = site.forge()
        members = forge.members
        made = change(members[index])
        members[index:index + 1] = made if isinstance(made, list) else [made or members[index]]
        return forge
    return make


def tar(name, change, index=2, reason=TAR):
    refuse(41, f"tar: {name}", reason, with_member(change, index), forms=RDB)


def field(index=2, **fields):
    return lambda member: member.fields.update(fields)


def extra(name, data=b"x", typeflag=b"0", before=False, **fields):
    """One member more, behind the model or before it."""
    added = t.Member(name, data, {"typeflag": typeflag, **fields})
    return lambda member: [added, member] if before else [member, added]


for name in ("../escape", "/etc/cron.d/x", "model/../../escape", "model//x", "./model/x", "model/", "\x1b[2J", "-rf",
             "model/..", "..", "release.dsse", "model.sig", GGUF):
    tar(f"a member called {ascii(name)} more", extra(name))
    tar(f"a member called {ascii(name)} before the model", extra(name, before=True))
    if name != GGUF:
        tar(f"the model's member is called {ascii(name)}", lambda member, name=name: t.Member(name, member.data))
for kind, flag in {"a hard link": b"1", "a symbolic link": b"2", "a character device": b"3", "a block device": b"4",
                   "a directory": b"5", "a FIFO": b"6", "a contiguous file": b"7", "an old regular file": b"\0",
                   "a GNU long link": b"K", "a GNU long name": b"L", "a GNU sparse file": b"S", "a GNU volume label": b"V",
                   "a GNU multi-volume": b"M", "a GNU directory": b"D", "a Solaris ACL": b"A", "a Solaris extension": b"X",
                   "an unknown kind": b"Z", "pax for all": b"g"}.items():
    tar(f"{kind} in the model's place", field(typeflag=flag))
    tar(f"{kind} to /etc/passwd before the model", extra(GGUF, b"", flag, before=True, linkname=b"/etc/passwd"))
    tar(f"{kind} behind the model", extra("model/zzz", b"", flag, linkname=GGUF.encode()))
tar("a symbolic link, then a file through it", lambda member: [
    t.Member("model/dir", b"", {"typeflag": b"2", "linkname": b"/tmp"}), t.Member("model/dir/x", b"x"), member])
tar("a directory of mode 0000", lambda member: [t.Member("model", b"", {"typeflag": b"5", "mode": b"0000000\0"}), member])
FIELD_LIES = {"setuid": {"mode": b"0004444\0"}, "mode 0644": {"mode": b"0000644\0"}, "uid 1": {"uid": b"0000001\0"},
              "gid 1": {"gid": b"0000001\0"}, "mtime 1": {"mtime": b"00000000001\0"}, "a user": {"uname": b"root"},
              "a group": {"gname": b"root"}, "device numbers": {"devmajor": b"0000010\0"}, "a minor number": {"devminor": b"0000010\0"},
              "a link name": {"linkname": b"x"}, "GNU's magic": {"magic": b"ustar ", "version": b" \0"}, "no magic": {"magic": b""},
              "another version": {"version": b"01"}, "something in the padding": {"padding": b"x"},
              "a prefix": {"prefix": b"x"}, "a prefix that goes up": {"prefix": b".."}, "an absolute prefix": {"prefix": b"/"},
              "a wrong checksum": {"checksum": b"000000\0 "}, "a blank checksum": {"checksum": b" " * 8},
              "a name with bytes behind its NUL": {"name": GGUF.encode() + b"\0x"},
              "libarchive's mode": {"mode": b"000444 \0"}, "base-256 mode": {"mode": b"\x80\0\0\0\0\0\x01\x24"}, "base-256 mtime": {"mtime": b"\x80" + bytes(11)}}
for name, fields in FIELD_LIES.items():
    for index, what in enumerate(("release.dsse", "model.sig", "the model")):
        tar(f"{what}: {name}", field(**fields), index)
SIZES = {"base-256": lambda size: b"\x80" + size.to_bytes(11, "big"), "negative base-256": lambda size: b"\xff" * 12,
         "base-256 of 2^63": lambda size: b"\x80" + (1 << 63).to_bytes(11, "big"), "blank": lambda size: b" " * 12,
         "an octal 9": lambda size: b"00000000009\0", "one less": lambda size: t.octal(size - 1, 11),
         "one more": lambda size: t.octal(size + 1, 11), "all there is": lambda size: b"77777777777\0",
         "zero": lambda size: b"00000000000\0", "with a minus": lambda size: b"-0000000001\0",
         "without its end": lambda size: t.octal(size, 11, b"0")[:12], "with a space behind it": lambda size: t.octal(size, 11, b" "),
         "blanks before it": lambda size: b"%11o\0" % size}
for name, make_size in SIZES.items():
    tar(f"size {name}", lambda member, make_size=make_size: member.fields.update(size=make_size(len(member.data))))
    tar(f"model.sig: size {name}", lambda member, make_size=make_size: member.fields.update(size=make_size(len(member.data))), 1)
PAX = {"path": "model/other", "size": 5, "linkpath": "/etc/passwd", "uid": 0, "mtime": "1.5", "comment": "x", "hdrcharset": "BINARY",
       "SCHILY.xattr.security.capability": "x", "SCHILY.acl.access": "user::rwx", "LIBARCHIVE.xattr.user.a": "eA==",
       "GNU.sparse.major": 1, "GNU.sparse.map": "0,1", "GNU.sparse.name": "x", "GNU.sparse.realsize": 5, "SUN.holesdata": "x"}
for key, value in PAX.items():
    for flag in (b"x", b"g"):
        tar(f"pax {flag.decode()}: {key}", lambda member, key=key, value=value, flag=flag: setattr(
            member, "before", t.pax(t.pax_record(key, value), flag)))
RECORDS = {"the true path, which is not needed": lambda m: t.pax_record("path", GGUF),
           "the true size, which is not needed": lambda m: t.pax_record("size", len(m.data)), "nothing": lambda m: b"",
           "a length that lies": lambda m: b"99 path=model/x\n", "a length of 0": lambda m: b"0 path=x\n",
           "a huge length": lambda m: b"9" * 400 + b" path=x\n", "no length": lambda m: b"path=x\n",
           "no newline": lambda m: b"10 path=xy", "1 MiB": lambda m: t.pax_record("path", "x" * (1 << 20))}
for name, records in RECORDS.items():
    tar(f"pax that says {name}", lambda member, records=records: setattr(member, "before", t.pax(records(member))))
tar("a chain of 1,000 GNU long names", lambda member: setattr(member, "before", b"".join(
    t.header("././@LongLink", 600, typeflag=b"L") + t.padded(b"n" * 600) for _ in range(1000))))
tar("a chain of 1,000 pax headers", lambda member: setattr(member, "before", t.pax(t.pax_record("path", "x")) * 1000))
tar("padding that is not zero", lambda member: setattr(member, "tail", b"x" * (-len(member.data) % 512 or 512)))
tar("one block less of padding", lambda member: setattr(member, "tail", b""))
tar("the model left out", lambda member: [])
tar("the bill of materials left out", lambda member: [], 3)
tar("model.sig left out", lambda member: [], 1)
tar("release.dsse left out", lambda member: [], 0)
tar("model.sig before release.dsse", lambda member: [], 0)
for name, end in {"no end": b"", "one zero block": bytes(512), "three zero blocks": bytes(1536), "GNU's 20 blocks": bytes(8192),
                  "a byte behind the end": bytes(1024) + b"x", "a member behind the end": None, "an end of ones": b"\1" * 1024}.items():
    refuse(41, f"tar: {name}", TAR, lambda site, end=end: ending(site, end), forms=RDB)


def ending(site, end):
    forge = site.forge()
    if end is None:
        end = bytes(1024) + t.Member("model/late", b"x").serialize() + bytes(1024)
    forge.archive = t.archive(forge.members, end)
    return forge


def long_name(site):
    """The one form of pax that there is: a name that ustar cannot split."""
    return site.forge({GGUF: small_gguf(), "model/" + "a" * 90 + "/" + "b" * 90 + "/" + "c" * 40 + ".txt": b"deep\n",
                       "model/" + "/".join(["d" * 29] * 6) + "/" + "e" * 30: b"deeper\n"})


def unsplittable(site):
    forge = site.forge({GGUF: small_gguf(), "model/" + "a" * 90 + "/" + "b" * 90 + "/" + "c" * 60: b"deep\n"})
    assert any(member._pax(len(member.data)) for member in forge.members)
    return forge


accept(41, "tar: names of 100 to 255 bytes, split where ustar can", long_name)
accept(41, "tar: a name that needs a pax header", unsplittable)


def reordered_pax(site):
    forge = unsplittable(site)
    member = next(one for one in forge.members if one._pax(0))
    raw = member.name.encode()
    member.before = t.pax(t.pax_record("path", raw) + t.pax_record("size", len(member.data)))
    member.name = raw[:100].decode()
    return forge


refuse(41, "tar: pax with a size where the name alone needs it", TAR, reordered_pax, forms=RDB)

# ---- directories: the same by other means --------------------------------------------------------------------


def in_directory(change):
    def make(site):
        path = site.forge().write_directory(site.new_path())
        change(path)
        return path
    return make


def in_place_of(target, make):
    def change(path):
        (path / target).unlink()
        make(path / target)
    return change


def bind_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(path.parent)  # an address has room for 107 bytes
        one.bind(path.name)
        os.chdir(here)


KINDS = {"a symbolic link": lambda path: path.symlink_to("/etc/passwd"), "a FIFO": os.mkfifo, "a directory": lambda path: path.mkdir(),
         "a socket": bind_socket, "a device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
         "nothing": lambda path: None}
FILE_KIND = r"link|regular|FIFO|device|socket|director|loop"
NO_FILE = r"empty directory|is not there|not found|missing|no such|holds no bundle"
for target in ("release.dsse", "model.sig", GGUF):
    for name, make_kind in KINDS.items():
        refuse(41, f"directory: {target} is {name}", NO_FILE if name == "nothing" else FILE_KIND + "|" + re.escape(target),
               in_directory(in_place_of(target, make_kind)), forms=("directory",))
ANOTHER = {"an unsigned file": lambda path: (path / "model/zzz").write_bytes(b"x"), "an unsigned folder": lambda path: (path / "model/zzz").mkdir(),
           "a file beside the model": lambda path: (path / "autorun.inf").write_bytes(b"x"),
           "a hidden file": lambda path: (path / "model/.hidden").write_bytes(b"x"),
           "a link to its parent": lambda path: (path / "model/loop").symlink_to(".."),
           "a link beside the model": lambda path: (path / "link").symlink_to("/etc"),
           "a name that is no UTF-8": lambda path: (path / os.fsdecode(b"model/\xff\xfe")).write_bytes(b"x"),
           "a name with an escape": lambda path: (path / "model/\x1b[2J").write_bytes(b"x"),
           "100,000 files": lambda path: [os.close(os.open(path / "model" / f"f{n}", os.O_CREAT)) for n in range(100_000)]}
for name, change in ANOTHER.items():
    refuse(44 if "100,000" in name else 41, f"directory: {name} more", r"empty directory|not (in|signed|named)|unsigned|unexpected|nothing else|link|name|"
           r"statement|neither|does not|too many|at most|more than \d+ entries", in_directory(change), forms=("directory",))


def linked_folder(path):
    (path / "model").rename(path.parent / "elsewhere")
    (path / "model").symlink_to("../elsewhere")


def nested(path):
    deep = path / "model"
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()


refuse(41, "directory: model/ is a link to a folder outside", r"link|director|loop", in_directory(linked_folder), forms=("directory",))
refuse(44, "directory: 300 levels", r"level|deep|depth|not |director|unsigned|statement", in_directory(nested), forms=("directory",))

# ---- 42, 43: other formats -------------------------------------------------------------------------------------

def file_of(make_bytes, suffix=".rdb"):
    def make(site):
        path = site.new_path(suffix)
        path.write_bytes(make_bytes(site))
        return path
    return make


def zipped(site):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for member in site.forge().members:
            archive.writestr(member.name, member.data)
    return out.getvalue()


def cpio(site):
    def entry(name, data):
        head = b"070701" + b"".join(b"%08x" % value for value in (1, 0o100444, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        text = head + name.encode() + b"\0"
        return text + bytes(-len(text) % 4) + data + bytes(-len(data) % 4)
    return b"".join(entry(member.name, member.data) for member in site.forge().members) + entry("TRAILER!!!", b"")


def gzipped(site, times=1):
    data = site.forge().archive
    for _ in range(times):
        data = gzip.compress(data, 1)
    return data


def uuencoded(site):
    data = site.forge().archive[:60_000]
    lines = [binascii.b2a_uu(data[at:at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 assistant.rdb\n" + b"".join(lines) + b"`\nend\n"


def iso(site):
    return bytes(32768) + b"\x01CD001\x01".ljust(2048, b"\0") + site.forge().archive


def ar(site):
    data = site.forge().archive
    return b"!<arch>\n" + b"release.dsse/   0           0     0     444     %-10d`\n" % len(data) + data


FORMATS = {"zip": zipped, "cpio": cpio, "gzip": gzipped, "gzip in gzip, 20 deep": lambda site: gzipped(site, 20),
           "zlib": lambda site: zlib.compress(site.forge().archive), "uuencode": uuencoded, "iso9660": iso, "ar": ar,
           "7z": lambda site: b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24) + site.forge().archive,
           "rar": lambda site: b"Rar!\x1a\x07\x01\0" + site.forge().archive,
           "mtree": lambda site: b"#mtree\nrelease.dsse type=file contents=/etc/passwd\n",
           "warc": lambda site: b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 4\r\n\r\nabcd\r\n\r\n",
           "xar": lambda site: b"xar!\0\x1c\0\1" + bytes(100), "a squashfs": lambda site: b"hsqs" + bytes(4096),
           "an ELF program": lambda site: pathlib.Path("/bin/true").read_bytes(), "a script": lambda site: b"#!/bin/sh\ntouch /tmp/owned\n",
           "text": lambda site: b"hello\n", "zeros": lambda site: bytes(10240), "noise": lambda site: random.Random(1).randbytes(300_000),
           "a GGUF file": lambda site: small_gguf(), "GNU tar": lambda site: gnu_tar(site),
           "v7 tar": lambda site: gnu_tar(site, "v7"), "Python's pax tar": lambda site: gnu_tar(site, "pax"),
           "tar with sectors of zeros before it": lambda site: bytes(1024) + site.forge().archive,
           "tar behind a byte": lambda site: b"x" + site.forge().archive}


def gnu_tar(site, form="gnu"):
    out = io.BytesIO()
    formats = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT, "v7": tarfile.USTAR_FORMAT}
    with tarfile.open(fileobj=out, mode="w", format=formats[form]) as archive:
        for member in site.forge().members:
            info = tarfile.TarInfo(member.name)
            info.size, info.mtime = len(member.data), 1.5 if form == "pax" else 1
            archive.addfile(info, io.BytesIO(member.data))
    data = bytearray(out.getvalue())
    if form == "v7":
        for at in range(257, 265):
            data[at] = 0
    return bytes(data)


for name, make_bytes in FORMATS.items():
    refuse(42, f"{name} called .rdb", TAR + r"|not a|bundle|kind", file_of(make_bytes), forms=RDB)


def zstd_frame(site):
    """A frame that wants a window of 2 GiB (RFC 8878 section 3.1.1.1.2: exponent 21), then runs of one byte."""
    runs = b"".join(struct.pack("<I", (0x1FFFFF << 3 | 1 << 1) & 0xFFFFFF)[:3] + b"\0" for _ in range(1000))
    return b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([21 << 3]) + runs


def skippable(site):
    return b"".join(b"\x50\x2a\x4d\x18" + struct.pack("<I", 1000) + bytes(1000) for _ in range(1000))


BOMBS = {"zstd with a window of 2 GiB": zstd_frame, "zstd of skippable frames": skippable,
         "1 MB of gzip that is 1 GB": lambda site: gzip_bomb(), "concatenated gzip": lambda site: gzip.compress(bytes(10 << 20)) * 50,
         "xz": lambda site: lzma.compress(site.forge().archive), "bzip2": lambda site: bz2.compress(
             site.forge().archive, 1), "compress": lambda site: b"\x1f\x9d\x90" + random.Random(2).randbytes(1000),
         "lz4": lambda site: b"\x04\x22\x4d\x18\x64\x40\xa7" + bytes(1000)}


def gzip_bomb():
    out, squeeze = [], zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(1000):
        out.append(squeeze.compress(bytes(1 << 20)))
    return b"".join(out) + squeeze.flush()


for name, make_bytes in BOMBS.items():
    refuse(43, f"{name} called .rdb", TAR + r"|not a|bundle|kind", file_of(make_bytes), forms=RDB)
refuse(43, "a hole of 1 TiB called .rdb", TAR + r"|not a|bundle|kind", lambda site: hole(site), forms=RDB)


def hole(site):
    path = site.new_path(".rdb")
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    return path


# ---- 44: media that misbehave ---------------------------------------------------------------------------------------

def kind_of_path(make_kind):
    def make(site):
        path = site.new_path(".rdb")
        make_kind(path)
        return path
    return make


SOURCE = r"holds no bundle|does not exist|FIFO|device|socket|link|neither|regular|director|not found|no such|empty|kind|release\.dsse"
for name, make_kind in {**KINDS, "an endless device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 9)),
                        "a block device": lambda path: os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(7, 200))}.items():
    refuse(44, f"the bundle is {name}", SOURCE, kind_of_path(make_kind), forms=RDB)
refuse(44, "a link to itself", r"link|loop|levels", kind_of_path(lambda path: path.symlink_to(path)), forms=RDB)
refuse(44, "a file that gives an I/O error", r"error|input|read|neither|kind|empty|short|ends", lambda site: pathlib.Path(
    f"/proc/{os.getpid()}/mem"), forms=RDB)


def stick_of_many(site):
    path = site.new_path()
    path.mkdir()
    small = site.forge().archive[:2048]
    for number in range(1_000_000 if FULL else 20_000):
        with open(path / f"bundle-{number}.rdb", "wb") as file:
            file.write(small if number % 1000 == 0 else b"")
    return path


refuse(44, f"a stick with {'a million' if FULL else '20,000'} bundles, none chosen", r"neither|release\.dsse|entries|too many|name|bundle",
       stick_of_many, forms=RDB)


@case(44, "a slow reader: a FIFO that gives a byte a second is not waited for")
def _(sites):
    site = sites["site"]
    path = site.new_path(".rdb")
    os.mkfifo(path)
    stop = threading.Event()

    def drip():
        while not stop.is_set():
            try:
                end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                time.sleep(0.01)
                continue
            try:
                os.write(end, b"x")
            except OSError:
                pass
            stop.wait(1)
            os.close(end)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        said = check_refused(site, path, SOURCE)
    finally:
        stop.set()
        thread.join()
    return 1, said


def in_parts(change, part_bytes=100_000):
    def make(site):
        path = site.forge().write_parts(site.new_path(), part_bytes)
        change(path)
        return path
    return make


def first(path, number=1):
    return path / f"assistant.rdb.{number:03}"


def listing(path, **members):
    name = path / "assistant.rdb.parts"
    value = json.loads(name.read_text())
    value.update(members)
    name.write_text(f.dump(value))


def flip_byte(path, at=5000):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


PARTS = {"the second is missing": lambda path: first(path, 2).unlink(), "the last is missing": lambda path: max(
            path.glob("*.rdb.0*")).unlink(), "two swapped": lambda path: swap(first(path, 2), first(path, 3)), "one is short": lambda path: first(path, 2).write_bytes(
             first(path, 2).read_bytes()[:-1]), "one is long": lambda path: first(path, 2).write_bytes(first(path, 2).read_bytes() + b"x"),
         "one is a link": lambda path: relink(first(path, 2)), "one is damaged": lambda path: flip_byte(first(path, 2)),
         "the list says another total": lambda path: listing(path, bytes=5), "the list has a part of 0 bytes": lambda path: listing(
             path, part_bytes=0), "the list says 2^64 bytes": lambda path: listing(path, bytes=2**64),
         "the list has no digests": lambda path: listing(path, sha256=[]), "the list has a member that nobody knows": lambda path:
             listing(path, surprise=1), "the list has 1 million digests": lambda path: listing(path, sha256=["00" * 32] * 1_000_000),
         "the list is no JSON": lambda path: (path / "assistant.rdb.parts").write_bytes(b"\xff{")}


def swap(one, other):
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)


def relink(path):
    path.rename(path.parent.parent / "moved")
    path.symlink_to("../moved")


for name, change in PARTS.items():
    refuse(44, f"parts: {name}", r"is not there|part|digest|damaged|bytes|link|JSON|missing|not found|size|neither|regular", in_parts(change), forms=RDB)
accept(44, "parts: six of them", in_parts(lambda path: None), forms=RDB)
accept(44, "parts: and a file that the list does not name", in_parts(lambda path: first(path, 99).write_bytes(b"x")), forms=RDB)


def swap_and_list_again(path):
    """Two parts swapped and the list, which is not signed, made to fit: what is signed must show it."""
    swap(first(path, 2), first(path, 3))
    name = path / "assistant.rdb.parts"
    value = json.loads(name.read_text())
    value["sha256"][1:3] = [hashlib.sha256(first(path, number).read_bytes()).hexdigest() for number in (2, 3)]
    name.write_text(f.dump(value))


refuse(44, "parts: two swapped and the list made to fit", TAR + r"|signature|digest|sha|piece|JSON|base64", in_parts(swap_and_list_again),
       forms=RDB)

# ---- 45, 46: what the image says --------------------------------------------------------------------------------------


USB = ROOT / "image/usb"


def settings_of(path):
    """The lines of a file that say something."""
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


@case(45, "only file systems on the list are mounted, and never with more rights than reading needs")
def _(sites):
    unit = settings_of(USB / "redoubt-media@.service")
    words = next(line for line in unit if line.startswith("ExecStart=")).split()
    options, kinds = set(words[words.index("-o") + 1].split(",")), set(words[words.index("-t") + 1].split(","))
    missing = {"ro", "nosuid", "nodev", "noexec", "nosymfollow"} - options
    assert not missing, f"the mount lacks {missing}"
    assert kinds <= {"vfat", "exfat", "iso9660", "udf"}, kinds
    rule = next(line for line in settings_of(USB / "60-redoubt-usb.rules") if "SYSTEMD_WANTS" in line)
    assert set(rule.split('ENV{ID_FS_TYPE}=="', 1)[1].split('"', 1)[0].split("|")) == kinds, rule
    assert any(line.startswith("TimeoutSec=") for line in unit), "a mount that hangs is not given up"
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(["systemd-analyze", "verify", USB / "redoubt-media@.service"], capture_output=True, text=True)
        assert "redoubt-media" not in checked.stderr, checked.stderr
    return 1, f"{','.join(sorted(options))}; of {', '.join(sorted(kinds))} alone"


@case(46, "a USB device that is anything but storage is not bound")
def _(sites):
    rules = settings_of(USB / "60-redoubt-usb.rules")
    kernel = settings_of(USB / "redoubt-usb.conf")
    assert kernel in (["options usbcore authorized_default=2"], ["options usbcore authorized_default=0"]), kernel
    granting = [line for line in rules if 'ATTR{authorized}="1"' in line]
    assert granting, "nothing comes in"
    for line in granting:  # the whole list of interfaces is compared, not a part of it
        interfaces = line.split('ENV{ID_USB_INTERFACES}=="', 1)[1].split('"', 1)[0]
        assert "*" not in interfaces and "?" not in interfaces, interfaces
        kinds = {kind[:2] for whole in interfaces.split("|") for kind in whole.strip(":").split(":")}
        assert kinds == {"08"} or (kinds == {"09"} and 'ATTR{bDeviceClass}=="09"' in line), line
    assert any('ATTR{bInterfaceClass}!="08|09"' in line and 'ATTR{authorized}="0"' in line for line in rules), "no second fence"
    return len(rules), f"{len(granting)} rules let something in: storage, hubs"


# ---- 47: content that changes between looking and using ------------------------------------------------------------------

@case(47, "files overwritten, and swapped by renaming, during the import")
def _(sites):
    files = {GGUF: small_gguf(), "model/zeros.bin": bytes(24 << 20)}
    kept, refused = 0, 0
    for turn in range(10):
        here = sites.copy_of("site")
        path = here.forge(files).write_directory(here.new_path())
        other = path.parent / "other"
        other.write_bytes(b"\1" * (24 << 20))

        def change():
            time.sleep(0.004 + 0.006 * turn)
            if turn % 2:
                other.rename(path / "model/zeros.bin")
            else:
                with open(path / "model/zeros.bin", "r+b") as file:
                    file.seek(1 << 20)
                    file.write(b"\1" * (20 << 20))

        thread = threading.Thread(target=change)
        thread.start()
        outcome = here.import_(path)
        thread.join()
        check_in_order(outcome)
        if outcome.status == 0:
            check_stored(here, files["model/zeros.bin"])
            kept += 1
        else:
            refused += 1
        for stored in (here.state / "store/objects").iterdir():
            if not stored.name.endswith(".chunks"):
                assert hashlib.sha256(stored.read_bytes()).hexdigest() == stored.name, stored.name
    return 10, f"{kept} read before, {refused} refused; every object has the digest it is named by"


@case(47, "the archive overwritten during the import")
def _(sites):
    refused = 0
    for turn in range(6):
        here = sites.copy_of("site")
        path = here.forge({GGUF: small_gguf(), "model/zeros.bin": bytes(24 << 20)}).write_rdb(here.new_path(".rdb"))

        def change():
            time.sleep(0.003 + 0.006 * turn)
            with open(path, "r+b") as file:
                file.seek(4 << 20)
                file.write(b"\1" * (16 << 20))

        thread = threading.Thread(target=change)
        thread.start()
        outcome = here.import_(path)
        thread.join()
        check_in_order(outcome)
        refused += outcome.status
        for stored in (here.state / "store/objects").iterdir():
            if not stored.name.endswith(".chunks"):
                assert hashlib.sha256(stored.read_bytes()).hexdigest() == stored.name, stored.name
    return 6, f"{6 - refused} read before, {refused} refused"
