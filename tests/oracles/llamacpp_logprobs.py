#!/usr/bin/env python3
"""How likely llama.cpp holds each token of a text to be after those before it, as an oracle of the suite llamacpp.

    llamacpp_logprobs.py MODEL.gguf < TOKENS     a line of token ids; prints a line of natural logarithms, one fewer

Keys and values in float32, as llamacpp_logits.py has them.
"""
import sys

import numpy

import llamacpp_logits


def main():
    tokens = [int(word) for word in sys.stdin.read().split()]
    logits = llamacpp_logits.logits(sys.argv[1], tokens)[:-1].astype(numpy.float64)
    top = logits.max(axis=1)
    totals = top + numpy.log(numpy.exp(logits - top[:, None]).sum(axis=1))
    print(*(f"{logits[row, token] - totals[row]:.4f}" for row, token in enumerate(tokens[1:])))


main()
