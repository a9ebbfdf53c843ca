#!/usr/bin/env python3
"""The same products and attention through PyTorch (cuBLASLt, its fused attention), as lines that report.py reads.

Random data; CUDA graphs of several calls over rotated weights, as in recorded_time.h; the median of seven rounds. A part
that fails says so on a line of its own and the others go on."""
import statistics
import sys
import time

import torch
import torch.nn.functional as functional

QUICK = "--quick" in sys.argv
SHAPES = [(14336, 4096, "8B up"), (4096, 14336, "8B down")]
ROWS = [1, 32, 2048]
if not QUICK:
    SHAPES += [(4096, 4096, "8B output"), (28672, 8192, "70B up"), (8192, 28672, "70B down")]
    ROWS = [1, 8, 32, 128, 1024, 4096]
CALLS = 12


def row(what, value, unit, bytes_per_second, flops, note=""):
    print(f"row\t-\ttorch: {what}\t{value:.6g}\t{unit}\t{bytes_per_second:.6g}\t{flops:.6g}\t{note}", flush=True)


def seconds_of(call):
    """Seconds of one call(i)."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for i in range(3):
            call(i)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for i in range(CALLS):
            call(i)
    graph.replay()
    torch.cuda.synchronize()
    begun = time.perf_counter()
    graph.replay()
    torch.cuda.synchronize()
    times = max(1, int(0.01 / max(time.perf_counter() - begun, 1e-6)))
    rounds = []
    for _ in range(7):
        begun = time.perf_counter()
        for _ in range(times):
            graph.replay()
        torch.cuda.synchronize()
        rounds.append((time.perf_counter() - begun) / times / CALLS)
    return statistics.median(rounds)


def linear(rows, cols, name):
    weights = [torch.randn(rows, cols, device="cuda", dtype=torch.bfloat16)
               for _ in range(max(2, min(CALLS, 400 * 2**20 // (rows * cols * 2) + 1)))]
    for n in ROWS:
        x = torch.randn(n, cols, device="cuda", dtype=torch.bfloat16)
        seconds = seconds_of(lambda i: functional.linear(x, weights[i % len(weights)]))
        moved, flops = rows * cols * 2 / seconds, 2 * rows * cols * n / seconds
        many = n >= 1024
        row(f"linear bf16 {rows} x {cols} ({name}), rows {n}", flops / 1e12 if many else moved / 1e9,
            "TFLOP/s" if many else "GB/s", 0 if many else moved, flops, f"{seconds * 1e6:.2f} us")


def attention(tokens):
    q = torch.randn(1, 32, tokens, 128, device="cuda", dtype=torch.bfloat16)
    k = torch.randn(1, 32, tokens, 128, device="cuda", dtype=torch.bfloat16)
    v = torch.randn(1, 32, tokens, 128, device="cuda", dtype=torch.bfloat16)
    seconds = seconds_of(lambda i: functional.scaled_dot_product_attention(q, k, v, is_causal=True))
    flops = 4 * 32 * 128 * 0.5 * tokens * (tokens + 1) / seconds
    row(f"attention of a prompt, causal, {tokens} tokens, bf16", flops / 1e12, "TFLOP/s", 0, flops,
        f"{seconds * 1e6:.2f} us")


def copy():
    a = torch.randint(0, 2**31 - 1, (2**28,), device="cuda", dtype=torch.int32)
    b = torch.empty_like(a)
    seconds = seconds_of(lambda i: b.copy_(a))
    moved = 2 * a.numel() * 4 / seconds
    row("copy inside device memory (read and written)", moved / 1e9, "GB/s", moved, 0)


def product():
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    b = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    seconds = seconds_of(lambda i: torch.matmul(a, b))
    row("product bf16 8192 x 8192 x 8192", 2 * 8192**3 / seconds / 1e12, "TFLOP/s", 0, 2 * 8192**3 / seconds)


def main():
    failed = 0
    parts = [copy, product] + [lambda shape=shape: linear(*shape) for shape in SHAPES]
    parts += [lambda tokens=tokens: attention(tokens) for tokens in ([8192] if QUICK else [2048, 8192])]
    for part in parts:
        try:
            part()
        except Exception as error:  # the next part may still run
            failed += 1
            print(f"failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", flush=True)
        torch.cuda.empty_cache()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
