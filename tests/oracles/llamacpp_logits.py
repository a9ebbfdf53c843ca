"""Logits of a GGUF model as llama.cpp computes them: one of the two oracles of tests/runtime/model.

    llamacpp_logits.py MODEL.gguf 1,2,3 [--rows 0,2]

prints one JSON array per row asked for (all rows by default). Keys and values are kept in float32 and flash
attention is off, so that what differs from exact arithmetic is only how llama.cpp multiplies: it rounds the
activations to the kind of the weights (float16, bfloat16, or blocks of int8).
"""

import argparse
import json

import llama_cpp
import llama_cpp.llama_cpp as binding
import numpy as np

GGML_TYPE_F32 = 0
FROM_THE_MODEL = -1.0  # for YaRN's parameters; the binding's own defaults would override the file


def use_plain_buffers():
    """Keeps weights as the file has them: repacked layouts (AMX among them) crash on some virtual machines."""
    default_params = binding.llama_model_default_params

    def plain_params():
        params = default_params()
        params.use_extra_bufts = False
        return params

    binding.llama_model_default_params = plain_params


use_plain_buffers()


def logits(path, tokens):
    """An array [tokens, vocabulary], float32."""
    model = llama_cpp.Llama(
        model_path=path,
        n_ctx=max(256, len(tokens)),
        n_batch=max(256, len(tokens)),
        n_threads=1,
        logits_all=True,
        type_k=GGML_TYPE_F32,
        type_v=GGML_TYPE_F32,
        flash_attn=False,
        yarn_ext_factor=FROM_THE_MODEL,
        yarn_attn_factor=FROM_THE_MODEL,
        yarn_beta_fast=FROM_THE_MODEL,
        yarn_beta_slow=FROM_THE_MODEL,
        verbose=False,
    )
    model.eval(tokens)
    return np.array(model.scores[: len(tokens)], dtype=np.float32)


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("tokens", type=numbers)
    parser.add_argument("--rows", type=numbers)
    arguments = parser.parse_args()
    result = logits(arguments.model, arguments.tokens)
    for row in arguments.rows or range(len(arguments.tokens)):
        print(json.dumps([float(value) for value in result[row]]))


if __name__ == "__main__":
    main()
