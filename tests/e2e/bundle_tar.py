"""POSIX ustar written field by field (IEEE 1003.1, "ustar Interchange Format"), so that any field can hold anything.

The defaults are those of provisioning/BUNDLE.md section 2.
"""
import dataclasses

BLOCK = 512
USTAR_SIZE_MAX = 8 ** 11 - 1
# offset and width of every field of a header
FIELDS = {"name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12), "mtime": (136, 12),
          "checksum": (148, 8), "typeflag": (156, 1), "linkname": (157, 100), "magic": (257, 6), "version": (263, 2),
          "uname": (265, 32), "gname": (297, 32), "devmajor": (329, 8), "devminor": (337, 8), "prefix": (345, 155),
          "padding": (500, 12)}


def octal(value, digits, end=b"\0"):
    return b"%0*o" % (digits, value) + end


def split_name(name):
    """(prefix, name) at the last slash that lets both parts fit; None when there is none."""
    if len(name) <= 100:
        return b"", name
    for at in range(min(len(name) - 1, 155), 0, -1):
        if name[at:at + 1] == b"/" and len(name) - at - 1 <= 100:
            return name[:at], name[at + 1:]
    return None


def header(name, size, /, **fields):
    """512 bytes. `fields` are the raw bytes of a field, NUL-padded; `checksum` follows from the others unless given."""
    raw = name if isinstance(name, bytes) else name.encode()
    prefix, last = split_name(raw) or (b"", raw[:100])
    values = {"name": last, "mode": octal(0o444, 7), "uid": octal(0, 7), "gid": octal(0, 7),
              "size": octal(size if size <= USTAR_SIZE_MAX else 0, 11), "mtime": octal(0, 11), "typeflag": b"0",
              "magic": b"ustar\0", "version": b"00", "devmajor": octal(0, 7), "devminor": octal(0, 7), "prefix": prefix,
              **fields}
    block = bytearray(BLOCK)
    for field, value in values.items():
        offset, width = FIELDS[field]
        assert len(value) <= width, (field, value)
        block[offset:offset + len(value)] = value
    if "checksum" not in values:
        block[148:156] = b" " * 8
        block[148:156] = octal(sum(block), 6) + b" "
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def pax_record(key, value):
    """"LENGTH KEY=VALUE\\n", where LENGTH counts itself."""
    raw = value if isinstance(value, bytes) else str(value).encode()
    body = b" " + key.encode() + b"=" + raw + b"\n"
    length = len(body) + 1
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(records, typeflag=b"x", **fields):
    """A whole pax member with the records given as bytes."""
    return header("././@PaxHeader", len(records), typeflag=typeflag, **fields) + padded(records)


@dataclasses.dataclass
class Member:
    """One member of an archive. `before` stands raw before its header; `fields` overrides the header's; `size` is what the
    header says, else that of the data; `tail` replaces the padding."""
    name: str
    data: bytes
    fields: dict = dataclasses.field(default_factory=dict)
    before: bytes = b""
    size: int = None
    tail: bytes = None

    def serialize(self):
        size = len(self.data) if self.size is None else self.size
        body = padded(self.data) if self.tail is None else self.data + self.tail
        return self.before + self._pax(size) + header(self.name, size, **self.fields) + body

    def _pax(self, size):
        """The one form of a pax header that the profile knows, where it is needed."""
        raw = self.name if isinstance(self.name, bytes) else self.name.encode()
        records = b"" if split_name(raw) else pax_record("path", raw)
        if size > USTAR_SIZE_MAX:
            records += pax_record("size", size)
        return pax(records) if records else b""


def archive(members, end=bytes(2 * BLOCK)):
    return b"".join(member.serialize() for member in members) + end
