"""Lines 48 to 51: models that are signed by those who should and are hostile all the same."""
import json
import pickle
import re
import struct

import gguf_file as g
from bundle_cases import CASES, Case, case, forged, refuse
from bundle_forge import bom
from bundle_models import hostile_gguf, safetensors, small_gguf
from bundle_site import LOG_LINE, check_in_order

GGUF = "model/small.gguf"


def falls_back(site, forge, reason):
    """Refused at the import, or else taken, tried by the service and given up: the former model is active again and the
    reason is in the list of failures. Says which."""
    before = site.tree()
    active = site.activation()["active"]
    path = forge.write_rdb(site.new_path(".rdb"))
    outcome = site.import_(path)
    check_in_order(outcome)
    said = outcome.said.decode(errors="replace")
    if outcome.status == 1:
        assert site.tree() == before, "the state changed"
        assert len(LOG_LINE.findall(said)) == 1, said[-600:]
        assert re.search(reason, said, re.IGNORECASE), f"the reason is not {reason!r}: {said[-600:]}"
        return "refused at the import", said.splitlines()[0]
    assert outcome.status == 0, said[-600:]
    site.start()
    try:
        site.wait_ready()
    finally:
        site.stop()
    state = site.activation()
    log = site.log.read_text(errors="replace")
    assert state["active"] == active and not state.get("trial"), state
    failed = state["failed"][-1]
    assert re.search(reason, failed["why"] + log, re.IGNORECASE), (failed, log[-1500:])
    assert not re.search(r"Sanitizer|terminate called|SIG(SEGV|ABRT|BUS)|signal (6|7|11)\b", log), log[-1500:]
    return "tried and given up", failed["why"]


def hostile(line, name, files, reason):
    """`files()` are those of the model."""
    def run(sites):
        site = sites.copy_of("site")
        return 1, ": ".join(falls_back(site, site.forge(files()), reason))
    CASES.append(Case(line, name, run))


def gguf(name, change, reason=r"gguf|tensor|metadata|key|magic|version|limit|align|count|type|array|string|offset|missing|bytes"):
    hostile(48, f"GGUF: {name}", lambda: {GGUF: hostile_gguf(change)}, reason)


def setting(key, kind, value):
    def change(file):
        file.metadata[key] = [kind, value]
    return change


def tensor(**members):
    def change(file):
        for key, value in members.items():
            setattr(file.tensors[0], key, value)
    return change


gguf("magic of the other byte order", lambda file: setattr(file, "magic", b"FUGG"))
gguf("version 1", lambda file: setattr(file, "version", 1))
gguf("version 4", lambda file: setattr(file, "version", 4))
gguf("big-endian version", lambda file: setattr(file, "version", 3 << 24))
for count in (1 << 32, 1 << 61, (1 << 64) - 1):
    gguf(f"{count:#x} pairs of metadata", lambda file, count=count: setattr(file, "metadata_count", count))
    gguf(f"{count:#x} tensors", lambda file, count=count: setattr(file, "tensor_count", count))
gguf("an offset past the end", tensor(offset=1 << 40))
gguf("an offset that wraps", tensor(offset=(1 << 64) - 32))
gguf("an offset that is not aligned", tensor(offset=1))
gguf("overlapping tensors", lambda file: setattr(file.tensors[1], "offset", 0))
gguf("a gap between tensors", lambda file: setattr(file, "data", file.data[:-64]))
gguf("data that ends early", lambda file: setattr(file, "data", file.data[:100]))
for alignment in (0, 3, 1 << 31, (1 << 32) - 1):
    gguf(f"alignment {alignment}", setting("general.alignment", g.UINT32, g.u32(alignment)))
gguf("a string of 2^63 bytes", setting("general.name", g.STRING, g.string("x", 1 << 63)))
gguf("a key of 2^64-1 bytes", lambda file: file.serialize().replace(g.string("general.name"), g.string("general.name", (1 << 64) - 1)))
gguf("arrays in arrays", setting("general.tags", g.ARRAY, g.array(g.ARRAY, (g.u32(g.ARRAY) + g.u64(1)) * 1000, 1)))
gguf("an array of 2^62", setting("general.tags", g.ARRAY, g.array(g.UINT32, b"", 1 << 62)))
gguf("a type that is none", setting("general.name", 99, b"x"))
gguf("a tensor of a type that is none", tensor(type=999))
gguf("extents that wrap", tensor(dims=[1 << 33, 1 << 33]))
gguf("an extent of 0", tensor(dims=[0, 2048]))
gguf("no extents", tensor(dims=[]))
gguf("200 extents", tensor(dims_count=200))
gguf("two tensors of one name", lambda file: setattr(file.tensors[1], "name", file.tensors[0].name))
gguf("a key twice", lambda file: doubled_key(file))
gguf("no architecture", lambda file: file.metadata.pop("general.architecture") * 0 or None)
gguf("an architecture nobody knows", setting("general.architecture", g.STRING, g.string("surprise")))
gguf("no tokens", lambda file: file.metadata.pop("tokenizer.ggml.tokens") * 0 or None, r"token")
gguf("no blocks", setting("llama.block_count", g.UINT32, g.u32(0)))
gguf("4 billion blocks", setting("llama.block_count", g.UINT32, g.u32(0xFFFFFFFF)))
gguf("no heads", setting("llama.attention.head_count", g.UINT32, g.u32(0)), r"head")
gguf("empty", lambda file: b"X"[:0] or b"GGUF")


def doubled_key(file):
    """serialize() writes each key once: the last pair once more, behind the others."""
    key, (kind, value) = list(file.metadata.items())[-1]
    count = len(file.metadata)
    pair = g.string(key) + g.u32(kind) + value
    text = file.serialize()
    at = text.index(pair) + len(pair)
    head = text[:at] + pair
    head = head[:16] + g.u64(count + 1) + head[24:]
    return head.ljust(-(-len(head) // 32) * 32, b"\0") + file.data


CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1,
                     "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 64, "vocab_size": 256,
                     "rms_norm_eps": 1e-5, "max_position_embeddings": 128}).encode()
ONE = {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}
SAFETENSORS = {
    "header of length 0": safetensors(b""), "header longer than the file": safetensors(b"{}", length=1 << 20),
    "header of 2^63": safetensors(b"{}", length=1 << 63), "header of 100 MB and 1": safetensors(b"{}", length=100_000_001),
    "header that is a list": safetensors(b"[]"), "a tensor twice": safetensors(
        b'{"a":' + json.dumps(ONE).encode() + b',"a":' + json.dumps(ONE).encode() + b"}", bytes(8)),
    "overlap": safetensors({"a": ONE, "b": {**ONE, "data_offsets": [4, 12]}}, bytes(12)),
    "gap": safetensors({"a": ONE, "b": {**ONE, "data_offsets": [16, 24]}}, bytes(24)),
    "begin > end": safetensors({"a": {**ONE, "data_offsets": [8, 0]}}, bytes(8)),
    "a product that wraps": safetensors({"a": {**ONE, "shape": [1 << 32, 1 << 32]}}, bytes(8)),
    "an unknown type": safetensors({"a": {**ONE, "dtype": "X9"}}, bytes(8)), "bytes behind the data": safetensors({"a": ONE}, bytes(9)),
    "an offset past the end": safetensors({"a": {**ONE, "data_offsets": [0, 1 << 40], "shape": [1 << 39]}}, bytes(8)),
    "seven bytes": b"\x02\0\0\0\0\0\0", "a pickle": pickle.dumps({"a": print})}
FOLDER = r"safetensors|config|tokenizer|model file|no model|gguf|support|kind|weights"
for name, content in SAFETENSORS.items():
    hostile(49, f"safetensors: {name}", lambda content=content: {
        "model/config.json": CONFIG, "model/model.safetensors": content, "model/tokenizer.json": b"{}"}, FOLDER)
PICKLE = pickle.dumps([compile, ("import os", "x", "exec")])
hostile(50, "pickle bytes called .gguf", lambda: {GGUF: PICKLE}, r"gguf|magic")
for name in ("model/model.pt", "model/pytorch_model.bin", "model/model.pkl", "model/modeling_evil.py"):
    hostile(50, f"{name} alone", lambda name=name: {name: PICKLE}, r"gguf|model file|no model|safetensors|kind|weights|support")
hostile(50, "a tokenizer.json of 100 MB beside config and weights", lambda: {
    "model/config.json": CONFIG, "model/model.safetensors": safetensors({"a": ONE}, bytes(8)),
    "model/tokenizer.json": b'{"a":"' + b"x" * 100_000_000 + b'"}'}, FOLDER + r"|limit|large|bytes")

# ---- 51: texts -----------------------------------------------------------------------------------------------------

ANSI, BIDI, MARKUP = "\x1b[2J\x1b]0;owned\x07", "a\u202egpj.exe", "<script>alert(1)</script>"
for member, reason in {"name": "name", "version": "version", "license": "license"}.items():
    for what, text in {"escapes of a terminal": ANSI, "bidi overrides": BIDI, "1 MB": "x" * 1_000_000}.items():
        refuse(51, f"release: {member} with {what}", reason, forged(**{member: text}), forms=("rdb",))


@case(51, "texts inside a model that a terminal or a page would act on are shown escaped")
def _(sites):
    site = sites.copy_of("site")
    model = hostile_gguf(setting("general.name", g.STRING, g.string(ANSI + BIDI + MARKUP)))
    files = {GGUF: model}
    forge = site.forge({**files, "sbom.cdx.json": bom(files, ANSI + BIDI + MARKUP)}, license=MARKUP)
    path = forge.write_rdb(site.new_path(".rdb"))
    for command in (["bundle", "inspect", path], ["bundle", "verify", path, "--config", site.config], ["import", path, "--config", site.config],
                    ["models", "list", "--config", site.config]):
        check_in_order(site.redoubt(*command))
    return 4, "no control byte on any output"


@case(51, "a bare model whose signature names it with escapes")
def _(sites):
    site, count = sites["site"], 0
    for text in (ANSI, BIDI, MARKUP, "x" * 1_000_000):
        forge = site.forge()
        forge.oms_statement["subject"][0]["name"] = text
        path = forge.write_directory(site.new_path(), bare=True)
        before = site.tree()
        outcome = site.import_(path)
        check_in_order(outcome)
        assert outcome.status == 1 and site.tree() == before, outcome
        check_in_order(site.redoubt("bundle", "inspect", path))
        count += 1
    return count, outcome.said.decode(errors="replace").splitlines()[0][:160]
