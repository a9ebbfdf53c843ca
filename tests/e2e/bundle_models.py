"""Small models: a GGUF that loads and talks nonsense, a safetensors file, and both with whatever somebody hostile puts in."""
import functools
import json
import random
import struct

import gguf_file as g
from service import DEMO_MODEL

EMBEDDING, HEADS, KV_HEADS, HEAD, FEED_FORWARD = 64, 2, 1, 32, 64
F32, F16 = 0, 1
# Every extent of the demo model's tensors, and what the small one has in its place.
EXTENTS = {"attn_q": [EMBEDDING, HEADS * HEAD], "attn_k": [EMBEDDING, KV_HEADS * HEAD],
           "attn_v": [EMBEDDING, KV_HEADS * HEAD], "attn_output": [HEADS * HEAD, EMBEDDING],
           "ffn_gate": [EMBEDDING, FEED_FORWARD], "ffn_up": [EMBEDDING, FEED_FORWARD],
           "ffn_down": [FEED_FORWARD, EMBEDDING]}


def small_file(seed=1):
    """The demo model's tokenizer around one block of a 64-wide model with random weights."""
    file = g.GgufFile(DEMO_MODEL)
    numbers = {"embedding_length": EMBEDDING, "block_count": 1, "feed_forward_length": FEED_FORWARD,
               "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS, "attention.key_length": HEAD,
               "attention.value_length": HEAD, "rope.dimension_count": HEAD, "context_length": 512}
    for key, value in numbers.items():
        file.metadata[f"llama.{key}"] = [g.UINT32, g.u32(value)]
    chance = random.Random(seed)
    kept, data = [], b""
    for tensor in file.tensors:
        if tensor.name.startswith("blk.") and not tensor.name.startswith("blk.0."):
            continue
        part = tensor.name.removesuffix(".weight").split(".")[-1]
        dims = EXTENTS.get(part, [EMBEDDING, *tensor.dims[1:]])
        count = dims[0] * (dims[1] if len(dims) > 1 else 1)
        if tensor.type == F16:
            body = struct.pack(f"<{count}e", *[chance.uniform(-0.1, 0.1) for _ in range(count)])
        else:
            body = struct.pack(f"<{count}f", *[1.0] * count)
        kept.append(g.Tensor(tensor.name, dims, tensor.type, len(data)))
        data += body + bytes(-len(body) % 32)
    file.tensors, file.data = kept, data
    return file


@functools.cache
def small_gguf(seed=1):
    return small_file(seed).serialize()


def hostile_gguf(change):
    file = small_file()
    changed = change(file)
    return changed if isinstance(changed, bytes) else file.serialize()


def safetensors(header, data=b"", length=None):
    """`header` is JSON text or what becomes it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data
