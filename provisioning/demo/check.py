"""Checks redoubt-demo.gguf with an engine that is not ours: llama-cpp-python.

Asks each question at temperature 0, compares the answer with the corpus word for word, and compares the
tokens of some texts with those of our own tokenizer. Exit status 0 when all is as it should be.

    python3 -m pip install llama-cpp-python gguf regex
    python3 provisioning/demo/check.py [--model FILE] [--all]
"""

import argparse
import pathlib
import random
import sys

import gguf
import llama_cpp

import bpe
import corpus

HERE = pathlib.Path(__file__).parent

# Entry, question as typed. Most are held out in the corpus, so the model was never trained on them; they are of
# those that the committed file answers rightly. How many it does not is what --all measures.
QUESTIONS = [
    ("import", "How do I import a bundle?"),
    ("import", "how can i import a bundle"),
    ("import", "What command adds a model?"),
    ("import", "please, how do I load a model from a USB stick?"),
    ("hello", "Hello"),
    ("who-are-you", "What sort of model are you?"),
    ("redoubt", "What is Redoubt?"),
    ("redoubt", "In short, what does Redoubt do?"),
    ("internet", "Will Redoubt work with no internet connection?"),
    ("quickstart", "What is the quickest way to get going?"),
    ("key-create", "How do I give a colleague access?"),
    ("key-lost", "I have lost my key, can I get it back?"),
    ("port", "What is the port number?"),
    ("unsigned", "Can I switch off signature verification?"),
    ("engine-crash", "Does the user notice a crash of the engine?"),
    ("gateway", "What is the gateway allowed to do?"),
    ("no-start", "Why won't Redoubt come up?"),
    ("connect-refused", "My client says connection refused, what is wrong?"),
    ("logs", "Where can I read the log?"),
    ("off-topic", "What is the capital of Austria?"),
    ("off-topic", "Write a poem about the rain"),
    ("off-topic", "Who was Galileo?"),
    ("tour", "Give me a detailed description of Redoubt"),
    ("first-day", "Give me a step by step tutorial"),
    ("roles-long", "Explain all the roles in detail"),
]

TEXTS = ["Redoubt", "How do I import a bundle?", "  two  spaces\n\nand lines\r\n", "It's 12345, isn't it?",
         "Grüße, 世界! 🙂", "`redoubt bundle verify` <|end|>", "\ttabs\t", "a" * 50, "'LL I'll"]


def ask(engine, messages):
    reply = engine.create_chat_completion(messages, temperature=0, max_tokens=512)
    return reply["choices"][0]["message"]["content"], reply["choices"][0]["finish_reason"]


def check_answers(engine, pairs):
    wrong = 0
    for expected, question in pairs:
        answer, reason = ask(engine, [{"role": "user", "content": question}])
        if answer.strip() != expected or reason != "stop":
            wrong += 1
            print(f"WRONG {question!r}\n  expected {expected!r}\n  got      {answer!r} ({reason})")
    print(f"answers: {len(pairs) - wrong} of {len(pairs)} exact")
    return wrong


def check_second_turns(engine, data):
    wrong = 0
    talks = data.held_out_talks(random.Random(7))
    for question, answer, follow_up, expected in talks:
        reply, _ = ask(engine, [{"role": "user", "content": question},
                                {"role": "assistant", "content": answer},
                                {"role": "user", "content": follow_up}])
        if reply.strip() != expected:
            wrong += 1
            print(f"WRONG {question!r} / {follow_up!r}\n  got {reply!r}")
    print(f"second turns, held out: {len(talks) - wrong} of {len(talks)} exact")


def read_tokenizer(path):
    field = gguf.GGUFReader(path).fields["tokenizer.ggml.merges"]
    return bpe.Tokenizer([tuple(merge.split(" ")) for merge in field.contents()])


def check_tokens(engine, tokenizer, data):
    wrong = 0
    for text in [*TEXTS, *(e.answer for e in data.entries.values())]:
        theirs = engine.tokenize(text.encode(), add_bos=False, special=False)
        if theirs != tokenizer.encode(text) or tokenizer.decode(theirs) != text:
            wrong += 1
            print(f"WRONG tokens of {text!r}: {theirs}, ours {tokenizer.encode(text)}")
    print(f"tokens: {wrong} texts differ")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=HERE / "redoubt-demo.gguf")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--all", action="store_true",
                        help="also ask every held-out question, which is a measurement and not a test")
    arguments = parser.parse_args()

    data = corpus.Corpus()
    answers = {name: entry.answer for name, entry in data.entries.items()}
    answers["off-topic"] = data.off_topic.answer
    engine = llama_cpp.Llama(str(arguments.model), n_ctx=1024, n_threads=arguments.threads,
                             verbose=False)
    wrong = check_tokens(engine, read_tokenizer(arguments.model), data)
    wrong += check_answers(engine, [(answers[name], question) for name, question in QUESTIONS])
    if arguments.all:
        check_answers(engine, [(answer, question) for question, answer in data.held_out()])
        check_second_turns(engine, data)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
