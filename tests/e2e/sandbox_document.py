#!/usr/bin/env python3
"""hardening/SYSCALLS.md says what the tables say.

usage: sandbox_document.py BUILD [--write]
"""
import pathlib
import sys

import sandbox_site

PAGE = pathlib.Path(__file__).resolve().parents[2] / "hardening/SYSCALLS.md"
ROLES = ("gateway", "engine", "gpu-engine", "health", "auditor", "importer")
HEAD = """# Every syscall of every role

Made by `tests/e2e/sandbox_document.py BUILD --write` from the tables in `hardening/*_rules.cc`, and compared with them by
`tests/run sandbox`. What the columns mean: 1 while the role loads, 2 once it is locked down, 12 both; empty: the call
ends the process. Arguments are counted from 0; "a2 in 0x3" means no bits beyond these, "a3 = 0x22 (+ 0x24000)" these and
perhaps those. Rows of one syscall are alternatives, the conditions within a row are all demanded.

"""


def condition(check):
    mask, value, index = int(check["mask"], 16), int(check["value"], 16), check["index"]
    if check["own_process"]:
        return f"a{index} = own process"
    if mask == 0xFFFF:
        return f"a{index} & 0xffff = {value:#x}"
    optional = ~mask & 0xFFFFFFFF
    if optional and not value:
        return f"a{index} in {optional:#x}"
    return f"a{index} = {value:#x}" + (f" (+ {optional:#x})" if optional else "")


def row_key(rule):
    return rule["number"], rule["name"], ", ".join(map(condition, rule["checks"])), rule["why"]


def table(rules, allow):
    where = {}
    for role in ROLES:
        for stage in ("1", "2"):
            for rule in rules[role][stage]:
                if rule["allow"] == allow:
                    where.setdefault(row_key(rule), {}).setdefault(role, []).append(stage)
    lines = ["| syscall | arguments | why | " + " | ".join(ROLES) + " |", "|---|---|---|" + "---|" * len(ROLES)]
    for (_, name, arguments, why), stages in sorted(where.items()):
        cells = ["".join(stages.get(role, [])) for role in ROLES]
        lines.append(f"| {name} | {arguments} | {why} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def counts(rules):
    lines = ["| | " + " | ".join(ROLES) + " |", "|---|" + "---|" * len(ROLES)]
    for stage in ("1", "2"):
        cells = [str(len({rule["name"] for rule in rules[role][stage] if rule["allow"]})) for role in ROLES]
        lines.append(f"| syscalls allowed at stage {stage} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(build, write):
    rules = sandbox_site.rules(build)
    text = HEAD + "\n\n".join((counts(rules), "## Allowed", table(rules, True), "## Answered with an error",
                               "`clone3` fails with ENOSYS, all others with EACCES.", table(rules, False))) + "\n"
    if write:
        PAGE.write_text(text)
    same = PAGE.exists() and PAGE.read_text() == text
    print(f"document: {PAGE.name} {'says what the tables say' if same else 'is out of date: run with --write'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--write" in sys.argv))
