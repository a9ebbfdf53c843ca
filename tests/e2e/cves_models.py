"""Holes in readers of model files. The files are signed with a trusted key: what is left when a signer is deceived."""
import struct

import gguf_file as g
from cves_site import SANITIZED, cve
from foreign_bundle import ForeignBundle
from service import DEMO_MODEL

# The demo model's file, its verified copy and the process around them; a count believed would want far more.
PEAK_KB_MAX = 96 << 10 if not SANITIZED else 1 << 20
HALF, WHOLE = 1 << 63, 1 << 64


def hostile(change):
    file = g.GgufFile(DEMO_MODEL)
    changed = change(file)
    return changed if isinstance(changed, bytes) else file.serialize()


def refused(site, changes):
    """Each change of the demo model is refused, by an engine that ends in order. Says how the last one was."""
    said = []
    for name, change in changes.items():
        with ForeignBundle(site.service, {"model.gguf": hostile(change)}) as foreign:
            said.append(refusal(foreign, name))
    return f"{len(said)} files, the last: {said[-1]}"


def refusal(foreign, name):
    """By the import or, where that does not look so closely, by the engine."""
    result = foreign.imported()
    if result.returncode != 0:
        assert result.returncode == 1 and result.stderr.strip(), (name, result)
        return result.stderr.strip()
    try:
        message = foreign.refusal()
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error
    assert foreign.peak_kb < PEAK_KB_MAX, f"{name}: {foreign.peak_kb} kB were taken before it was refused"
    return message


def setting(key, kind, value):
    def change(file):
        file.metadata[key] = [kind, value]
    return change


def counts(field):
    return {f"{field} {value:#x}": lambda file, value=value: setattr(file, field, value)
            for value in (WHOLE - 1, HALF, 1 << 61, WHOLE // 48 + 1, 1 << 32)}


@cve("CVE-2024-23605", "GGUF: count of metadata that wraps when multiplied")
def _(site):
    return refused(site, counts("metadata_count"))


@cve("CVE-2024-21836", "GGUF: count of tensors that wraps when multiplied")
def _(site):
    return refused(site, counts("tensor_count"))


@cve("CVE-2024-21802", "GGUF: more dimensions than a tensor has room for")
def _(site):
    def dimensions(count):
        def change(file):
            tensor = file.tensors[3]
            tensor.dims, tensor.dims_count = (tensor.dims + [1] * 8)[:min(count, 8)], count
        return change
    return refused(site, {f"{count} dimensions": dimensions(count) for count in (0, 5, 1 << 31, (1 << 32) - 1)})


@cve("CVE-2024-21825, CVE-2024-23496", "GGUF: lengths of strings and arrays that wrap")
def _(site):
    changes = {}
    for length in (WHOLE - 1, WHOLE - 8, HALF, 1 << 40):
        changes[f"string of {length:#x}"] = setting("general.name", g.STRING, g.string("a", length))
        changes[f"array of {length:#x} strings"] = setting("general.tags", g.ARRAY, g.array(g.STRING, b"", length))
    changes["array of 2^61 numbers"] = setting("general.tags", g.ARRAY, g.array(g.UINT64, b"", 1 << 61))
    return refused(site, changes)


def tensor_sizes(*dims_of_each):
    """The first tensors get these dimensions, and offsets that follow one another modulo 2^64."""
    def change(file):
        offset = 0
        for tensor, dims in zip(file.tensors, dims_of_each):
            tensor.dims, tensor.type, tensor.offset = list(dims), 0, offset % WHOLE
            size = 4
            for dim in dims:
                size *= dim
            offset += -(-size // 32) * 32
    return change


@cve("CVE-2025-53630, CVE-2026-27940", "GGUF: tensor sizes whose sum wraps")
def _(site):
    quarter = (1 << 31, 1 << 29)  # 2^62 bytes of F32, each dimension within what is read
    return refused(site, {"four of 2^62 bytes": tensor_sizes(*[quarter] * 4),
                          "a sum of 2^64 - 2^31": tensor_sizes(*[quarter] * 3, ((1 << 31) - 1, 1 << 29)),
                          "one of 2^60 by four": tensor_sizes(*[((1 << 60) - 1024, 4)] * 4),
                          "eight of 2^61 - 32": tensor_sizes(*[((1 << 59) - 8,)] * 8)})


@cve("CVE-2026-33298", "GGUF: a tensor whose own size wraps")
def _(site):
    return refused(site, {"2^32 by 2^32": tensor_sizes((1 << 32, 1 << 32)), 
                          "2^62 + 64": tensor_sizes(((1 << 62) + 64, 4)),
                          "2^63 by 2": tensor_sizes((HALF, 2)), "2^64 - 256": tensor_sizes((WHOLE - 256, 2048)),
                          "four of 2^16": tensor_sizes((1 << 16,) * 4), "2^31 by 2^31": tensor_sizes((1 << 31, 1 << 31)),
                          "2^31 by 2^31 by 4": tensor_sizes((1 << 31, 1 << 31, 4)),
                          "2^64 + 1024": tensor_sizes((1 << 31, 1 << 31, 1, 2))})


@cve("GGML_PAD", "GGUF: sizes that wrap when padded")
def _(site):
    def offset(value):
        return lambda file: setattr(file.tensors[-1], "offset", value)
    return refused(site, {"2^62 - 1 values": tensor_sizes(((1 << 62) - 1,)), 
                          "2^64 - 31 bytes": tensor_sizes((WHOLE // 4 - 7,)),
                          "an offset of 2^64 - 32": offset(WHOLE - 32), "an offset of 2^64 - 1": offset(WHOLE - 1)})


@cve("alignment 2^31", "GGUF: alignments that are none")
def _(site):
    key = "general.alignment"
    changes = {f"alignment {value:#x}": setting(key, g.UINT32, g.u32(value))
               for value in (1 << 31, 0, 3, 31, (1 << 32) - 1)}
    changes["alignment 2^63 of 64 bits"] = setting(key, g.UINT64, g.u64(HALF))
    changes["alignment as text"] = setting(key, g.STRING, g.string("32"))
    return refused(site, changes)


@cve("array-type confusion", "GGUF: values of another type than they are read as")
def _(site):
    numbers = b"".join(map(g.u32, range(2048)))
    nested = g.array(g.STRING, g.string("a"), 1)
    tokens, types = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
    return refused(site, {
        "tokens as numbers": setting(tokens, g.ARRAY, g.array(g.UINT32, numbers, 2048)),
        "tokens as one text": setting(tokens, g.STRING, g.string("a" * 64)),
        "token types as texts": setting(types, g.ARRAY, g.strings(["a"] * 2048)),
        "token types as bytes of 255": setting(types, g.ARRAY, g.array(g.UINT8, b"\xff" * 2048, 2048)),
        "merges as arrays": setting("tokenizer.ggml.merges", g.ARRAY, g.array(g.ARRAY, nested * 8, 8)),
        "an array of type 13": setting("general.tags", g.ARRAY, g.array(13, b"\0" * 64, 8)),
        "an array of type 2^31": setting("general.tags", g.ARRAY, g.array(1 << 31, b"\0" * 64, 8)),
        "a value of type 13": setting("general.tags", 13, b"\0" * 8),
        "the template as a number": setting("tokenizer.chat_template", g.UINT64, g.u64(0x4141414141414141)),
        "the architecture as a number": setting("general.architecture", g.UINT32, g.u32(7)),
        "the width as a text": setting("llama.embedding_length", g.STRING, g.string("256"))})


@cve("CVE-2026-7482", "GGUF: tensors that lie outside of the file")
def _(site):
    def last(change):
        def apply(file):
            tensor = max(file.tensors, key=lambda each: each.offset)
            change(tensor, len(file.data))
        return apply
    return refused(site, {
        "offset past the end": last(lambda tensor, size: setattr(tensor, "offset", size * 2 // 32 * 32)),
        "offset 32 bytes before the end": last(lambda tensor, size: setattr(tensor, "offset", size // 32 * 32 - 32)),
        "F16 declared as F32": last(lambda tensor, _: setattr(tensor, "type", 0 if tensor.type == 1 else 28)),
        "a format nobody knows": last(lambda tensor, _: setattr(tensor, "type", 9_999)),
        "offset not aligned": last(lambda tensor, _: setattr(tensor, "offset", tensor.offset + 1)),
        "more rows than are there": last(lambda tensor, _: setattr(tensor, "dims", tensor.dims[:-1] + [1 << 20])),
        "data cut in half": lambda file: setattr(file, "data", file.data[:len(file.data) // 2])})


def hyperparameters(*names):
    return {f"{name} = {value}": setting("llama." + name, g.UINT32, g.u32(value))
            for name in names for value in (0, (1 << 32) - 1)}


@cve("CVE-2026-7020", "GGUF: hyperparameters that divide by zero or size a table")
def _(site):
    changes = hyperparameters("attention.head_count", "attention.head_count_kv", "embedding_length", "block_count",
                              "feed_forward_length", "attention.key_length", "rope.dimension_count")
    changes["context_length = 0"] = setting("llama.context_length", g.UINT32, g.u32(0))
    nan = struct.pack("<f", float("nan"))
    changes["an epsilon that is no number"] = setting("llama.attention.layer_norm_rms_epsilon", g.FLOAT32, nan)
    changes["an end token of 2^31"] = setting("tokenizer.ggml.eos_token_id", g.UINT32, g.u32(1 << 31))
    changes["fewer token types than tokens"] = setting("tokenizer.ggml.token_type", g.ARRAY,
                                                       g.array(g.INT32, b"\1\0\0\0" * 9, 9))
    return refused(site, changes)


@cve("GGUF cut short", "a file that ends anywhere in its header")
def _(site):
    cuts = (0, 3, 4, 8, 16, 24, 25, 31, 100, 1_000, 40_000, 62_000)
    return refused(site, {f"{cut} bytes": lambda file, cut=cut: file.bytes[:cut] for cut in cuts})
