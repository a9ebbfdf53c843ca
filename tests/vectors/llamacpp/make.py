#!/usr/bin/env python3
"""Writes the committed vectors of the suite llamacpp. Run it again when the demo model changes.

    BUILD=build/release make.py       with a Python that has llama-cpp-python, numpy and gguf

greedy.json    prompts as token ids, and llama.cpp's greedy continuations, by the formats that share them
logprobs.json  a text as token ids, and the log-probability of each token but the first, by format
"""
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "oracles")]
import llamacpp  # noqa: E402
from demo_models import DEMO_MODEL, FORMATS, TERNARY, demo_model  # noqa: E402

COUNT = 200
# Questions with long answers: behind its end token a small model is undecided, and ties prove nothing.
QUESTIONS = ["Give me a tour of Redoubt", "Walk me through the first start step by step", "Explain each role in detail",
             "What may each role touch?", "Explain bundles in detail", "How does recovery work in detail?",
             "How secure is Redoubt?"]
# Nothing the model has learnt: where it is unsure, its numbers show how a format rounds.
TEXT = """\
The old lighthouse keeper kept a ledger of every ship that passed between the two capes. In the first column he
wrote the hour, in the second the colour of the lamps, and in the third what he thought the captain had eaten. When the
fog came, nobody could read the sea, so he wrote down the sounds instead: bells, oars, a dog, somebody singing badly.
After forty years the harbour office sent a clerk to collect the books. She read them all winter and decided that no
number in them could be trusted."""


def tokenize(texts):
    import llama_cpp
    model = llama_cpp.Llama(str(DEMO_MODEL), vocab_only=True, verbose=False)
    return [model.tokenize(text.encode(), add_bos=False, special=True) for text in texts]


def dump(name, head, entries):
    """One entry a line, so that differences can be read."""
    lines = ",\n".join(f"  {json.dumps(entry)}" for entry in entries)
    start = json.dumps(head)[:-1]
    (HERE / name).write_text(f"{start}, \"answers\": [\n{lines}\n]}}\n")


def main():
    prompts = tokenize([f"<|begin|><|user|>{question}<|end|><|assistant|>" for question in QUESTIONS])
    text = tokenize([TEXT])[0]
    greedy, logprobs = [], []
    with tempfile.TemporaryDirectory() as work:
        for quant in FORMATS:
            model = demo_model(quant, work)
            logprobs.append({"quant": quant, "logprobs": llamacpp.logprobs(sys.executable, model, text)})
            if quant in TERNARY:
                continue
            answer = llamacpp.greedy(sys.executable, model, prompts, COUNT)
            same = next((entry for entry in greedy if entry["continuations"] == answer), None)
            if same is None:
                greedy.append({"quants": [quant], "continuations": answer})
            else:
                same["quants"].append(quant)
    dump("greedy.json", {"count": COUNT, "prompts": prompts}, greedy)
    dump("logprobs.json", {"tokens": text}, logprobs)


main()
