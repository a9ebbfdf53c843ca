#!/usr/bin/env python3
"""llama.cpp as the peer of `redoubt-bench versus`: one model in one process, one measure at a time.

    peers.py MODEL --threads N --flash 0|1 --repacked 0|1

Reads measures from standard input, one a line, in the words of bench/model/measure.h, and answers each with a line of
JSON: {"tokens_per_second": R}. The first line it writes says what it is: {"peer": …}. Goes through llama.cpp's C
interface, so that nothing of Python stands between two tokens but the call and one argmax. A process of its own for each
variant: some of llama.cpp's layouts crash on some models, and then this process ends without an answer.
"""
import argparse
import ctypes
import json
import sys
import time

import llama_cpp
import numpy

STEP = 512  # tokens of one call, llama.cpp's default
FILL = 128  # tokens that fill() computes


class Peer:
    def __init__(self, path, threads, flash, repacked):
        params = llama_cpp.llama_model_default_params()
        params.use_extra_bufts = repacked
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise RuntimeError("llama.cpp does not load " + path)
        self.threads, self.flash = threads, flash
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.batch = llama_cpp.llama_batch_init(STEP, 0, 1)

    def open(self, tokens, sequences, unified):
        """A context with room for `tokens` in all."""
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = (tokens + 255) // 256 * 256
        params.n_batch = params.n_ubatch = STEP
        params.n_seq_max = sequences
        params.n_threads = params.n_threads_batch = self.threads
        params.flash_attn_type = 1 if self.flash else 0
        params.kv_unified = unified
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise RuntimeError("no context")
        self.memory = llama_cpp.llama_get_memory(self.context)

    def close(self):
        llama_cpp.llama_free(self.context)

    def compute(self, rows):
        """rows: (token, position, sequence, wants logits)"""
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            batch.logits[i] = logits
        if llama_cpp.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        llama_cpp.llama_synchronize(self.context)

    def token(self, i):
        return (i * 7919 + 17) % self.vocabulary

    def prefill(self, tokens, sequence=0):
        for start in range(0, tokens, STEP):
            end = min(tokens, start + STEP)
            self.compute([(self.token(i + sequence), i, sequence, i == tokens - 1) for i in range(start, end)])

    def best(self, row):
        logits = llama_cpp.llama_get_logits_ith(self.context, row)
        return int(numpy.ctypeslib.as_array(logits, (self.vocabulary,)).argmax())

    def steps(self, count, position, sequences):
        """Seconds of `count` greedy steps, after one that is not counted."""
        last = [self.token(s) for s in range(sequences)]
        started = 0
        for step in range(count + 1):
            if step == 1:
                started = time.perf_counter()
            self.compute([(last[s], position + step, s, True) for s in range(sequences)])
            last = [self.best(s) for s in range(sequences)]
        return time.perf_counter() - started

    def fill(self, context):
        """`context` positions of sequence 0 for the price of FILL: what was computed is restored again and again as
        other sequences, moved to where it is wanted, and given to sequence 0. How long attention takes does not depend
        on what it reads."""
        self.prefill(FILL)
        size = llama_cpp.llama_state_seq_get_size(self.context, 0)
        state = (ctypes.c_uint8 * size)()
        llama_cpp.llama_state_seq_get_data(self.context, state, size, 0)
        for part in range(1, context // FILL):
            if llama_cpp.llama_state_seq_set_data(self.context, state, size, part) == 0:
                raise RuntimeError("no room for the context")
            llama_cpp.llama_memory_seq_add(self.memory, part, 0, -1, part * FILL)
            llama_cpp.llama_memory_seq_cp(self.memory, part, 0, -1, -1)
            llama_cpp.llama_memory_seq_rm(self.memory, part, -1, -1)

    def run(self, words):
        count = int(words[1])
        if words[0] == "prefill":
            self.open(count, 1, True)
            self.prefill(1)  # a context's first call makes what later ones use
            llama_cpp.llama_memory_clear(self.memory, True)
            started = time.perf_counter()
            self.prefill(count)
            rate = count / (time.perf_counter() - started)
        elif len(words) == 4 and words[2] == "context":
            context = int(words[3])
            self.open(context + count + 1, context // FILL + 1, True)
            self.fill(context)
            rate = count / self.steps(count, context, 1)
        else:
            batch = int(words[3]) if len(words) == 4 else 1
            self.open(batch * ((8 + count + 1 + 255) // 256 * 256), batch, False)
            for sequence in range(batch):
                self.prefill(8, sequence)
            rate = batch * count / self.steps(count, 8, batch)
        self.close()
        return rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flash", type=int, default=0)
    parser.add_argument("--repacked", type=int, default=0)
    options = parser.parse_args()
    peer = Peer(options.model, options.threads, bool(options.flash), bool(options.repacked))
    print(json.dumps({"peer": f"llama-cpp-python {llama_cpp.__version__}"}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"tokens_per_second": peer.run(line.split())}), flush=True)
    return 0


raise SystemExit(main())
