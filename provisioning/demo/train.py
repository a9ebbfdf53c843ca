"""Trains the demo model from the corpus folder and writes redoubt-demo.gguf.

The loss counts the answers; questions count a little, which helps the model to read. Everything is drawn
from one seed, so the same machine with the same library versions writes the same file.
"""

import argparse
import hashlib
import math
import os
import pathlib
import random
import time

# Threads that wait without spinning: on a machine that does other work, spinning costs most of the time.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from torch.nn import functional as F

import bpe
import corpus
import export
import model

HERE = pathlib.Path(__file__).parent
QUESTION_WEIGHT = 0.05
IGNORED = -1


def encode(messages, tokenizer):
    """Ids of a conversation and the weight with which each is to be predicted."""
    ids, weights = [bpe.BEGIN], [0.0]
    for role, text in messages:
        body = [*tokenizer.encode(text), bpe.END]
        if role == "text":
            ids += body
            weights += [1.0] * len(body)
            continue
        ids += [{"system": bpe.SYSTEM, "user": bpe.USER, "assistant": bpe.ASSISTANT}[role], *body]
        weights += [0.0] + [1.0 if role == "assistant" else QUESTION_WEIGHT] * len(body)
    return ids, weights


def beginning(sample, pick):
    """Cuts most samples a few words into the last answer.

    Which answer to give is decided there, and is the hard part; reciting the rest is easily learnt from
    the samples that stay whole. Short samples let many more questions into a batch.
    """
    ids, weights = sample
    if bpe.ASSISTANT not in ids or pick.random() < 0.35:
        return sample
    answer = len(ids) - ids[::-1].index(bpe.ASSISTANT)
    end = min(len(ids), answer + pick.randint(4, 14))
    return ids[:end], weights[:end]


def batches(data, tokenizer, shape, batch_tokens, pick):
    """Yields (ids, targets, weights) without end; a batch holds conversations of like length."""
    while True:
        pool = sorted((beginning(encode(data.conversation(pick), tokenizer), pick)
                       for _ in range(2048)), key=lambda sample: len(sample[0]))
        groups, group = [], []
        for sample in (s for s in pool if len(s[0]) <= shape.context):
            if group and (len(group) + 1) * len(sample[0]) > batch_tokens:
                groups.append(group)
                group = []
            group.append(sample)
        groups.append(group)
        pick.shuffle(groups)
        for group in groups:
            yield pad(group)


def pad(group):
    length = max(len(ids) for ids, _ in group) - 1
    ids = torch.zeros(len(group), length, dtype=torch.long)
    targets = torch.zeros(len(group), length, dtype=torch.long)
    weights = torch.zeros(len(group), length)
    for row, (sample, sample_weights) in enumerate(group):
        n = len(sample) - 1
        ids[row, :n] = torch.tensor(sample[:-1])
        targets[row, :n] = torch.tensor(sample[1:])
        weights[row, :n] = torch.tensor(sample_weights[1:])
    return ids, targets, weights


def learning_rate(step, steps, peak, warmup=200, floor=0.01):
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def train_loss(decoder, batch):
    ids, targets, weights = batch
    hidden = decoder(ids)
    counted = weights > 0
    logits = decoder.logits(hidden[counted]).float()
    losses = F.cross_entropy(logits, targets[counted], reduction="none")
    return (losses * weights[counted]).sum() / weights[counted].sum()


@torch.no_grad()
def measure(decoder, tokenizer, conversations):
    """How the model does on the last answer of each conversation, decoded greedily.

    An answer counts only if every token of it is right. Feeding the right answer and comparing the
    likeliest token at each position decides that in one pass: the first wrong token would be the first
    to differ. `margin` is the smallest lead, in natural-log units, of a right token over the runner-up.
    """
    decoder.eval()
    right, losses, margins, wrong = 0, [], [], []
    for messages in conversations:
        ids, _ = encode(messages, tokenizer)
        answer = len(tokenizer.encode(messages[-1][1])) + 1
        logits = decoder.logits(decoder(torch.tensor([ids[:-1]])))[0, -answer:].float()
        targets = torch.tensor(ids[-answer:])
        losses.append(F.cross_entropy(logits, targets).item())
        if torch.equal(logits.argmax(-1), targets):
            right += 1
            top = logits.topk(2).values
            margins.append((top[:, 0] - top[:, 1]).min().item())
        else:
            wrong.append(messages[-2][1])
    decoder.train()
    margins.sort()
    return {"right": right, "of": len(conversations), "loss": sum(losses) / len(losses),
            "margin_min": margins[0] if margins else 0.0,
            "margin_median": margins[len(margins) // 2] if margins else 0.0, "wrong": wrong}


def held_out_sets(data):
    pick = random.Random(7)
    single = [[("user", q), ("assistant", a)] for q, a in data.held_out()]
    second = [[("user", q), ("assistant", a), ("user", f), ("assistant", b)]
              for q, a, f, b in data.held_out_talks(pick)]
    taught = [[("user", q), ("assistant", a)] for q, a in pick.sample(data.taught(), 300)]
    long = [[("user", e.questions[0]), ("assistant", e.answer)] for e in data.long]
    return {"held-out questions": single, "held-out second turns": second,
            "taught questions": taught, "long answers": long}


def report(decoder, tokenizer, data, show_wrong):
    for name, conversations in held_out_sets(data).items():
        m = measure(decoder, tokenizer, conversations)
        print(f"  {name}: {m['right']}/{m['of']} = {m['right'] / m['of']:.1%} exact,"
              f" loss {m['loss']:.4f}, smallest lead {m['margin_min']:.2f}"
              f" (median of answers {m['margin_median']:.2f})", flush=True)
        for question in m["wrong"] if show_wrong else []:
            print(f"    wrong: {question}")


def round_to_half(decoder):
    """Gives the matrices the values that the F16 file will hold."""
    with torch.no_grad():
        for parameter in decoder.parameters():
            if parameter.dim() == 2:
                parameter.copy_(parameter.half().float())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "redoubt-demo.gguf")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--peak-rate", type=float, default=1.5e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes-max", type=float, default=None,
                        help="let the schedule end by the clock; the result is then not repeatable")
    parser.add_argument("--precision", choices=["bf16", "f32"], default="bf16",
                        help="of the matrix products in training")
    parser.add_argument("--quant", choices=["f16", "q8_0"], default="f16")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False

    data = corpus.Corpus()
    shape = model.Shape()
    merges = shape.vocab - len(bpe.CONTROL) - 256
    tokenizer = bpe.Tokenizer(bpe.learn_merges(data.texts(), merges))
    decoder = model.Decoder(shape, arguments.dropout)
    matrices = [p for p in decoder.parameters() if p.dim() == 2]
    vectors = [p for p in decoder.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1},
                                   {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.98))
    parameters = sum(p.numel() for p in decoder.parameters())
    print(f"{len(data.entries)} answers, {len(data.taught())} questions,"
          f" {len(data.held_out())} held out, {parameters:,} parameters", flush=True)

    started = time.monotonic()
    feed = batches(data, tokenizer, shape, arguments.batch_tokens, random.Random(arguments.seed))
    running, step = None, 0
    while step < arguments.steps:
        position = step
        if arguments.minutes_max is not None:
            spent = (time.monotonic() - started) / (60 * arguments.minutes_max)
            if spent >= 1:
                break
            position = max(min(step, 200), int(spent * arguments.steps))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(position, arguments.steps, arguments.peak_rate)
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            loss = train_loss(decoder, next(feed))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimizer.step()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        step += 1
        if step % 100 == 0:
            print(f"step {step}: loss {running:.4f},"
                  f" {(time.monotonic() - started) / 60:.1f} min", flush=True)
        if step % 600 == 0 and step < arguments.steps:
            report(decoder, tokenizer, data, show_wrong=False)

    print(f"trained {step} steps in {(time.monotonic() - started) / 60:.1f} minutes,"
          f" loss {running:.4f}")
    if arguments.quant == "f16":
        round_to_half(decoder)
    report(decoder, tokenizer, data, show_wrong=True)
    temporary = arguments.out.with_suffix(".part")
    export.write(temporary, decoder, tokenizer, arguments.quant)
    temporary.replace(arguments.out)
    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    print(f"{arguments.out.name}: {arguments.out.stat().st_size:,} bytes, sha256 {digest}")


if __name__ == "__main__":
    main()
