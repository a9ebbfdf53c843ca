#!/usr/bin/env python3
"""Writes the vectors beside this file from GGUF's own Python package (gguf, numpy).

FORMAT.bin     4 rows of 256 elements as the file format has them: random blocks, every bit pattern likely; half of
               them with usual scales, half with any finite ones
FORMAT.f32     what gguf.quants.dequantize makes of them, float32 little endian
input.f32      4 rows of 256 floats
FORMAT.quant   what gguf.quants.quantize makes of input.f32, for the formats it can write

A format draws from a seed of its own: a new one changes no other file.
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
    (Type.Q4_1, 32, 20, [0, 2]),
    (Type.Q5_0, 32, 22, [0]),
    (Type.Q5_1, 32, 24, [0, 2]),
    (Type.Q2_K, 256, 84, [80, 82]),
    (Type.Q3_K, 256, 110, [108]),
    (Type.IQ4_NL, 32, 18, [0]),
    (Type.IQ4_XS, 256, 136, [0]),
    (Type.TQ1_0, 256, 54, [52]),
    (Type.TQ2_0, 256, 66, [64]),
    (Type.MXFP4, 32, 17, []),
]
WRITTEN = [
    Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.TQ1_0, Type.TQ2_0, Type.MXFP4,
]


def random_blocks(kind: Type, elements: int, size: int, scales: list[int]) -> np.ndarray:
    random = np.random.default_rng([20260921, int(kind)])
    count = ROWS * COLS // elements
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in scales:
        usual = random.uniform(-0.01, 0.01, count).astype(np.float16).view(np.uint16)
        any_finite = random.integers(0, 1 << 16, count, dtype=np.uint16)
        any_finite = np.where(any_finite & 0x7C00 == 0x7C00, any_finite & 0xBFFF, any_finite)
        values = np.where(np.arange(count) < count // 2, usual, any_finite).astype(np.uint16)
        blocks[:, at : at + 2] = values.view(np.uint8).reshape(-1, 2)
    if kind is Type.MXFP4:
        blocks[:6, 0] = [0, 1, 2, 3, 254, 255]  # subnormal scales, and products that overflow
    return blocks.reshape(ROWS, -1)


def main() -> None:
    for kind, elements, size, scales in BLOCKS:
        rows = random_blocks(kind, elements, size, scales)
        (HERE / f"{kind.name}.bin").write_bytes(rows.tobytes())
        (HERE / f"{kind.name}.f32").write_bytes(quants.dequantize(rows, kind).astype("<f4").tobytes())

    values = np.random.default_rng(20260921).normal(0, 0.05, (ROWS, COLS)).astype(np.float32)
    values[1, 32:64] = 0  # a block of nothing
    values[2, :32] = 0.25  # ties and equal magnitudes
    values[2, 5] = -0.25
    (HERE / "input.f32").write_bytes(values.astype("<f4").tobytes())
    for kind in WRITTEN:
        if kind is Type.F16:
            made = values.astype(np.float16).view(np.uint8)
        else:
            made = quants.quantize(values, kind)
        (HERE / f"{kind.name}.quant").write_bytes(made.tobytes())


if __name__ == "__main__":
    main()
