"""Runs the table of bad bundles (tests/suites/bundle-malicious): one line per case, the last line is the figure.

The longest parts of the table are sampled, the same cases every time; FULL=1 runs all of it."""
import copy
import os
import random
import shutil
import sys
import time
import traceback

import bundle_cases
import bundle_cases_certificates as certificates
import bundle_cases_clock  # noqa: F401
import bundle_cases_container  # noqa: F401  (imported for the cases they register)
import bundle_cases_envelope  # noqa: F401
import bundle_cases_model  # noqa: F401
import bundle_cases_state  # noqa: F401
import bundle_cases_statement  # noqa: F401
import bundle_forge as f
from bundle_models import small_gguf
from bundle_site import check_accepted, copy_state, make_site, scratch

LINES = 57  # of the checklist; the positive controls stand behind
FULL = os.environ.get("FULL") == "1"
CASES_MAX = {14: 40, 26: 32, 30: 30, 41: 90, 48: 16, 49: 5, 50: 3}  # by line, in a run that is not full
SAMPLE_SEED = 57


class Sites:
    """The sites by name; each made from the first one when it is first asked for. Cases leave them as they are, but for the
    copies that `copy_of` gives out."""

    def __init__(self, directory):
        self.directory = directory
        self.first = make_site(directory, f.make_keys())
        self.made = {}
        self.copies = 0
        self._keep("site", self.first)

    def _keep(self, name, site):
        """The site as it is now can be had back."""
        copy_state(site.state, site.directory / "kept")
        self.made[name] = site

    def restore(self, name):
        site = self.made[name]
        shutil.rmtree(site.state)
        copy_state(site.directory / "kept", site.state)

    def __getitem__(self, name):
        if name not in self.made:
            self._keep(name, getattr(self, "_make_" + name.replace(" ", "_"))(name.replace(" ", "-")))
        return self.made[name]

    def copy_of(self, name):
        original = self[name]
        self.copies += 1
        last = self.directory / f"copy-{self.copies - 4}"
        shutil.rmtree(last, ignore_errors=True)
        copied = original.clone(f"copy-{self.copies}")
        copied.first = self.first.first
        return copied

    def _model_trust(self, **members):
        return {**self.first.root["model"], **members}

    def _make_hybrid(self, name):
        keys = self.first.keys
        modern = keys["modern"]
        listed = self.first.root["keys"] + [{"id": modern.id, "suite": "ed25519", "name": "modern", "public": modern.pem}]
        officers = [keys[f"officer {number}"] for number in (1, 2, 3)]
        roles = copy.deepcopy(self.first.root["roles"])
        roles["release"] = {"groups": f.one_group(1, officers)["groups"] + f.one_group(1, [modern])["groups"]}
        return self.first.clone(name, keys=listed, roles=roles)

    def _make_raised(self, name):
        return self.first.clone(name, sequence_floors={"assistant": 5})

    def _make_certified(self, name):
        return self.first.clone(name, model=self._model_trust(keys=[], certificates=[certificates.ROOT.pem]))

    def _make_listed(self, name):
        return self.first.clone(name, model=self._model_trust(keys=[], certificates=[certificates.ROOT.pem],
                                                             crls=certificates.current_lists()))

    def _make_stale_lists(self, name):
        return self.first.clone(name, model=self._model_trust(keys=[], certificates=[certificates.ROOT.pem],
                                                             crls=certificates.stale_lists()))

    def _make_two_models(self, name):
        site = self.first.clone(name)
        check_accepted(site, site.forge({"model/small.gguf": small_gguf(2)}).write_rdb(site.new_path(".rdb")))
        site.serve_until_ready()
        return site


def run(case, sites):
    """Number of inputs when it passed, else None; prints the line."""
    started = time.monotonic()
    where = f"{case.line:2}" if case.line <= LINES else "ok"
    try:
        inputs, said = case.run(sites)
    except Exception as error:  # noqa: BLE001: whatever goes wrong is this case's failure, and the next one runs
        detail = str(error) if isinstance(error, AssertionError) else traceback.format_exc(limit=-3)
        print(f"FAILED  {where} {case.name}\n        {detail}", flush=True)
        return None
    said = str(said).encode("ascii", "backslashreplace").decode()[:200]
    print(f"ok      {where} {case.name} - {said} ({inputs} inputs, {time.monotonic() - started:.1f} s)", flush=True)
    return inputs


def chosen(only):
    """The cases of those lines and words, all of them; without any, the table as far as this run goes."""
    if only:
        return [case for case in bundle_cases.CASES
                if str(case.line) in only or any(not word.isdigit() and word in case.name for word in only)]
    chance, cases = random.Random(SAMPLE_SEED), []
    for line in sorted({case.line for case in bundle_cases.CASES}):
        of_line = [case for case in bundle_cases.CASES if case.line == line]
        most = len(of_line) if FULL else CASES_MAX.get(line, len(of_line))
        cases += of_line if most >= len(of_line) else chance.sample(of_line, most)
    return cases


def main(only):
    cases = chosen(only)
    directory = scratch()
    try:
        directory.chmod(0o755)
        sites = Sites(directory)
        results = [(case, run(case, sites)) for case in sorted(cases, key=lambda case: case.line)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    passed = [case for case, inputs in results if inputs is not None]
    lines = {case.line for case in passed if case.line <= LINES}
    broken = sorted({case.line for case, inputs in results if inputs is None})
    if broken:
        print(f"lines with failures: {broken}")
    print(f"bundle-malicious: {len(passed)} of {len(results)} cases ({sum(inputs or 0 for _, inputs in results)} inputs) "
          f"on {len(lines)} of {LINES} lines, {len(bundle_cases.CASES)} cases in all")
    return 0 if len(passed) == len(results) and (only or len(lines) == LINES) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
