#!/usr/bin/env python3
"""One key floods, another asks now and then: the second is served as if it were nearly alone, the first is told 429 with a
time to wait; and two keys that both want more than there is get like amounts of it."""
import collections
import http.client
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from service import Service  # noqa: E402

CHAT = "/v1/chat/completions"
SLOTS = 16
FLOOD_SECONDS = 6


class Asker(threading.Thread):
    """Asks again and again with one key until told to stop; notes what came."""

    def __init__(self, service, key, tokens, turns=None):
        super().__init__(daemon=True)
        self.service, self.key, self.tokens, self.turns = service, key, tokens, turns
        self.context = service.tls()
        self.stopping = False
        self.statuses = collections.Counter()
        self.waits = []
        self.made = 0
        self.took = []

    def run(self):
        turn = 0
        while not self.stopping and (self.turns is None or turn < self.turns):
            turn += 1
            began = time.monotonic()
            status, headers, made = self.ask(turn)
            self.statuses[status] += 1
            self.made += made
            if status == 200:
                self.took.append(time.monotonic() - began)
            if "retry-after" in headers:
                self.waits.append(int(headers["retry-after"]))
                time.sleep(0.02)  # a client that does not wait as it was told

    def ask(self, seed):
        connection = http.client.HTTPSConnection("127.0.0.1", self.service.port, timeout=60, context=self.context)
        try:
            body = {"model": "redoubt-demo", "messages": [{"role": "user", "content": "What is a bundle?"}],
                    "max_tokens": self.tokens, "ignore_eos": True, "seed": seed}
            connection.request("POST", CHAT, json.dumps(body), {"Authorization": f"Bearer {self.key}",
                                                                "Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, answer.get("usage", {}).get("completion_tokens", 0)
        finally:
            connection.close()


def run(askers, seconds=None, wait_for=None):
    for asker in askers:
        asker.start()
    if wait_for is not None:
        wait_for.join(120)
    else:
        time.sleep(seconds)
    for asker in askers:
        asker.stopping = True
    for asker in askers:
        asker.join(60)


def p95(values):
    return sorted(values)[int(0.95 * len(values))] if values else float("nan")


def main():
    checks = []

    def check(what, right, seen=""):
        checks.append(right)
        print(f"{'ok     ' if right else 'FAILED '} {what}: {seen}", flush=True)

    with Service(settings={"limits.requests_max": SLOTS, "engine.sequences_max": 8}) as service:
        created = service.run("api-keys", "create", "second", "--config", service.config)
        second_key = next(word for word in created.stdout.split() if word.startswith("rdk_"))
        service.run("reload", "--config", service.config, check=False)
        service.process.send_signal(1)
        time.sleep(0.5)

        alone = Asker(service, second_key, 40, turns=30)
        run([alone], wait_for=alone)
        flood = [Asker(service, service.api_key, 300) for _ in range(40)]
        polite = Asker(service, second_key, 40, turns=30)
        run(flood + [polite], wait_for=polite)
        refused = sum((f.statuses for f in flood), collections.Counter())
        waits = [wait for f in flood for wait in f.waits]
        check("the second key is always served", polite.statuses == {200: 30}, dict(polite.statuses))
        check("the flood is told to come later", refused[429] > 0 and set(refused) <= {200, 429, 503}, dict(refused))
        check("and when", waits and all(1 <= wait <= 60 for wait in waits), sorted(set(waits)))
        check("the second key waits little longer than alone", p95(polite.took) < 20 * p95(alone.took) + 0.5,
              f"p95 {p95(polite.took) * 1000:.0f} ms, alone {p95(alone.took) * 1000:.0f} ms")

        # Both want more than there is: seven places each are asked for, eight sequences run.
        first = [Asker(service, service.api_key, 300) for _ in range(7)]
        second = [Asker(service, second_key, 300) for _ in range(7)]
        run(first + second, seconds=FLOOD_SECONDS)
        made = [sum(a.made for a in group) for group in (first, second)]
        share = min(made) / max(made)
        check("two keys that want all get like amounts", share > 0.8, f"{made[0]} and {made[1]} tokens, ratio {share:.2f}")
        errors = sum((a.statuses for a in first + second), collections.Counter())
        check("and neither is refused", set(errors) == {200}, dict(errors))
    print(f"fairness: {sum(checks)} of {len(checks)} checks; beside a flood p95 {p95(polite.took) * 1000:.0f} ms "
          f"(alone {p95(alone.took) * 1000:.0f} ms), {refused[429]} times 429, token shares {share:.2f}")
    return 0 if all(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
