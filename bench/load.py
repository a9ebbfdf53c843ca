#!/usr/bin/env python3
"""Streams against a running service: time to first token, time between tokens, tokens per second.

    load.py [--streams 8] [--requests 4] [--tokens 64] [--json FILE]

Reads REDOUBT_URL, REDOUBT_CA, REDOUBT_API_KEY and REDOUBT_MODEL (tests/e2e/service.sh sets them). A closed loop: each
stream sends its next request when the last one has ended. Python's own time is in the figures; with a model as small as
the demo model it is most of them.
"""
import argparse
import http.client
import json
import os
import ssl
import statistics
import threading
import time
import urllib.parse


def one_request(tls, host, port, body):
    """Times of the first and of every later piece of text, from the sending of the request."""
    connection = http.client.HTTPSConnection(host, port, context=tls, timeout=600)
    started = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps(body), {
        "Authorization": "Bearer " + os.environ["REDOUBT_API_KEY"], "Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"status {response.status}: {response.read()[:300]}")
    arrivals = []
    tokens = 0
    for line in response:
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            if event.get("usage"):
                tokens = event["usage"]["completion_tokens"]
            elif event["choices"] and event["choices"][0].get("text"):
                arrivals.append(time.monotonic() - started)
    connection.close()
    return arrivals, tokens


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--requests", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--json")
    options = parser.parse_args()
    url = urllib.parse.urlsplit(os.environ["REDOUBT_URL"])
    tls = ssl.create_default_context(cafile=os.environ["REDOUBT_CA"])
    first, between, tokens, faults = [], [], [0], []
    lock = threading.Lock()

    def stream(index):
        for number in range(options.requests):
            body = {"model": os.environ["REDOUBT_MODEL"], "prompt": f"Stream {index}, request {number}: the appliance",
                    "max_tokens": options.tokens, "ignore_eos": True, "temperature": 1, "seed": index * 1000 + number,
                    "stream": True, "stream_options": {"include_usage": True}}
            try:
                arrivals, count = one_request(tls, url.hostname, url.port, body)
            except (OSError, RuntimeError, ValueError) as fault:
                with lock:
                    faults.append(str(fault))
                return
            with lock:
                tokens[0] += count
                first.extend(arrivals[:1])
                between.extend(b - a for a, b in zip(arrivals, arrivals[1:]))

    started = time.monotonic()
    threads = [threading.Thread(target=stream, args=(index,)) for index in range(options.streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    result = {"streams": options.streams, "requests": options.streams * options.requests, "faults": len(faults),
              "tokens_per_second": tokens[0] / seconds,
              "first_token_ms": {f"p{p}": 1000 * percentile(first, p / 100) for p in (50, 95, 99)},
              "between_tokens_ms": {f"p{p}": 1000 * percentile(between, p / 100) for p in (50, 95, 99)},
              "mean_between_ms": 1000 * statistics.fmean(between) if between else None}
    print(f"load: {result['requests']} requests on {options.streams} streams, {len(faults)} faults, "
          f"{result['tokens_per_second']:.0f} tokens/s")
    for name in ("first_token_ms", "between_tokens_ms"):
        print(f"  {name:<18}", "  ".join(f"{key} {value:8.2f}" for key, value in result[name].items()))
    for fault in faults[:5]:
        print("  fault:", fault)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
    return 1 if faults else 0


raise SystemExit(main())
