#!/usr/bin/env python3
"""llama.cpp's greedy continuation of given tokens, as the oracle of the suite llamacpp.

    llamacpp_greedy.py MODEL.gguf --count N < PROMPTS   a prompt of token ids per line; prints N ids per line
"""
import argparse
import sys

import llama_cpp
import numpy


def use_plain_buffers():
    """Keeps llama.cpp to its plain weight layout: its repacked ones (AMX) crash on small matrices."""
    default = llama_cpp.llama_cpp.llama_model_default_params

    def plain():
        params = default()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_cpp.llama_model_default_params = plain


def greedy(model, prompt, count):
    vocabulary = model.n_vocab()
    model.reset()
    model.eval(prompt)
    tokens = []
    for _ in range(count):
        logits = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(model.ctx, -1), (vocabulary,))
        tokens.append(int(logits.argmax()))
        model.eval(tokens[-1:])
    return tokens


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    use_plain_buffers()
    model = llama_cpp.Llama(options.model, n_ctx=1024, n_threads=2, n_threads_batch=2, verbose=False)
    for line in sys.stdin:
        print(*greedy(model, [int(word) for word in line.split()], options.count), flush=True)


main()
