"""GGUF version 3 taken apart and put together again with whatever somebody hostile would put in.

After the format document of ggml (docs/gguf.md): magic, version, tensor count, metadata count, the metadata as key, type
and value, one record for each tensor, padding, and the data. Counts, types and lengths can be set to anything.
"""
import dataclasses
import pathlib
import struct

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)
WIDTH = {UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, UINT32: 4, INT32: 4, FLOAT32: 4, BOOL: 1, UINT64: 8, INT64: 8, FLOAT64: 8}
CONTROL = 3  # of tokenizer.ggml.token_type


def u32(value):
    return struct.pack("<I", value)


def u64(value):
    return struct.pack("<Q", value % (1 << 64))


def string(text, length=None):
    data = text if isinstance(text, bytes) else text.encode()
    return u64(len(data) if length is None else length) + data


def array(kind, payload, count):
    return u32(kind) + u64(count) + payload


def strings(texts):
    return array(STRING, b"".join(map(string, texts)), len(texts))


@dataclasses.dataclass
class Tensor:
    name: str
    dims: list
    type: int
    offset: int
    dims_count: int = None

    def record(self):
        count = len(self.dims) if self.dims_count is None else self.dims_count
        return string(self.name) + u32(count) + b"".join(map(u64, self.dims)) + u32(self.type) + u64(self.offset)


class GgufFile:
    """metadata: key -> [type, value's bytes]. The counts are those of the parts unless set."""

    def __init__(self, path):
        self.bytes = pathlib.Path(path).read_bytes()
        self.at = 4
        self.magic = self.bytes[:4]
        self.version = self._number("<I")
        tensors, pairs = self._number("<Q"), self._number("<Q")
        self.tensor_count = self.metadata_count = None
        self.metadata = {}
        for _ in range(pairs):
            key = self._string().decode()
            kind = self._number("<I")
            start = self.at
            self._skip(kind)
            self.metadata[key] = [kind, self.bytes[start:self.at]]
        self.tensors = [self._tensor() for _ in range(tensors)]
        self.alignment = 32
        self.data = self.bytes[self._padded(self.at):]

    def _number(self, kind):
        value = struct.unpack_from(kind, self.bytes, self.at)[0]
        self.at += struct.calcsize(kind)
        return value

    def _string(self):
        length = self._number("<Q")
        self.at += length
        return self.bytes[self.at - length:self.at]

    def _skip(self, kind):
        if kind == STRING:
            self._string()
        elif kind == ARRAY:
            inner, count = self._number("<I"), self._number("<Q")
            for _ in range(count):
                self._skip(inner)
        else:
            self.at += WIDTH[kind]

    def _tensor(self):
        name = self._string().decode()
        dims = [self._number("<Q") for _ in range(self._number("<I"))]
        return Tensor(name, dims, self._number("<I"), self._number("<Q"))

    def _padded(self, size):
        return -(-size // self.alignment) * self.alignment

    def texts(self, key):
        """An array of strings of the metadata."""
        payload = self.metadata[key][1]
        found, at = [], 12
        while at < len(payload):
            length = struct.unpack_from("<Q", payload, at)[0]
            found.append(payload[at + 8:at + 8 + length].decode())
            at += 8 + length
        return found

    def tensor(self, name):
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def serialize(self):
        def count(given, parts):
            return u64(len(parts) if given is None else given)
        head = self.magic + u32(self.version) + count(self.tensor_count, self.tensors)
        head += count(self.metadata_count, self.metadata)
        for key, (kind, value) in self.metadata.items():
            head += string(key) + u32(kind) + value
        head += b"".join(tensor.record() for tensor in self.tensors)
        return head.ljust(self._padded(len(head)), b"\0") + self.data


def control_tokens(path):
    """The texts of a model's control tokens."""
    file = GgufFile(path)
    kinds = file.metadata["tokenizer.ggml.token_type"][1][12:]
    kinds = struct.unpack(f"<{len(kinds) // 4}i", kinds)
    return [text for text, kind in zip(file.texts("tokenizer.ggml.tokens"), kinds) if kind == CONTROL]
