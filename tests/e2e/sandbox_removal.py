#!/usr/bin/env python3
"""No rule too many: takes one rule away at a time and shows that the real service then fails.

usage: sandbox_removal.py BUILD [--stage 1|2] [--only ROLE:INDEX]

A rule whose loss nothing in the workload notices must be in SPARE below, with its reason; each of those is exercised
by itself in tests/hardening/seccomp_filter_test.cc, and the way out of a crash in sandbox_test.cc. A rule in SPARE
that turns out to be needed is an error too: the table stays true.
"""
import argparse
import collections
import os
import pathlib
import shutil
import sys
import tempfile

import sandbox_site

ROLES = ("gateway", "engine", "auditor")
ABORT = "a failed CHECK is no part of the workload: SandboxTest.AbortEndsInSigabrtAtBothStages"
LIST = "SeccompLists.AllowWhatTheyAllow"
# By role, stage ("": any), syscall and the reason that stands beside the rule.
SPARE = {
    ("", "", "gettid", "abort()"): ABORT,
    ("", "", "tgkill", "abort(): a failed CHECK ends in SIGABRT, a forbidden syscall in SIGSYS"): ABORT,
    ("engine", "2", "getpid", "abort(); OpenSSL's random generator asks whether it was forked"): ABORT,
    ("auditor", "2", "getpid", "abort(); OpenSSL's random generator asks whether it was forked"): ABORT,
    ("auditor", "2", "rt_sigprocmask", "abort() unblocks SIGABRT; a thread that ends blocks all"): ABORT,
    ("gateway", "", "restart_syscall", "the kernel resumes a wait after SIGSTOP and SIGCONT"):
        "a lock with a deadline, stopped while it waits: SandboxTest.AWaitSurvivesAStop",
    ("", "", "clock_gettime", "this machine's clocks, where the vDSO has no fast path"):
        f"a virtual machine without a stable clock: {LIST}",
    ("", "", "mmap", "getrandom() of glibc 2.41, which asks the vDSO"): f"Debian 13: {LIST}",
    ("", "", "fstat", "the same, by another glibc"): f"Debian 13: {LIST}",
    ("", "", "prlimit64", "sysconf() and thread start ask for limits"): f"another glibc may ask later: {LIST}",
    ("engine", "2", "mprotect", "malloc's other arenas, never executable"):
        f"with the demo model no other arena grows once it is loaded: {LIST}",
}


def reason_to_spare(role, stage, rule):
    keys = ((r, s, rule["name"], rule["why"]) for r in (role, "") for s in (stage, ""))
    return next((SPARE[key] for key in keys if key in SPARE), "")


class Tightened:
    """Services of one executable that leaves out the rule it is told to; prepared once, started many times."""

    def __init__(self, build):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="redoubt-tightened-"))
        self.directory.chmod(0o755)
        self.binary = self.directory / "redoubt"
        shutil.copy(pathlib.Path(build) / sandbox_site.TIGHTENED, self.binary)
        self.without = pathlib.Path(f"{self.binary}.without")
        self.site = sandbox_site.Site(build, binary=self.binary)
        sandbox_site.seal(self.site)

    def fails_without(self, role, stage, index):
        """How the service fails without that rule of that list; empty: it does not."""
        self.site.log.unlink(missing_ok=True)
        if role:
            self.without.write_text(f"{role} {stage} {index}\n")
            self.without.chmod(0o644)
        else:
            self.without.unlink(missing_ok=True)
        try:
            self.site.launch()
            killed = lambda: self.site.killed(role)
            if not self.site.wait_until_ready(20, killed):
                return "never ready" if not killed() else "killed while starting"
            if role in ("auditor", ""):
                sandbox_site.quietly(lambda: sandbox_site.fill_the_log(self.site, killed))
            sandbox_site.use_everything(self.site, killed)
            return "killed at work" if killed() else ""
        finally:
            if self.site.process is not None:
                self.site.stop()

    def close(self):
        self.site.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--stage", choices=("1", "2"), action="append")
    parser.add_argument("--only")
    options = parser.parse_args()
    rules = sandbox_site.rules(options.build)
    tightened = Tightened(options.build)
    counts = collections.Counter()
    wrong = []
    try:
        broken = tightened.fails_without("", "2", 0)
        if broken or any("SIGSYS" in line or "crashed by SIGSEGV" in line for line in tightened.site.lines()):
            print("\n".join(tightened.site.lines()))
            sys.exit(f"the service fails with every rule in place: {broken}")
        for role in ROLES:
            for stage in options.stage or ("2",):
                for index, rule in enumerate(rules[role][stage]):
                    if not rule["allow"] or (options.only and options.only != f"{role}:{index}"):
                        continue
                    how = tightened.fails_without(role, stage, index)
                    spare = reason_to_spare(role, stage, rule)
                    counts["needed" if how else "spare"] += 1
                    verdict = "ok    " if bool(how) != bool(spare) else "WRONG "
                    if verdict == "WRONG ":
                        wrong.append((role, stage, rule))
                    print(f"{verdict} {role} {stage} without {rule['name']} ({rule['why']}): "
                          f"{how or spare or 'nothing fails'}", flush=True)
    finally:
        tightened.close()
    print(f"removal: {counts['needed']} rules each needed by the service, {counts['spare']} kept for a stated reason, "
          f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
