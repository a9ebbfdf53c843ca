#!/usr/bin/env python3
"""Writes the vectors beside this file from GGUF's own Python package (gguf, numpy).

FORMAT.bin     4 rows of 256 elements as the file format has them: random blocks, every bit pattern likely, with
               finite scales
FORMAT.f32     what gguf.quants.dequantize makes of them, float32 little endian
input.f32      4 rows of 256 floats
FORMAT.quant   what gguf.quants.quantize makes of input.f32, for the formats it can write
"""
import pathlib

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

ROWS, COLS = 4, 256
HERE = pathlib.Path(__file__).parent
# Type, block elements, block bytes, offsets of its binary16 scales.
BLOCKS = [
    (Type.Q4_0, 32, 18, [0]),
    (Type.Q8_0, 32, 34, [0]),
    (Type.Q4_K, 256, 144, [0, 2]),
    (Type.Q5_K, 256, 176, [0, 2]),
    (Type.Q6_K, 256, 210, [208]),
]


def main() -> None:
    random = np.random.default_rng(20260921)
    for kind, elements, size, scales in BLOCKS:
        blocks = random.integers(0, 256, (ROWS * COLS // elements, size), dtype=np.uint8)
        for at in scales:
            values = random.uniform(-0.01, 0.01, len(blocks)).astype(np.float16)
            blocks[:, at : at + 2] = values.view(np.uint8).reshape(-1, 2)
        rows = blocks.reshape(ROWS, -1)
        (HERE / f"{kind.name}.bin").write_bytes(rows.tobytes())
        (HERE / f"{kind.name}.f32").write_bytes(quants.dequantize(rows, kind).astype("<f4").tobytes())

    values = random.normal(0, 0.05, (ROWS, COLS)).astype(np.float32)
    values[1, 32:64] = 0  # a block of nothing
    values[2, :32] = 0.25  # ties and equal magnitudes
    values[2, 5] = -0.25
    (HERE / "input.f32").write_bytes(values.astype("<f4").tobytes())
    for kind in (Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0):
        if kind is Type.F16:
            made = values.astype(np.float16).view(np.uint8)
        else:
            made = quants.quantize(values, kind)
        (HERE / f"{kind.name}.quant").write_bytes(made.tobytes())


if __name__ == "__main__":
    main()
