#!/usr/bin/env bash
# Writes the committed vectors of the suite llamacpp: prompts of the demo model as token ids, and what llama.cpp makes of
# them, greedily, over 200 tokens. Run it again when the demo model changes.
#
#   make.sh BENCH PYTHON      BENCH: redoubt-bench; PYTHON: one with llama-cpp-python and numpy
set -euo pipefail
bench=$1 python=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
model=$root/provisioning/demo/redoubt-demo.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Questions with long answers: behind its end token a small model is undecided, and ties prove nothing.
questions=("Give me a tour of Redoubt" "Walk me through the first start step by step"
  "Explain each role in detail" "What may each role touch?" "Explain bundles in detail"
  "How does recovery work in detail?" "How secure is Redoubt?")
"$python" - "$model" "${questions[@]}" >"$here/prompts.txt" <<'PYTHON'
import sys
import llama_cpp
model = llama_cpp.Llama(sys.argv[1], vocab_only=True, verbose=False)
for question in sys.argv[2:]:
    text = f"<|begin|><|user|>{question}<|end|><|assistant|>"
    print(*model.tokenize(text.encode(), add_bos=False, special=True))
PYTHON
"$bench" requantize "$model" "$work/Q8_0.gguf" --quant Q8_0
"$python" "$root/tests/oracles/llamacpp_greedy.py" "$model" --count 200 <"$here/prompts.txt" >"$here/demo-F16.txt"
"$python" "$root/tests/oracles/llamacpp_greedy.py" "$work/Q8_0.gguf" --count 200 <"$here/prompts.txt" >"$here/demo-Q8_0.txt"
