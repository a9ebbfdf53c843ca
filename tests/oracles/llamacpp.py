"""Asks llama.cpp, in a process of another Python: llama-cpp-python is no dependency of the tests."""
import json
import pathlib
import subprocess

ORACLES = pathlib.Path(__file__).resolve().parent


def ask(python, script, *arguments, tokens):
    """A line of numbers per line of token ids."""
    lines = "".join(" ".join(map(str, line)) + "\n" for line in tokens)
    output = subprocess.run([python, ORACLES / script, *map(str, arguments)], input=lines, text=True, check=True,
                            stdout=subprocess.PIPE).stdout
    return [[json.loads(word) for word in line.split()] for line in output.splitlines()]


def greedy(python, model, prompts, count):
    return ask(python, "llamacpp_greedy.py", model, "--count", count, tokens=prompts)


def logprobs(python, model, tokens):
    return ask(python, "llamacpp_logprobs.py", model, tokens=[tokens])[0]


def install():
    """The Python of an environment with llama-cpp-python; None where it cannot be had."""
    command = '. "$0/venv.sh"; oracle_venv llama-cpp "llama-cpp-python>=0.3.16" numpy gguf >&2 && echo "$ORACLE_VENV"'
    result = subprocess.run(["bash", "-c", command, ORACLES], text=True, stdout=subprocess.PIPE)
    return pathlib.Path(result.stdout.strip()) / "bin/python" if result.returncode == 0 else None
