#!/usr/bin/env python3
"""One model, alternating rounds of redoubt-bench and llama.cpp; prints medians and ratios. Called by bench/peers."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PREFILL, DECODE, BATCHES = 512, 64, (1, 4, 8)


def run_llama(model_path, threads, flash, repacked):
    """llama.cpp through its C interface: tokens per second of each measure."""
    import llama_cpp
    params = llama_cpp.llama_model_default_params()
    params.use_extra_bufts = repacked
    model = llama_cpp.llama_model_load_from_file(model_path.encode(), params)
    if not model:
        raise RuntimeError("llama.cpp does not load " + model_path)
    context_params = llama_cpp.llama_context_default_params()
    context_params.n_ctx = max(BATCHES) * (DECODE + 16) + PREFILL
    context_params.n_batch = context_params.n_ubatch = PREFILL
    context_params.n_seq_max = max(BATCHES)
    context_params.n_threads = context_params.n_threads_batch = threads
    context_params.flash_attn_type = 1 if flash else 0
    context_params.kv_unified = True
    context = llama_cpp.llama_init_from_model(model, context_params)
    memory = llama_cpp.llama_get_memory(context)
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    batch = llama_cpp.llama_batch_init(PREFILL, 0, max(BATCHES))

    def compute(rows):
        """rows: (token, position, sequence, wants logits)"""
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
            batch.logits[i] = logits
        if llama_cpp.llama_decode(context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        llama_cpp.llama_synchronize(context)

    def token(i):
        return (i * 7919 + 17) % vocabulary

    def best_token(row):
        logits = llama_cpp.llama_get_logits_ith(context, row)
        import numpy
        return int(numpy.ctypeslib.as_array(logits, (vocabulary,)).argmax())

    rates = {}
    llama_cpp.llama_memory_clear(memory, True)
    compute([(token(i), i, 0, i == PREFILL - 1) for i in range(PREFILL)])  # warm
    llama_cpp.llama_memory_clear(memory, True)
    started = time.perf_counter()
    compute([(token(i), i, 0, i == PREFILL - 1) for i in range(PREFILL)])
    rates[f"prefill {PREFILL}"] = PREFILL / (time.perf_counter() - started)
    for size in BATCHES:
        llama_cpp.llama_memory_clear(memory, True)
        for sequence in range(size):
            compute([(token(i + sequence), i, sequence, i == 7) for i in range(8)])
        last = [token(sequence) for sequence in range(size)]
        started = time.perf_counter()
        for step in range(DECODE):
            compute([(last[s], 8 + step, s, True) for s in range(size)])
            last = [best_token(s) for s in range(size)]
        rates[f"decode {DECODE} batch {size}"] = size * DECODE / (time.perf_counter() - started)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return rates


def child(model, threads, flash, repacked):
    """In a process of its own: some of llama.cpp's layouts crash on some shapes."""
    done = subprocess.run([sys.executable, __file__, "--child", model, str(threads), str(flash), str(repacked)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return json.loads(done.stdout.splitlines()[-1])


def run_redoubt(bench, model, threads):
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        subprocess.run([bench, "model", model, "--prefill", str(PREFILL), "--decode", str(DECODE), "--batch",
                        ",".join(map(str, BATCHES)), "--threads", str(threads), "--repetitions", "1", "--json",
                        result.name], check=True, capture_output=True)
        return json.loads(pathlib.Path(result.name).read_text())["tokens_per_second"]


def main():
    if sys.argv[1:2] == ["--child"]:
        model, threads, flash, repacked = sys.argv[2:6]
        print(json.dumps(run_llama(model, int(threads), flash == "1", repacked == "1")))
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    ours, theirs = {}, {}
    for _ in range(options.rounds):
        for name, rate in run_redoubt(options.bench, options.model, options.threads).items():
            ours.setdefault(name, []).append(rate)
        for flash in (0, 1):
            for repacked in (0, 1):
                for name, rate in (child(options.model, options.threads, flash, repacked) or {}).items():
                    theirs.setdefault(name, {}).setdefault((flash, repacked), []).append(rate)
    print(f"{pathlib.Path(options.model).stem}  ({options.threads} threads, medians of {options.rounds} alternating rounds)")
    print(f"  {'':<20}{'redoubt':>10}{'llama.cpp':>11}{'ratio':>7}   llama.cpp's best flags")
    for name, rates in ours.items():
        mine = statistics.median(rates)
        (flash, repacked), best = max(theirs[name].items(), key=lambda item: statistics.median(item[1]))
        best = statistics.median(best)
        flags = f"flash attention {'on' if flash else 'off'}, {'repacked' if repacked else 'plain'} weights"
        print(f"  {name:<20}{mine:10.1f}{best:11.1f}{mine / best:7.2f}   {flags}")
    return 0


raise SystemExit(main())
