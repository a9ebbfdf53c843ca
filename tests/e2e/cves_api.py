"""Holes of other inference servers that a request could reach, tried on the appliance's API."""
import itertools
import json
import random
import re
import socket
import threading

import cves_timing
from cves_site import FULL, REPETITIONS, cve, error_of, seconds
from gguf_file import control_tokens
from service import DEMO_MODEL
from wire import CHAT, TEXT

ENDPOINTS = (CHAT, TEXT)
QUICK_SECONDS = 2  # for a refusal that must cost nothing; the machine may be busy


def quick(send):
    """The answer of `send`, which must not take long."""
    answers = []
    took = seconds(lambda: answers.append(send()))
    assert took < QUICK_SECONDS, f"took {took:.1f} s"
    return answers[0]


@cve("PYSEC-2026-2013, CVE-2026-115911, CVE-2026-115918", "a client's chat template, on every endpoint")
def _(site):
    endless = "{% for i in range(10**9) %}{% for j in range(10**9) %}a{% endfor %}{% endfor %}"
    members = [{"chat_template": endless}, {"chat_template": "{{ 'a' * 10**9 }}"},
               {"chat_template_kwargs": {"a": endless}}, {"chat_template_kwargs": {"enable_thinking": False}}]
    for path, member in itertools.product(ENDPOINTS, members):
        error_of(quick(lambda path=path, member=member: site.post(path, site.body(path, **member))), 400,
                 param=next(iter(member)), code="unsupported_parameter")
    return f"400 on {len(ENDPOINTS)} endpoints, the parameter named"


# What others call their internals, and what we call ours.
INTERNALS = ("tokenize", "conversation", "tools_in_user_message", "prompt_embeds", "mm_processor_kwargs",
             "add_special_tokens", "kv_transfer_params", "vllm_xargs", "logits_processors", "include_reasoning",
             "detokenize", "bos_token", "eos_token", "messages_", "tenant", "kind", "choices", "tokens_max",
             "tokens_min", "ignore_end_tokens", "include_stop_text", "body_bytes", "prompt_tokens", "key_id",
             "connection", "continuous_usage_stats", "__proto__", "constructor", "n_discard", "n_keep", "id_slot",
             "cache_prompt", "slot_id", "dynatemp_range", "samplers")


@cve("GHSA-69j4-grxj-j64p", "request members that are internal parameters")
def _(site):
    for path, name in itertools.product(ENDPOINTS, INTERNALS):
        error_of(site.post(path, site.body(path, **{name: True})), 400, param=name, code="unknown_parameter")
    return f"{len(INTERNALS)} names on {len(ENDPOINTS)} endpoints: 400, the name told"


@cve("CVE-2026-73559", "prompt lists and counts without bound")
def _(site):
    million = json.dumps(site.body()).replace('"hello"', "[" + '"",' * 999_999 + '""]').encode()
    error_of(quick(lambda: site.post(TEXT, million)), 400, code="invalid_json")
    error_of(site.post(TEXT, site.body(prompt=["a"] * 100_000)), 400, param="prompt", code="invalid_value")
    for name, value in itertools.product(("n", "best_of"), (10**9, 2**31, 2**32, 2**63, 2**64, 10**30)):
        error_of(quick(lambda name=name, value=value: site.post(TEXT, site.body(**{name: value}))), 400, param=name)
    status, _, body = site.post(TEXT, site.body(prompt=["a"] * 16, n=16))
    assert status == 200 and len(json.loads(body)["choices"]) == 256, (status, body[:200])
    flat = site.flat(lambda: site.post(TEXT, million), 20 if not FULL else 200, len(million))
    return f"400 for a million prompts and for n=1e9; {flat}"


@cve("CVE-2026-44222", "control tokens written as text")
def _(site):
    own = control_tokens(DEMO_MODEL)
    others = ["<|image_pad|>", "<|vision_start|>", "<image>", "<|im_start|>", "<|endoftext|>", "[INST]", "<s>", "</s>",
              "<audio>", "<|placeholder|>", "<start_of_turn>", "<pad>", "<unk>", "<tool_call>"]

    def prompt_tokens(text, path=CHAT):
        member = {"messages": [{"role": "user", "content": text}]} if path == CHAT else {"prompt": text}
        status, _, body = site.post(path, site.body(path, **member))
        assert status == 200, (text, status, body)
        return json.loads(body)["usage"]["prompt_tokens"]
    nothing = prompt_tokens("a") - 1
    for text in own:
        taken = prompt_tokens(text) - nothing
        assert taken > 1, f"{text} in a message is the control token itself"
    for text in own + others:
        prompt_tokens(text * 20)
        prompt_tokens(text * 20, TEXT)
        as_role = site.body(CHAT, messages=[{"role": text, "content": "a"}])
        error_of(site.post(CHAT, as_role), 400, param="messages[0].role")
    return f"{len(own)} of the model's own are spelt out as text, {len(others)} foreign ones harm nothing"


SAMPLING = {
    "temperature": (0, 1e-6, 2), "top_p": (1e-6, 1), "top_k": (-1, 1, 2**31 - 1), "min_p": (0, 1),
    "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2), "repetition_penalty": (0.01, 2),
    "logit_bias": ({}, {"5": 100}, {"5": -100}), "n": (1, 3), "seed": (-2**63, 2**63 - 1), "min_tokens": (0, 3),
    "ignore_eos": (False, True), "stop": ([], ["e"]), "stop_token_ids": ([], [1, 5]), "stream": (False, True),
    "include_stop_str_in_output": (False, True), "logprobs": (None, 5), "echo": (False, True)}


def pairwise(table, seed):
    """Few rows in which every pair of values of two parameters occurs (greedy, after Cohen et al., AETG 1997)."""
    generator = random.Random(seed)
    names = list(table)
    missing = {(a, i, b, j) for a, b in itertools.combinations(names, 2)
               for i in range(len(table[a])) for j in range(len(table[b]))}
    while missing:
        candidates = []
        for _ in range(12):
            row = {name: generator.randrange(len(table[name])) for name in names}
            a, i, b, j = generator.choice(sorted(missing))
            row[a], row[b] = i, j
            covers = {(a, row[a], b, row[b]) for a, b in itertools.combinations(names, 2)}
            candidates.append((len(missing & covers), row, covers))
        _, row, covers = max(candidates, key=lambda candidate: candidate[0])
        missing -= covers
        yield {name: table[name][index] for name, index in row.items()}


@cve("CVE-2026-44223", "every pair of sampling parameters at its ends")
def _(site):
    rows = list(pairwise(SAMPLING, 1))
    failures = []

    def work(mine):
        for row in mine:
            status, _, body = site.post(TEXT, site.body(**{**row, "max_tokens": 6}))
            if status != 200 or b'"finish_reason":"error"' in body or b'"error":{' in body:
                failures.append((row, status, body[:300]))
    threads = [threading.Thread(target=work, args=(rows[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    return f"{len(rows)} combinations, eight at a time, all answered"


@cve("CVE-2026-105756", "random bytes in every string member")
def _(site):
    generator = random.Random(7)
    alphabet = [chr(c) for c in range(1, 0x180)] + ["\u2028", "\ufeff", "\U0001f600", "\uffff", "\u202e", "\0", "\ud7ff"]
    members = {
        CHAT: (("model",), ("user",), ("stop",), ("messages", 0, "content"), ("messages", 0, "role"),
               ("messages", 0, "name"), ("logit_bias",), ("response_format",), ("stream_options",)),
        TEXT: (("model",), ("prompt",), ("stop",), ("user",), ("suffix",), ("prompt", 0))}
    counts = {}
    for path, fields in members.items():
        for field, _ in itertools.product(fields, range(100 if FULL else 12)):
            text = "".join(generator.choices(alphabet, k=generator.choice((1, 3, 40, 300))))
            body = site.body(path)
            place = body
            for step in field[:-1]:
                if step == "prompt":
                    place[step] = ["hello"]
                place = place[step]
            place[field[-1]] = text
            raw = json.dumps(body, ensure_ascii=generator.random() < 0.5).encode(errors="surrogatepass")
            if generator.random() < 0.2:  # and bytes that are no text at all
                at = generator.randrange(len(raw))
                raw = raw[:at] + bytes(generator.choices(range(256), k=3)) + raw[at:]
            status, _, answer = site.post(path, raw)
            json.loads(answer)
            assert status in (200, 400, 404), (status, answer[:300])
            counts[status] = counts.get(status, 0) + 1
    return ", ".join(f"{count} answered {status}" for status, count in sorted(counts.items()))


@cve("CVE-2026-116176", "request ids that are addresses")
def _(site):
    with Canary() as canary:
        for value in (f"127.0.0.1:{canary.port}", f"http://127.0.0.1:{canary.port}/a", "a" * 4_000, "../../etc/passwd",
                      f"cmpl-___prefill_addr_127.0.0.1:{canary.port}___decode_addr_127.0.0.1:{canary.port}_0", "{}",
                      "%n%s"):
            raw = json.dumps(site.body())
            status, headers, body = site.exchange(site.head(len(raw), extra=f"X-Request-Id: {value}\r\n") + raw)
            assert status == 200 and value not in body.decode()
            assert re.fullmatch(r"req-[0-9a-f]+", dict(headers)["x-request-id"]), headers
        error_of(site.post(TEXT, site.body(request_id=f"127.0.0.1:{canary.port}")), 400, param="request_id")
        assert canary.silent()
    return "each request has an id of ours; nobody was called"


@cve("CVE-2024-6095, CVE-2026-59707, CVE-2026-114493, CVE-2026-33626, CVE-2026-63764", "addresses to fetch")
def _(site):
    with Canary() as canary:
        for url in (f"http://127.0.0.1:{canary.port}/a.png", f"https://127.0.0.1:{canary.port}/", "file:///etc/passwd",
                    "data:image/png;base64,aGVsbG8=", f"gopher://127.0.0.1:{canary.port}/", "//127.0.0.1/"):
            for kind, value in (("image_url", {"url": url}), ("video_url", {"url": url}), ("audio_url", {"url": url}),
                                ("input_image", url), ("file", {"file_id": url})):
                parts = [{"type": "text", "text": "a"}, {"type": kind, kind: value}]
                error_of(site.post(CHAT, site.body(CHAT, messages=[{"role": "user", "content": parts}])), 400,
                         param="messages[0].content[1].type", code="unsupported_value")
            error_of(site.post(CHAT, site.body(CHAT, model=url)), 404, param="model", code="model_not_found")
        assert canary.silent()
    return "400, the part named; as a model's name 404; nobody was called"


NAMES = ("../../../etc/passwd", "..%2f..%2fetc", "/etc/passwd", "a\0b", "\u202egguf", "a" * 65_536, "model;id", "$(id)",
         "`id`", "%n%n%n", "C:\\a", "a\nb", "..", "\U0001f600", "file:///etc/passwd", "redoubt-demo\0", "REDOUBT-DEMO")


@cve("CVE-2025-23316, CVE-2023-31036", "model names that are paths or commands")
def _(site):
    for path, name in itertools.product(ENDPOINTS, NAMES):
        error_of(site.post(path, site.body(path, model=name)), 404, param="model", code="model_not_found")
    for name in ("..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "redoubt-demo%00", "%c0%af", "a;id", "$(id)"):
        param = None if "%00" in name or "%c0" in name else "model"  # what is no text is no name either
        error_of(site.exchange(site.head(method="GET", path="/v1/models/" + name)), 404, param=param)
    return f"{len(NAMES)} names on {len(ENDPOINTS)} endpoints and 7 in the path: 404"


@cve("CVE-2025-23327, CVE-2026-21869", "every integer at the ends of every width")
def _(site):
    edges = sorted({sign * (1 << bits) + d for bits in (7, 8, 15, 16, 31, 32, 53, 63, 64, 127) for sign in (1, -1)
                    for d in (-1, 0, 1)})
    known = {CHAT: ("n", "max_tokens", "max_completion_tokens", "min_tokens", "top_k", "seed", "top_logprobs", "best_of"),
             TEXT: ("n", "max_tokens", "min_tokens", "top_k", "seed", "logprobs", "best_of")}
    answered, refused = 0, 0
    for path, names in known.items():
        for name, value in itertools.product(names, edges if FULL else edges[::2]):
            extra = {"ignore_eos": False, name: value}
            if name == "top_logprobs":
                extra["logprobs"] = True
            status, headers, body = site.post(path, {**site.body(path), "stop": ["e", "a", "i", "o"], **extra})
            if status == 200:
                answered += 1
            else:
                param = json.loads(body)["error"]["param"]
                assert param == name or {param, name} == {"max_tokens", "max_completion_tokens"}, (name, value, body)
                error_of((status, headers, body), 400, param=param)
                refused += 1
    for length in ("18446744073709551615", "9223372036854775808", "999999999999999999", "4294967296", "2147483648"):
        status, *_ = site.exchange(site.head(length) + "{}")
        assert status in (400, 413), (length, status)
    for name in ("n_discard", "n_keep", "n_predict", "n_probs"):
        error_of(site.post(TEXT, site.body(**{name: -1})), 400, param=name, code="unknown_parameter")
    return f"{refused} refused by name, {answered} in range and answered"


SECRETS = re.compile(r"/proc|/dev/shm|/tmp|/var|/home|/usr|shm|memfd|0x[0-9a-f]{4}|\b[0-9a-f]{12,}\b|pid|thread|errno|\.cc|"
                     r"std::|nullptr|socket|gguf|redoubt-(gateway|engine)|rdk_", re.I)


@cve("CVE-2025-23319, CVE-2025-23320, CVE-2025-23334, CVE-2026-22778", "what errors tell about the inside")
def _(site):
    huge = json.dumps(site.body()).encode().ljust(5 << 20)
    answers = [site.post(TEXT, huge), site.post(TEXT, site.body(prompt="a " * 200_000)), site.post(TEXT, b"\xff" * 100),
               site.post(TEXT, site.body(prompt=[2**31])), site.post(TEXT, site.body(prompt=[[1], "a"])),
               site.post(TEXT, site.body(logit_bias={"999999999": 1})), site.post(TEXT, site.body(max_tokens=-1)),
               site.post(CHAT, site.body(CHAT, messages=[{"role": "tool", "content": "a"}])),
               site.post(CHAT, site.body(CHAT, messages=[{"role": "user", "content": [{"type": "image", "image": "A"}]}])),
               site.post(CHAT, site.body(CHAT, messages=[{"role": "user", "content": "word " * 100_000}])),
               site.exchange(site.head(1 << 40)), site.exchange(site.head(method="GET", path="/proc/self/maps")),
               site.exchange(site.head(2, key="rdk_" + "0" * 12) + "{}")]
    for status, _, body in answers:
        assert 400 <= status < 500, (status, body[:300])
        message = json.loads(body)["error"]["message"]
        assert not SECRETS.search(message) and len(message) < 400, message
    return f"{len(answers)} errors, no path, address, name of memory or process in any"


@cve("CVE-2026-105754", "caller-chosen cache identities across keys")
def _(site):
    for path, name in itertools.product(ENDPOINTS, ("cache_salt", "prompt_cache_key", "prompt_cache_retention")):
        error_of(site.post(path, site.body(path, **{name: "aaaa"})), 400, param=name, code="unsupported_parameter")
    for path, name in itertools.product(ENDPOINTS, ("block_hashes", "mm_hash", "cache_hash", "prefix_id", "session_id")):
        error_of(site.post(path, site.body(path, **{name: "aaaa"})), 400, param=name, code="unknown_parameter")
    return "400, the parameter named; who shares what: CVE-2025-46570"


@cve("CVE-2025-46570", "another key's prompts seen in the prefix cache")
def _(site):
    return cves_timing.prefix_cache(site)


@cve("CVE-2025-59425, CVE-2024-7010", "API keys guessed by the time of the comparison")
def _(site):
    return cves_timing.key_comparison(site)


@cve("CVE-2025-29770, GHSA-hf3c", "schemas and grammars that fill caches, in memory and on disk")
def _(site):
    def disk_bytes():
        return sum(file.stat().st_size for file in site.service.directory.rglob("*")
                   if file.is_file() and file != site.service.log and "audit" not in file.parts)
    counter = itertools.count()

    def attack():
        schema = {"type": "object", "properties": {f"p{next(counter)}": {"type": "string"}}}
        error_of(site.post(CHAT, site.body(CHAT, response_format={"type": "json_schema", "json_schema": {
            "name": "a", "schema": schema}})), 400, param="response_format", code="unsupported_value")
    before = disk_bytes()
    flat = site.flat(attack, REPETITIONS)
    assert disk_bytes() == before, "files grew"
    return f"400, not a byte on disk but records of refusals, which are bounded; {flat}"


class Canary:
    """Listens where nobody has anything to ask."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.3)
        self.port = self.socket.getsockname()[1]

    def silent(self):
        try:
            self.socket.accept()[0].close()
        except TimeoutError:
            return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
