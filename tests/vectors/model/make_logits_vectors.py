"""Writes logits_SHAPE.json: logits of tiny synthetic models as float64 (exact_logits.py) and as llama.cpp
(llamacpp_logits.py) compute them, and says how far apart those two are.

    make_logits_vectors.py SYNTH…        SYNTH… is the command that writes models: build/release/bin/redoubt-bench synth

The models are not kept: shape, quantisation and seed make the same bytes again. llama.cpp knows no sliding window
in the architecture we give one to, so its rows beyond the window are left out.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "oracles"))

import exact_logits  # noqa: E402
import llamacpp_logits  # noqa: E402

SEED = 7
TOKENS = [(i * 37 + 11) % 500 for i in range(48)]
ROWS = [0, 23, 47]
COLUMNS = list(range(5, 512, 16))
EVERY = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q4_K_M", "Q5_K", "Q6_K"]
FEW = ["F32", "Q4_K"]
# The other formats and mixtures, in one family: what differs is how a matrix is read.
MORE = [
    "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_M", "Q5_K_M", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4",
]
SHAPES = {
    "tiny-llama": EVERY + MORE,
    "tiny-llama-linear": FEW,
    "tiny-llama-yarn": FEW,
    "tiny-llama3": FEW,
    "tiny-qwen2": EVERY,
    "tiny-qwen3": EVERY,
    "tiny-mistral": EVERY,
    "tiny-mistral-yarn": FEW,
}
WINDOWS = {"tiny-mistral": 24}


def chosen(logits, row):
    return [float(f"{value:.7g}") for value in logits[row][COLUMNS]]


def make_case(synth, path, shape, quant):
    subprocess.run([*synth, "--shape", shape, "--quant", quant, "--seed", str(SEED), "-o", path], check=True)
    exact = exact_logits.logits(path, TOKENS)
    other = llamacpp_logits.logits(path, TOKENS)
    rows = [row for row in ROWS if row < WINDOWS.get(shape, len(TOKENS))]
    spread = float(exact.std())
    error = (exact - other)[rows] / spread
    print(f"{shape:18} {quant:7} llama.cpp against exact, in spreads: "
          f"largest {np.abs(error).max():.2e}, root mean square {np.sqrt((error ** 2).mean()):.2e}")
    return {
        "quant": quant,
        "spread": float(f"{spread:.7g}"),
        "exact": [chosen(exact, row) for row in ROWS],
        "llama_cpp": [chosen(other, row) for row in rows],
    }


def main():
    synth = sys.argv[1:]
    for shape, quants in SHAPES.items():
        with tempfile.NamedTemporaryFile(suffix=".gguf") as model:
            cases = [make_case(synth, model.name, shape, quant) for quant in quants]
        result = {"shape": shape, "seed": SEED, "tokens": TOKENS, "rows": ROWS, "columns": COLUMNS, "cases": cases}
        with open(os.path.join(HERE, f"logits_{shape}.json"), "w") as out:
            json.dump(result, out)
            out.write("\n")


if __name__ == "__main__":
    main()
