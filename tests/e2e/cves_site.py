"""What every test of the suite cves shares: the service under attack, and what must be as before after each attack.

A test is a function of a Site that returns what was seen, registered as @cve("CVE-…", "what the attack does"). It raises
AssertionError where the service does not refuse as it should.
"""
import json
import os
import time

import roles
import wire

FULL = os.environ.get("FULL") == "1"
SANITIZED = os.environ.get("SANITIZED") == "1"
# Of the attacks that made somebody's memory grow.
REPETITIONS = 1000 if FULL else 200
# What a process may keep after REPETITIONS of an attack: a leak of 4 KiB a time shows at the large count, one of 20 KiB at
# the small one. The address sanitizer holds on to what was freed.
GROWTH_KB_MAX = 4_096 if not SANITIZED else 131_072
ERROR_TYPES = ("invalid_request_error", "server_error", "rate_limit_error")

TESTS = []


def cve(name, what):
    def register(function):
        TESTS.append((name, what, function))
        return function
    return register


class Site:
    def __init__(self, service):
        self.service = service
        self.context = wire.new_context(service)
        self.pids = roles.pids(service)
        self.right_answer = self.chat()

    def chat(self):
        """A normal question; its tokens with their log-probabilities, which no attack may change."""
        status, _, answer = self.service.request("POST", wire.CHAT, {
            "model": self.service.name, "messages": [{"role": "user", "content": "What is Redoubt?"}], "temperature": 0,
            "max_tokens": 12, "logprobs": True})
        assert status == 200, (status, answer)
        return [(token["token"], token["logprob"]) for token in answer["choices"][0]["logprobs"]["content"]]

    def check_unharmed(self):
        assert self.chat() == self.right_answer, "the next good request is answered otherwise"
        pids = roles.pids(self.service)
        assert pids == self.pids, f"a role was restarted: {self.pids} became {pids}"

    # ---- sending ----------------------------------------------------------------------------------------

    def open(self, **options):
        return wire.Wire(self.service, self.context, **options)

    def head(self, length=None, **options):
        return wire.head(self.service, length, **options)

    def exchange(self, data):
        return wire.exchange(self.service, self.context, data)

    def post(self, path, body, **options):
        return self.exchange(wire.post_bytes(self.service, path, body, **options))

    def body(self, path=wire.TEXT, **members):
        """A good request of one token, with these members more."""
        prompt = {"prompt": "hello"} if path == wire.TEXT else {"messages": [{"role": "user", "content": "hello"}]}
        return {"model": self.service.name, "max_tokens": 1, **prompt, **members}

    # ---- judging ----------------------------------------------------------------------------------------

    def flat(self, attack, repetitions=REPETITIONS, body_bytes=0):
        """Repeats the attack; neither gateway nor engine may have grown. Says by how much. A buffer of a body of body_bytes,
        and its last doubling, may or may not be with the allocator at the two moments of looking."""
        for _ in range(max(repetitions // 5, 20)):  # until each worker's and each table's pages have been touched
            attack()
        before = {role: roles.resident_kb(self.pids[role]) for role in ("gateway", "engine")}
        for _ in range(repetitions):
            attack()
        grown = {role: roles.resident_kb(self.pids[role]) - kb for role, kb in before.items()}
        allowed = GROWTH_KB_MAX + body_bytes * 2 // 1024
        assert max(grown.values()) <= allowed, f"after {repetitions} times resident memory grew by {grown} kB"
        return f"{repetitions} times: gateway {grown['gateway']:+} kB, engine {grown['engine']:+} kB"


def error_of(answer, status, param=None, code=None, type_=None):
    """The error object of an answer that must be this refusal."""
    assert answer is not None, "the connection ended without an answer"
    got, headers, body = answer
    assert got == status, f"status {got}, not {status}: {body[:300]!r}"
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"], error
    assert error["type"] in ((type_,) if type_ else ERROR_TYPES), error
    assert error["param"] == param, f"param {error['param']!r}, not {param!r}: {error['message']}"
    if code is not None:
        assert error["code"] == code, error
    assert dict(headers).get("x-request-id", "").startswith("req-"), headers
    return error


def seconds(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start
