"""What the time of an answer, and the count of cached tokens, tell one client about another."""
import bisect
import json
import math
import random
import statistics
import time

from cves_site import FULL, error_of
from wire import TEXT, post_bytes

# Standard errors an honest service may stray by chance: once in 1.7 million tests.
STRAY = 5
PROMPT_TOKENS_MIN = 128  # four blocks of the cache


def advantage(first, second):
    """The chance that a sample of the second is larger than one of the first: 0.5 when nothing tells them apart."""
    ordered = sorted(first)
    wins = sum(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value) for value in second)
    return wins / (2 * len(first) * len(second))


def stray_max(n, m):
    """Of `advantage` by chance (variance of the Mann-Whitney statistic)."""
    return STRAY * math.sqrt((n + m + 1) / (12 * n * m))


def prompt_of(number):
    """A few hundred tokens that no other number's prompt begins with."""
    words = random.Random(number)
    return f"{number:08x} " + " ".join(words.choice(("engine", "gateway", "audit", "bundle", "key", "model"))
                                      + str(words.randrange(100)) for _ in range(70))


def ask(site, key, prompt):
    """Seconds until the first token and how many tokens of the prompt were cached."""
    data = post_bytes(site.service, TEXT, site.body(prompt=prompt), key=key)
    with site.open() as wire:
        start = time.perf_counter()
        wire.send(data)
        answer = wire.answer()
        took = time.perf_counter() - start
    assert answer[0] == 200, answer
    usage = json.loads(answer[2])["usage"]
    assert usage["prompt_tokens"] >= PROMPT_TOKENS_MIN, usage
    return took, usage["prompt_tokens_details"]["cached_tokens"]


def prefix_cache(site):
    one, other = site.service.api_key, site.service.other_key
    own = []
    for number in range(8):
        prompt = prompt_of(number)
        assert ask(site, one, prompt)[1] == 0, "a prompt nobody has sent is cached"
        assert ask(site, other, prompt)[1] == 0, "one key's prompt is cached for another key"
        own.append(ask(site, one, prompt)[1])
        assert ask(site, other, prompt + " and")[1] > 0  # and now for the other too: its own
    assert min(own) > 0, "a key's own prompt is not cached, so this test shows nothing"
    seen = f"cached tokens: {own[0]} within a key, 0 across keys"
    return seen + (", " + cache_times(site, one, other) if FULL else "")


def cache_times(site, attacker, victim, samples=400):
    """The attacker asks for what the victim asked, what nobody asked and what it asked itself, in random order."""
    times = {"victim's": [], "new": [], "own": []}
    for number in range(1_000, 1_000 + samples):
        prompts = {name: prompt_of(number * 4 + i) for i, name in enumerate(times)}
        ask(site, victim, prompts["victim's"])
        ask(site, attacker, prompts["own"])
        for name in random.sample(list(times), len(times)):
            times[name].append(ask(site, attacker, prompts[name])[0])
    apart = advantage(times["victim's"], times["new"])
    assert abs(apart - 0.5) < stray_max(samples, samples), f"a victim's prompt is told from a new one: {apart:.3f}"
    control = advantage(times["own"], times["new"])
    assert control > 0.5 + stray_max(samples, samples), f"nothing is faster when cached ({control:.3f}): no proof"
    return (f"by time, P(new slower than victim's) {apart:.3f} and than own {control:.3f} over {samples}; "
            f"medians {statistics.median(times['new']) * 1e3:.2f} and {statistics.median(times['own']) * 1e3:.2f} ms")


def key_comparison(site):
    """Keys whose secret is wrong in its first digit, and in its last, and ids that do not exist."""
    key = site.service.api_key

    def changed(position):
        return key[:position] + ("0" if key[position] != "0" else "1") + key[position + 1:]
    secret = len(key) - 64
    tries = {"first digit": changed(secret), "last digit": changed(len(key) - 1), "unknown id": changed(5),
             "64 zeros": key[:secret] + "0" * 64}
    samples = 3000 if FULL else 400
    times = {name: [] for name in tries}
    for _ in range(samples):
        for name in random.sample(list(tries), len(tries)):
            data = site.head(2, key=tries[name]) + "{}"
            with site.open() as wire:
                start = time.perf_counter()
                wire.send(data)
                answer = wire.answer()
                times[name].append(time.perf_counter() - start)
            error_of(answer, 401, code="invalid_api_key")
    chances = {name: advantage(times["first digit"], times[name]) for name in tries if name != "first digit"}
    for name in ("last digit", "64 zeros"):
        assert abs(chances[name] - 0.5) < stray_max(samples, samples), f"{name} is told from the first: {chances}"
    microseconds = {name: statistics.median(values) * 1e6 for name, values in times.items()}
    return (f"P(slower than wrong in the first digit), {samples} each: "
            + ", ".join(f"{name} {chance:.3f}" for name, chance in chances.items())
            + f"; medians {', '.join(f'{value:.0f}' for value in microseconds.values())} us")
