#!/usr/bin/env python3
"""One request that kills engines, among others that do not: it is found, ended and not tried again, and the others go
on with exactly their tokens. For every way in which a forward pass can fail.

The engine is tests/e2e/faulty_redoubt's: a prompt with the tokens 7 7 7 7 x fails as x says.
"""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import roles  # noqa: E402
from kills import Client, Harness  # noqa: E402
from service import Service  # noqa: E402

FAULTS = {"null pointer": 8, "abort": 9, "sleeps for ever": 10, "exits with 0": 11, "spins for ever": 12}
INNOCENT = 6
TEXT = "/v1/completions"


def poison(which, **more):
    return TEXT, {"model": "redoubt-demo", "prompt": [20, 21, 22, 7, 7, 7, 7, which], "max_tokens": 50, "stream": True,
                  **more}


class Check:
    def __init__(self):
        self.passed = self.total = 0

    def __call__(self, what, right, seen=""):
        self.total += 1
        self.passed += bool(right)
        print(f"{'ok     ' if right else 'FAILED '} {what}{f': {seen}' if seen or not right else ''}", flush=True)


def engine_starts(service):
    return service.log.read_text(errors="replace").count("engine connected")


def try_fault(name, which, check):
    settings = {"supervisor.busy_timeout_ms": 2_000, "supervisor.restart_intensity": 100}
    with Service(settings=settings, binary="tests/e2e/faulty_redoubt") as service:
        harness = Harness(service, 1)
        harness.learn()
        clients = [Client(harness, i) for i in range(INNOCENT)]
        for client in clients:
            client.start()
        harness.clients = clients
        harness.wait_for_tokens(time.monotonic())
        starts = engine_starts(service)
        began = time.monotonic()
        answer = Client(harness, 0).ask(*poison(which))
        took = time.monotonic() - began
        deaths = engine_starts(service) - starts
        check(f"{name}: the request ends with a typed error", answer.errors == ["request_quarantined"], answer.errors)
        check(f"{name}: after at most three engines", deaths <= 3, f"{deaths} engines, {took:.1f} s")
        harness.wait_for_tokens(time.monotonic())
        before = engine_starts(service)
        status, _, body = service.request("POST", *poison(which, stream=False, seed=99))
        check(f"{name}: it is refused when it comes again", status == 422 and
              body["error"]["code"] == "request_quarantined", f"{status} {json.dumps(body)[:120]}")
        check(f"{name}: and no engine sees it", engine_starts(service) == before)
        # Nor does the next gateway forget.
        harness.kill("gateway", "SIGKILL")
        time.sleep(0.5)
        status, _, body = service.request("POST", *poison(which, stream=False))
        check(f"{name}: nor when another gateway serves", status == 422, str(status))
        harness.stop_clients()
        check(f"{name}: the others have exactly their answers", harness.counts["wrong answers"] == 0 and
              harness.counts["answers"] >= INNOCENT, dict(harness.counts))
        for wrong in harness.wrong:
            print(wrong)
        quarantined = next(r for r in [roles.status(service)]).get("quarantined")
        check(f"{name}: the operator is told", "quarantined" in service.log.read_text(errors="replace"), quarantined)


def main():
    check = Check()
    for name, which in FAULTS.items():
        try_fault(name, which, check)
    print(f"poison: {check.passed} of {check.total} checks, {len(FAULTS)} kinds of fault")
    return 0 if check.passed == check.total else 1


if __name__ == "__main__":
    sys.exit(main())
