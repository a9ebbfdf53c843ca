#!/usr/bin/env python3
"""A soak under the filter, watched from outside: which rules were used how often, and which never.

usage: sandbox_soak.py BUILD SECONDS

strace follows every thread of the locked-down roles while clients of every kind keep them busy. A role that ends, or a
call that no rule allows or refuses, fails the soak; rules never used are printed: they are candidates for removal,
which sandbox_removal.py then decides.
"""
import collections
import re
import shutil
import subprocess
import sys
import threading
import time

import roles
import sandbox_site

CALL = re.compile(r"^(?:\[pid +\d+\] )?(\w+)\(([^)<]*)")
NUMBER = re.compile(r"-?(?:0x[0-9a-f]+|\d+)")
ENOUGH_CALLS = 1000  # of a role that was at work


class Watch:
    """Counts the uses of each rule of one role, as its threads make them."""

    def __init__(self, pid, rules):
        self.rules = collections.defaultdict(list)
        for rule in rules:
            self.rules[rule["name"]].append(rule)
        self.used = collections.Counter()
        self.calls = 0
        self.unknown = []
        self.strace = subprocess.Popen(["strace", "-f", "-qq", "-e", "signal=none", "-e", "raw=all", "-p", str(pid)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.strace.stderr:
            call = CALL.match(line)
            if call:
                self._count(call.group(1), call.group(2))

    def _count(self, name, text):
        self.calls += 1
        arguments = [int(word, 0) & 0xFFFFFFFFFFFFFFFF for word in NUMBER.findall(text)]
        arguments += [0] * (6 - len(arguments))
        for rule in self.rules[name]:
            if sandbox_site.holds(rule, arguments):
                self.used[(name, rule["why"])] += 1
                return
        self.unknown.append(f"{name}({text})")

    def end(self):
        self.strace.terminate()
        self.strace.wait()
        self.reader.join()


def keep_busy(site, seconds):
    context = site.tls()
    deadline = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < deadline:
        sandbox_site.ask(site, context)
        sandbox_site.quietly(lambda: site.process.send_signal(sandbox_site.signal.SIGHUP))
        rounds += 1
    return rounds


def report(name, watch, rules):
    allowed = [rule for rule in rules if rule["allow"]]
    used = [rule for rule in allowed if watch.used[(rule["name"], rule["why"])]]
    print(f"{name}: {watch.calls} calls, {len(used)} of {len(allowed)} rules used; never used:")
    for rule in allowed:
        if rule not in used:
            print(f"    {rule['name']:16} {rule['why']}")
    refused = [rule["name"] for rule in rules if not rule["allow"] and watch.used[(rule["name"], rule["why"])]]
    print(f"    refused and done without: {', '.join(refused) or 'nothing'}")
    return len(used), len(allowed)


def main(build, seconds):
    if shutil.which("strace") is None:
        print("soak: skipped: strace is not installed")
        return 77
    rules = sandbox_site.rules(build)
    site = sandbox_site.Site(build)
    failed = []
    try:
        site.launch()
        if not site.wait_until_ready(30):
            sys.exit(f"the service does not start:\n{site.log.read_text()[-2000:]}")
        pids = roles.pids(site)
        watches = {name: Watch(pids[name], rules[name]["2"]) for name in ("gateway", "engine")}
        time.sleep(0.5)
        rounds = keep_busy(site, seconds)
        failed += [f"the {name} was started anew" for name in watches if roles.pids(site)[name] != pids[name]]
        for watch in watches.values():
            watch.end()
        site.stop()
        failed += [f"the {name} was killed" for name in watches if site.killed(name)]
        counts = {name: report(name, watch, rules[name]["2"]) for name, watch in watches.items()}
        for name, watch in watches.items():
            failed += [f"the {name} made a call on no rule: {call}" for call in sorted(set(watch.unknown))[:20]]
            if watch.calls < ENOUGH_CALLS:
                failed.append(f"the {name} was seen to make only {watch.calls} calls")
    finally:
        site.close()
    print("\n".join(failed), end="\n" if failed else "")
    used = ", ".join(f"{name} {counts[name][0]} of {counts[name][1]}" for name in counts)
    print(f"soak: {seconds} s, {rounds} rounds, {sum(w.calls for w in watches.values())} calls, 0 killed, rules used: {used}"
          if not failed else f"soak: FAILED: {failed[0]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
