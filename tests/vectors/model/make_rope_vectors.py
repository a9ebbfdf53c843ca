"""Writes rope.json: rotary frequencies and magnitudes of published configurations, worked out here from the papers
(linear: Chen et al. 2023; YaRN: Peng et al. 2023; llama3: the rule in Meta's reference code), in exact decimals of
float64, by code that shares nothing with runtime/model/rope.cc.

    make_rope_vectors.py > rope.json
"""

import json
from math import ceil, cos, floor, log, pi, sin


def plain(dims, base):
    return [base ** (-2 * j / dims) for j in range(dims // 2)]


def llama3_divisors(dims, base, factor, low, high, original):
    divisors = []
    for f in plain(dims, base):
        wavelength = 2 * pi / f
        if wavelength < original / high:
            divisors.append(1.0)
        elif wavelength > original / low:
            divisors.append(float(factor))
        else:
            smooth = (original / wavelength - low) / (high - low)
            divisors.append(1 / ((1 - smooth) / factor + smooth))
    return divisors


def yarn(dims, base, factor, original, fast=32.0, slow=1.0, extrapolation=1.0, multiplier=0.0):
    pair = lambda turns: dims * log(original / (turns * 2 * pi)) / (2 * log(base))
    low, high = max(floor(pair(fast)), 0), min(ceil(pair(slow)), dims - 1)
    out = []
    for j, f in enumerate(plain(dims, base)):
        keep = extrapolation * (1 - min(max((j - low) / max(high - low, 1e-3), 0), 1))
        out.append(f * keep + f / factor * (1 - keep))
    magnitude = 0.1 * log(factor) + 1 if extrapolation else 1.0
    if multiplier:
        magnitude /= 0.1 * multiplier * log(factor) + 1
    return out, magnitude


def case(name, dims, base, context, frequencies, magnitude=1.0, keys=None, divisors=None):
    position = 1234
    return {
        "name": name,
        "dims": dims,
        "base": base,
        "context": context,
        "keys": keys or {},
        "divisors": divisors or [],
        "frequencies": frequencies,
        "magnitude": magnitude,
        "position": position,
        "cos": [cos(position * f) * magnitude for f in frequencies],
        "sin": [sin(position * f) * magnitude for f in frequencies],
    }


def yarn_keys(factor, original, **more):
    keys = {"rope.scaling.type": "yarn", "rope.scaling.factor": factor,
            "rope.scaling.original_context_length": original}
    keys.update({f"rope.scaling.{name}": value for name, value in more.items()})
    return keys


def main():
    divisors = llama3_divisors(128, 5e5, 8, 1, 4, 8192)
    qwen = yarn(128, 1e6, 4.0, 32768)
    ministral = yarn(128, 1e6, 16.0, 16384, multiplier=1.0)
    half = yarn(64, 1e4, 8.0, 2048, fast=16.0, slow=2.0, extrapolation=0.5)
    squeezed = yarn(64, 1e4, 8.0, 2048, extrapolation=0.0)
    cases = [
        case("llama 2", 128, 1e4, 4096, plain(128, 1e4)),
        case("scaling none", 128, 1e4, 4096, plain(128, 1e4),
             keys={"rope.scaling.type": "none", "rope.scaling.factor": 4.0}),
        case("factor 0 means none", 128, 1e4, 4096, plain(128, 1e4), keys={"rope.scaling.factor": 0.0}),
        case("linear by 4", 128, 1e4, 16384, [f / 4 for f in plain(128, 1e4)],
             keys={"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}),
        case("linear by the old key", 128, 1e4, 16384, [f / 2 for f in plain(128, 1e4)],
             keys={"rope.scale_linear": 2.0}),
        case("attention factor", 64, 1e4, 4096, plain(64, 1e4), 1.25, keys={"rope.scaling.attn_factor": 1.25}),
        case("llama 3.1", 128, 5e5, 131072, [f / d for f, d in zip(plain(128, 5e5), divisors)], divisors=divisors),
        case("qwen 2.5, yarn by 4", 128, 1e6, 131072, *qwen, keys=yarn_keys(4.0, 32768)),
        case("ministral 3, yarn by 16", 128, 1e6, 262144, *ministral,
             keys=yarn_keys(16.0, 16384, yarn_beta_fast=32.0, yarn_beta_slow=1.0, yarn_log_multiplier=1.0)),
        case("yarn, half a ramp", 64, 1e4, 16384, *half,
             keys=yarn_keys(8.0, 2048, yarn_beta_fast=16.0, yarn_beta_slow=2.0, yarn_ext_factor=0.5)),
        case("yarn without its ramp", 64, 1e4, 16384, squeezed[0], 1.5,
             keys=yarn_keys(8.0, 2048, yarn_ext_factor=0.0, yarn_attn_factor=1.5)),
    ]
    print(json.dumps(cases, indent=0))


if __name__ == "__main__":
    main()
