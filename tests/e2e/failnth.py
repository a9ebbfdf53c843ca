#!/usr/bin/env python3
"""Makes calls of a service's processes fail one by one (allocation, files, sockets, memory, threads, processes) through
start, two concurrent streams, a reload, one more request and the end; in the manner of SQLite's malloc and I/O error
tests.

failnth.py [--runs N | --dense] [--only ROLE[/CALL[/NUMBER]]] [--side-by-side N] [-v]

What is right: nothing hangs; no token differs; a failing engine costs no stream; a failing gateway costs at most the
request that met the failure; a supervisor that cannot start says why and leaves nothing behind; and afterwards requests,
reload and stop work. The last line is the figure; exit 0 when all was right.
"""
import argparse
import collections
import errno
import os
import pathlib
import queue
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from failnth_commands import CommandSite  # noqa: E402
from failnth_scenario import Site  # noqa: E402

ERRORS = collections.defaultdict(lambda: ("ENOMEM",), {
    "open": ("EMFILE", "ENOMEM"), "read": ("EIO", "EINTR"), "pread": ("EIO",), "write": ("ENOSPC", "EPIPE"),
    "fsync": ("EIO", "ENOSPC"), "ftruncate": ("ENOSPC",), "rename": ("EIO",), "mkdir": ("ENOSPC",), "fstat": ("EIO",),
    "memfd_create": ("EMFILE",), "socket": ("EMFILE",), "socketpair": ("EMFILE",), "bind": ("EADDRINUSE",),
    "listen": ("EADDRINUSE",), "accept4": ("EMFILE", "ECONNABORTED", "ENFILE"), "setsockopt": ("ENOBUFS",),
    "send": ("ENOBUFS", "EPIPE"), "recv": ("ENOMEM", "EINTR"), "sendmsg": ("ENOBUFS", "EPIPE"),
    "recvmsg": ("ENOMEM", "EINTR"), "epoll_create1": ("EMFILE",), "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "epoll_wait": ("EINTR",), "poll": ("EINTR", "ENOMEM"), "eventfd": ("EMFILE",), "signalfd": ("EMFILE",),
    "fcntl": ("EMFILE",), "getrandom": ("EINTR",), "pthread_create": ("EAGAIN",), "clone": ("EAGAIN",),
    "execveat": ("ENOMEM", "ENOENT"), "unlink": ("EIO",), "chmod": ("EIO",),
})
DENSE_CALLS, DENSE_ALLOCATIONS, SPREAD_ALLOCATIONS = 400, 200, 300
OUTCOMES = ("unnoticed", "error", "restart", "refused", "not met", "WRONG")


def spread(first, last, count):
    """`count` numbers from first to last, evenly."""
    there = last - first + 1
    if count >= there:
        return list(range(first, last + 1))
    if count == 1:
        return [first + there // 2]
    return sorted({first + round(i * (there - 1) / (count - 1)) for i in range(count)})


def share_out(runs, sizes):
    """How many of `runs` each cell gets: the same for all, but none more than its size."""
    shares, left, waiting = {}, runs, sorted(sizes, key=sizes.get)
    while waiting:
        cell = waiting.pop(0)
        shares[cell] = min(sizes[cell], max(1, left // (len(waiting) + 1)))
        left -= shares[cell]
    return shares


def cells(life):
    """{(role, call, phase): (first, last) number of the call in that phase} of an undisturbed life."""
    found, before = {}, {}
    for phase, counts in life.calls.items():
        for (role, call), count in sorted(counts.items()):
            seen = before.get((role, call), 0)
            if count > seen:
                found[role, call, phase] = (seen + 1, count)
        before = counts
    return found


def plan(life, runs, dense):
    """Points in a life: (role, call, number, errno's name)."""
    numbers = collections.defaultdict(set)
    if dense:
        for (role, call), count in list(life.calls.values())[-1].items():
            if call == "malloc":
                numbers[role, call].update(range(1, min(count, DENSE_ALLOCATIONS) + 1))
                numbers[role, call].update(spread(1, count, SPREAD_ALLOCATIONS))
            else:
                numbers[role, call].update(spread(1, count, DENSE_CALLS))
    else:
        found = cells(life)
        shares = share_out(runs, {cell: last - first + 1 for cell, (first, last) in found.items()})
        for (role, call, phase), (first, last) in found.items():
            numbers[role, call].update(spread(first, last, shares[role, call, phase]))
    return [(role, call, number, ERRORS[call][i % len(ERRORS[call])])
            for (role, call), wanted in numbers.items() for i, number in enumerate(sorted(wanted))]


class Verdict:
    def __init__(self, point, life, fired_at, undisturbed):
        self.point, self.life = point, life
        self.role = point[0]
        self.phase = life.phase_at(fired_at) if fired_at is not None else None
        self.problems = list(life.problems)
        self.judge(undisturbed)
        self.outcome = self.name()

    def judge(self, undisturbed):
        life = self.life
        if life.refused is not None and self.role not in ("supervisor", "command", "importer"):
            self.problems.append("the service did not start")
        if len(life.lost) > (self.role == "gateway"):
            self.problems.append(f"lost: {life.lost}")
        if self.role == "gateway" and life.restarts.get("gateway") and self.phase != "start":
            self.problems.append("the gateway ended, and with it everybody's streams")
        if life.descriptors > undisturbed.descriptors:
            self.problems.append(f"{life.descriptors - undisturbed.descriptors} descriptors leaked")
        # Whom the supervisor cannot reach any more, it ends.
        unreachable = (self.role, self.point[1]) == ("supervisor", "sendmsg")
        if self.phase == "stop" and not unreachable and ("how=\"killed" in life.log or "how=\"crashed" in life.log):
            self.problems.append("a role crashed instead of stopping")

    def name(self):
        if self.problems:
            return "WRONG"
        if self.phase is None:
            return "not met"
        if self.life.refused is not None:
            return "refused"
        if self.life.restarts:
            return "restart"
        return "error" if self.life.lost or self.life.reload != "done" else "unnoticed"


class Campaign:
    """Sites side by side, each taking the next point when it is done with one."""

    def __init__(self, sites):
        self.sites = sites
        self.undisturbed = None
        self.verdicts = []

    def learn(self):
        """How a life goes in which nothing fails; the second, since the first makes what later ones find."""
        for site in self.sites:
            for _ in range(3):
                life = site.live()
                if life.problems or life.lost or life.restarts:
                    raise RuntimeError(f"an undisturbed life goes wrong: {life.problems} {life.lost}\n{life.log}")
            if site.right != self.sites[0].right:
                raise RuntimeError("two sites, two answers")
            site.descriptors_right = life.descriptors
            self.undisturbed = life
        return self.undisturbed

    def run(self, points, verbose):
        work = queue.SimpleQueue()
        for point in points:
            work.put(point)
        threads = [threading.Thread(target=self.work, args=(site, work, verbose)) for site in self.sites]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, site, work, verbose):
        while True:
            try:
                point = work.get_nowait()
            except queue.Empty:
                return
            role, call, number, error = point
            life = site.live((role, call, number, getattr(errno, error)))
            verdict = Verdict(point, life, site.control.fired_at(), self.undisturbed)
            verdict.stack = site.control.stack() if verdict.problems or verbose else []
            self.verdicts.append(verdict)
            if len(self.verdicts) % 100 == 0:
                print(f"{len(self.verdicts)} points", flush=True)
            if verdict.problems or verbose:
                self.describe(verdict)

    def describe(self, verdict):
        role, call, number, error = verdict.point
        life = verdict.life
        lines = [f"{verdict.outcome}: {role} {call} #{number} {error} during {verdict.phase} ({life.seconds:.1f} s)"]
        lines += [f"  {problem}" for problem in verdict.problems]
        lines += [f"  lost {name}: {how}" for name, how in life.lost.items()]
        lines += [f"  reload: {life.reload}"] if life.reload != "done" else []
        lines += [f"  restarts: {life.restarts}"] if life.restarts else []
        lines += ["  by " + " < ".join(verdict.stack[:8])] if verdict.stack else []
        lines += [f"  log: {line}" for line in life.log.splitlines()
                  if line.startswith(("<2>", "<3>", "<4>")) or not line.startswith("<")][:12]
        print("\n".join(lines), flush=True)

    def table(self):
        rows = collections.defaultdict(collections.Counter)
        for verdict in self.verdicts:
            rows[verdict.point[:2]][verdict.outcome] += 1
        calls = list(self.undisturbed.calls.values())[-1]
        print(f"{'role':<11}{'call':<16}{'calls':>7}{'failed':>8}  " + "".join(f"{name:>10}" for name in OUTCOMES))
        for (role, call), counts in sorted(rows.items()):
            failed = counts.total() - counts["not met"]
            print(f"{role:<11}{call:<16}{calls.get((role, call), 0):>7}{failed:>8}  "
                  + "".join(f"{counts[name] or '·':>10}" for name in OUTCOMES))


def matches(point, only):
    return all(str(have) == want for have, want in zip(point, only))


def choose(life, arguments, runs):
    only = [part for part in arguments.only.split("/") if part]
    if len(only) == 3:
        points = [(only[0], only[1], int(only[2]), error) for error in ERRORS[only[1]]]
    else:
        points = [point for point in plan(life, runs, arguments.dense) if matches(point, only)]
    # Shuffled, but the same each time: neighbours are not alike.
    return sorted(points, key=lambda point: point[2] * 2654435761 % 4294967296)


def run_campaign(name, make_site, arguments, runs):
    """The verdicts."""
    sites = []
    try:
        for _ in range(arguments.side_by_side):
            sites.append(make_site())
        campaign = Campaign(sites)
        life = campaign.learn()
        points = choose(life, arguments, runs)
        print(f"{name}: when nothing fails it takes {life.seconds:.2f} s; {len(points)} points", flush=True)
        campaign.run(points, arguments.verbose)
    finally:
        for site in sites:
            site.close()
    if campaign.verdicts:
        campaign.table()
    return campaign.verdicts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--only", default="", help="ROLE, ROLE/CALL or ROLE/CALL/NUMBER")
    parser.add_argument("--side-by-side", type=int, default=2)
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    build = pathlib.Path(os.environ["BUILD"])
    executable = build / "tests/e2e/failing_redoubt"
    begun = time.monotonic()
    verdicts = []
    if not arguments.only.startswith("command"):
        verdicts += run_campaign("a service's life", lambda: Site(build, executable), arguments, arguments.runs)
    if not arguments.only or arguments.only.startswith("command"):
        verdicts += run_campaign("an operator's commands", lambda: CommandSite(build, executable), arguments,
                                 arguments.runs // 4)
    slowest = max(verdicts, key=lambda v: v.life.seconds)
    print(f"slowest: {slowest.life.seconds:.1f} s, {' '.join(map(str, slowest.point))} during {slowest.phase}")
    outcomes = collections.Counter(verdict.outcome for verdict in verdicts)
    failed = sum(outcomes.values()) - outcomes["not met"]
    wrong = outcomes["WRONG"]
    print(f"failnth: {failed} calls failed one by one, {wrong} with a wrong end; {outcomes['unnoticed']} unnoticed, "
          f"{outcomes['error']} an error to the one that met it, {outcomes['restart']} a role restarted, "
          f"{outcomes['refused']} refused to start; {time.monotonic() - begun:.0f} s")
    # A campaign in which hardly anything failed has tested nothing.
    return 1 if wrong or failed < 0.8 * len(verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
