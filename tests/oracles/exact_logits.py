"""Logits of a GGUF model in float64: the exact oracle of tests/runtime/model.

Written from the papers that runtime/model cites and from the definition of each GGUF key, with weights decoded by
gguf-py. Shares nothing with the program it judges. Slow and plain on purpose.
"""

import math

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


class Model:
    def __init__(self, path):
        reader = GGUFReader(path)
        self.fields = {name: field.contents() for name, field in reader.fields.items()}
        self.tensors = {}
        for tensor in reader.tensors:
            shape = tuple(reversed([int(size) for size in tensor.shape]))
            values = dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
            self.tensors[tensor.name] = values.reshape(shape)
        self.arch = self.fields["general.architecture"]

    def key(self, name, default=None):
        return self.fields.get(f"{self.arch}.{name}", default)


def yarn_frequencies(model, dims, base, frequencies):
    """YaRN (Peng et al. 2023): per-pair mix of kept and squeezed frequencies, and the attention factor."""
    factor = model.key("rope.scaling.factor", 1.0)
    original = model.key("rope.scaling.original_context_length", model.key("context_length"))
    beta_fast = model.key("rope.scaling.yarn_beta_fast", 32.0)
    beta_slow = model.key("rope.scaling.yarn_beta_slow", 1.0)

    def pair_with_turns(turns):
        return dims * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))

    low = max(math.floor(pair_with_turns(beta_fast)), 0)
    high = min(math.ceil(pair_with_turns(beta_slow)), dims - 1)
    ramp = np.clip((np.arange(dims // 2) - low) / max(high - low, 0.001), 0, 1)
    mixed = frequencies / factor * ramp + frequencies * (1 - ramp)
    magnitude = 1.0 if factor <= 1 else 0.1 * math.log(factor) + 1
    multiplier = model.key("rope.scaling.yarn_log_multiplier", 0.0)
    if multiplier and factor > 1:
        magnitude /= 0.1 * multiplier * math.log(factor) + 1
    return mixed, magnitude


def rope_frequencies(model, dims):
    base = model.key("rope.freq_base", 10000.0)
    frequencies = base ** (-2.0 * np.arange(dims // 2) / dims)
    divisors = model.tensors.get("rope_freqs.weight")
    if divisors is not None:
        frequencies = frequencies / divisors
    kind = model.key("rope.scaling.type", "linear")
    magnitude = 1.0
    if kind == "yarn":
        frequencies, magnitude = yarn_frequencies(model, dims, base, frequencies)
    elif kind == "linear":
        frequencies = frequencies / (model.key("rope.scaling.factor", 1.0) or 1.0)
    return frequencies, magnitude * model.key("rope.scaling.attn_factor", 1.0)


def rope(x, cos, sin, halves):
    """x [tokens, heads, head_dim]; cos and sin [tokens, dims/2]."""
    pairs = cos.shape[1]
    a_index = np.arange(pairs) if halves else 2 * np.arange(pairs)
    b_index = a_index + (pairs if halves else 1)
    a, b = x[..., a_index], x[..., b_index]
    out = x.copy()
    out[..., a_index] = a * cos[:, None] - b * sin[:, None]
    out[..., b_index] = a * sin[:, None] + b * cos[:, None]
    return out


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def attend(q, k, v, scale, window):
    tokens, heads, _ = q.shape
    group = heads // k.shape[1]
    position = np.arange(tokens)
    hidden = position[None, :] > position[:, None]
    if window:
        hidden |= position[None, :] <= position[:, None] - window
    out = np.empty_like(q)
    for head in range(heads):
        scores = scale * (q[:, head] @ k[:, head // group].T)
        scores[hidden] = -np.inf
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        out[:, head] = weights @ v[:, head // group] / weights.sum(axis=-1, keepdims=True)
    return out


def logits(path, tokens):
    """An array [tokens, vocabulary], float64."""
    model = Model(path)
    t = model.tensors
    heads = model.key("attention.head_count")
    kv_heads = model.key("attention.head_count_kv", heads)
    head_dim = model.key("attention.key_length", model.key("embedding_length") // heads)
    eps = model.key("attention.layer_norm_rms_epsilon")
    window = model.key("attention.sliding_window", 0)
    frequencies, magnitude = rope_frequencies(model, model.key("rope.dimension_count", head_dim))
    angles = np.arange(len(tokens))[:, None] * frequencies[None, :]
    cos, sin = np.cos(angles) * magnitude, np.sin(angles) * magnitude
    halves = model.arch.startswith("qwen")

    x = t["token_embd.weight"][tokens]
    for layer in range(model.key("block_count")):
        def part(name):
            return t.get(f"blk.{layer}.{name}")

        def project(name, y, count):
            out = y @ part(f"attn_{name}.weight").T
            bias = part(f"attn_{name}.bias")
            out = out if bias is None else out + bias
            out = out.reshape(len(tokens), count, head_dim)
            norm = part(f"attn_{name}_norm.weight")
            return out if norm is None else rms_norm(out, norm, eps)

        y = rms_norm(x, part("attn_norm.weight"), eps)
        q = rope(project("q", y, heads), cos, sin, halves)
        k = rope(project("k", y, kv_heads), cos, sin, halves)
        v = project("v", y, kv_heads)
        attention = attend(q, k, v, head_dim ** -0.5, window).reshape(len(tokens), -1)
        x = x + attention @ part("attn_output.weight").T
        bias = part("attn_output.bias")
        x = x if bias is None else x + bias
        y = rms_norm(x, part("ffn_norm.weight"), eps)
        gate = y @ part("ffn_gate.weight").T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ part("ffn_up.weight").T)) @ part("ffn_down.weight").T
    head = t.get("output.weight", t["token_embd.weight"])
    return rms_norm(x, t["output_norm.weight"], eps) @ head.T
