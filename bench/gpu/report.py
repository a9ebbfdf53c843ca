#!/usr/bin/env python3
"""report.py LOGS OUT: makes gpu-ARCHITECTURE-DATE.md of what bench/gpu_check left in LOGS, and adds the digests of machine
code that passed its tests here to OUT/certified.json. Standard library only; what is missing is a row that says so."""
import datetime
import json
import pathlib
import re
import sys

# GB/s of memory and dense bf16 TFLOP/s, as the datasheets of these cards have them. The first name that fits.
DATASHEETS = [("H200", 4800, 989), ("H100 NVL", 3938, 835), ("H100 PCIe", 2039, 756), ("H100", 3352, 989),
              ("A100-SXM4-80GB", 2039, 312), ("A100", 1555, 312), ("B200", 8000, 2250), ("L40S", 864, 362),
              ("RTX 4090", 1008, 165), ("RTX 6000 Ada", 960, 364), ("RTX PRO 6000", 1792, 503), ("RTX 5090", 1792, 210)]

# Number: what; unit; first release, target (one H200); what row of which verb answers it, or why none does.
TARGETS = [
    ("G1", "8B bf16, batch 1", "tokens/s", "200", "240"),
    ("G2", "8B Q8_0 or fp8, batch 1", "tokens/s", "350", "430"),
    ("G3", "8B Q4_K_M, batch 1", "tokens/s", "400", "550"),
    ("G4", "70B Q4_K_M, batch 1", "tokens/s", "70", "85"),
    ("G5", "70B fp8, batch 1", "tokens/s", "45", "54"),
    ("G6", "gpt-oss MXFP4, batch 1", "tokens/s", "350 / 250", "500 / 400"),
    ("G7", "8B fp8 decode in all, c = 8 / 32 / 128 / 256, 1k context", "tokens/s", "2.6k / 8k / 16k / 20k",
     "3.4k / 10.5k / 22k / 27k"),
    ("G8", "8B bf16 decode in all, c = 8 / 32 / 128 / 256, 1k context", "tokens/s", "1.4k / 4.3k / 9k / 11k",
     "1.75k / 5.3k / 11k / 13.5k"),
    ("G9", "8B fp8 mixed 1k / 1k", "tokens/s", "11k", "17.7k"),
    ("G10", "gpt-oss mixed 1k / 1k", "tokens/s", "4k / 8k", "6.9k / 13.9k"),
    ("G11", "prompt, 8B bf16, 2k", "tokens/s", "27k", "37k"),
    ("G12", "prompt, 8B fp8, 2k", "tokens/s", "45k", "60k"),
    ("G13", "first token, prompt of 1k: 8B bf16 / 8B fp8 / 70B fp8", "ms", "40 / 30 / 220", "28 / 18 / 160"),
    ("G14", "attention of a prompt, d = 128, causal, 8k", "TFLOP/s", "400", "550"),
    ("G15", "linear kernel: bandwidth at 1 row / of cuBLASLt at 1,024 rows and more", "share", "75% / 75%", "85% / 92%"),
    ("G16", "GPU idle between steps, c = 32", "share", "5%", "2%"),
    ("G17", "price of determinism", "share", "8%", "3%"),
    ("G18", "bitwise suite", "tests", "all", "all"),
    ("G19", "device memory taken after start", "bytes", "0", "0"),
    ("G20", "load from memory", "GB/s", "15", "30"),
    ("G21", "start to first token, 8B Q4", "s", "4", "2"),
]
NOT_RUN = {
    "G5": "no 70B in fp8 is made by this script: its bf16 file does not fit most hosts",
    "G6": "models with experts are not in this release",
    "G9": "needs the whole service under load (redoubt-bench load)",
    "G10": "models with experts are not in this release",
    "G16": "needs a timeline (nsys), which this script does not take",
    "G17": "there is no kernel that gives determinism up to compare with",
    "G21": "needs the whole service and a bundle on a disk",
}
# The parts of gpu_check that a target's rows come from.
PARTS = {"G1": ["model-8b-bf16"], "G2": ["model-8b-q8_0", "model-8b-fp8"], "G3": ["model-8b-q4_k_m"],
         "G4": ["model-70b-q4_k_m"], "G7": ["model-8b-fp8"], "G8": ["model-8b-bf16"], "G11": ["model-8b-bf16"],
         "G12": ["model-8b-fp8"], "G13": ["model-8b-bf16", "model-8b-fp8"], "G14": ["attention"], "G15": ["linear"],
         "G20": ["model-8b-q4_k_m", "model-8b-bf16"]}


def read_rows(logs):
    rows = []
    for path in sorted(logs.glob("*.log")):
        for line in path.read_text(errors="replace").splitlines():
            cells = line.split("\t")
            if cells[0] == "row" and len(cells) >= 7:
                rows.append({"part": path.stem, "target": cells[1], "what": cells[2], "value": float(cells[3]),
                             "unit": cells[4], "bytes": float(cells[5]), "flops": float(cells[6]),
                             "note": cells[7] if len(cells) > 7 else ""})
    return rows


def read_pairs(path):
    pairs = {}
    if path.exists():
        for line in path.read_text(errors="replace").splitlines():
            key, _, value = line.partition("\t")
            pairs.setdefault(key, value)
    return pairs


def read_status(path):
    found = {}
    if path.exists():
        for line in path.read_text(errors="replace").splitlines():
            cells = line.split("\t")
            found[cells[0]] = {"result": cells[1], "seconds": cells[2], "cause": cells[3] if len(cells) > 3 else ""}
    return found


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def share(value, of):
    return f"{100 * value / of:.1f}%" if value and of else ""


def tests_of(logs):
    """{passed, skipped, failed} and names of what failed, as GoogleTest's last lines and its own say."""
    text = (logs / "tests.log").read_text(errors="replace") if (logs / "tests.log").exists() else ""
    found = {word: set(re.findall(rf"^\[  {word} +\] +(\w+\.\w+)", text, re.M)) for word in ("FAILED", "SKIPPED")}
    found["OK"] = set(re.findall(r"^\[ +OK \] (\w+\.\w+)", text, re.M))
    found["golden"] = re.findall(r"^golden (\S+) ([0-9a-f]+)", text, re.M)
    return found


def answer(number_of, rows, tests, status):
    """What stands in the table of targets."""
    if number_of == "G18":
        bits = {name for name in tests["OK"] | tests["FAILED"] if "Bits" in name or "SameTokens" in name}
        good = bits - tests["FAILED"]
        return f"{len(good)} of {len(bits)} tests" if bits else "not run: " + status.get("tests", {}).get("cause", "no tests")
    if number_of == "G19":
        name = "GpuModel.TakesNoMemoryOfTheDeviceOnceItHasWarmedUp"
        return "0" if name in tests["OK"] else "FAILED" if name in tests["FAILED"] else "not run: the test did not run"
    mine = [row for row in rows if row["target"] == number_of and not row["what"].startswith("torch:")]
    if number_of == "G15":
        return answer_linear(mine, rows, status)
    if mine:
        return "; ".join(f"{number(row['value'])} ({row['what']})" for row in mine)
    if number_of in NOT_RUN:
        return "not run: " + NOT_RUN[number_of]
    causes = []
    for part in PARTS.get(number_of, []):
        entry = status.get(part)
        if entry is None:
            causes.append(f"{part}: left out by --quick")
        elif entry["result"] != "0":
            causes.append(f"{part}: {entry['cause'] or 'exit status ' + entry['result']}")
    return "not run: " + ("; ".join(causes) or "the part that measures it gave no row")


def answer_linear(mine, rows, status):
    if not mine:
        return "not run: " + (status.get("linear", {}).get("cause") or "the linear kernels gave no row")
    peers = {row["what"][len("torch: "):]: row["value"] for row in rows if row["what"].startswith("torch: linear")}
    single = [row for row in mine if row["bytes"]]
    words = [f"1 row: {number(min(row['value'] for row in single))} to {number(max(row['value'] for row in single))} GB/s"
             ] if single else []
    shares = [row["value"] / peers[row["what"]] for row in mine if not row["bytes"] and row["what"] in peers]
    words.append(f"many rows: {100 * min(shares):.0f}% to {100 * max(shares):.0f}% of cuBLASLt, bf16" if shares else
                 "many rows: cuBLASLt did not run beside it")
    return "; ".join(words)


def architecture_of(capability):
    major = int(capability) // 10
    return {8: "sm_80", 9: "sm_90a", 10: "sm_100", 12: "sm_120"}.get(major, f"sm_{capability}")


def certify(logs, out, facts, tests, status, date):
    """Adds the digests of this GPU's architecture; only after tests of which none failed and some passed."""
    if status.get("tests", {}).get("result") != "0" or tests["FAILED"] or not tests["OK"] or not (logs / "digests.log").exists():
        return "no: the tests did not all pass, or the digests could not be read"
    if any(name.startswith("GpuModel") for name in tests["SKIPPED"]):
        return "no: tests of whole models were skipped"
    try:
        digests = json.loads((logs / "digests.log").read_text())
    except ValueError:
        return "no: the digests could not be read"
    architecture = architecture_of(facts.get("capability", "0"))
    path = out / "certified.json"
    certified = json.loads(path.read_text()) if path.exists() else {"kernels": {}, "runs": []}
    mine = certified["kernels"].setdefault(architecture, {})
    mine.update(digests.get(architecture, {}))
    certified["runs"].append({"date": date, "gpu": facts.get("name"), "driver": facts.get("driver"),
                              "toolkit": facts.get("runtime"), "architecture": architecture, "quick": facts.get("quick"),
                              "golden": dict(tests["golden"])})
    path.write_text(json.dumps(certified, indent=1, sort_keys=True) + "\n")
    return f"{len(digests.get(architecture, {}))} kernels of {architecture}"


def main():
    logs, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    facts = read_pairs(logs / "facts.tsv")
    status = read_status(logs / "status.tsv")
    rows = read_rows(logs)
    tests = tests_of(logs)
    date = datetime.date.today().isoformat()
    architecture = architecture_of(facts.get("capability", "0"))
    name = facts.get("name", "unknown GPU")
    sheet = next(((gbs, tflops) for word, gbs, tflops in DATASHEETS if word in name), (0, 0))
    measured = next((row["value"] for row in rows if row["part"] == "copy" and row["note"] == "measured"), 0)
    certified = certify(logs, out, facts, tests, status, date)

    lines = [f"# {name}, {date}", "", "Made by bench/gpu_check. Weights are random, in true shapes. Shares of bandwidth are of "
             f"the datasheet's {sheet[0] or 'unknown'} GB/s and of {measured:.0f} GB/s, which a copy inside device memory "
             f"reached here (read and written); of arithmetic, of the datasheet's {sheet[1] or 'unknown'} TFLOP/s (bf16, "
             "dense).", "", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in facts.items()]
    lines += [f"| tests | {len(tests['OK'])} passed, {len(tests['SKIPPED'])} skipped, {len(tests['FAILED'])} failed"
              f"{': ' + ', '.join(sorted(tests['FAILED'])) if tests['FAILED'] else ''} |", f"| certified | {certified} |"]
    lines += [f"| golden {word} | {digest} |" for word, digest in tests["golden"]]

    lines += ["", "## Parts", "", "| part | result | seconds | |", "|---|---|---|---|"]
    lines += [f"| {part} | {'passed' if entry['result'] == '0' else 'not run' if entry['result'] in ('absent', 'skipped') else 'exit ' + entry['result']}"
              f" | {entry['seconds']} | {entry['cause']} |" for part, entry in status.items()]

    lines += ["", "## Targets", "", "First release and target are for one H200.", "",
              "| | what | unit | first release | target | here |", "|---|---|---|---|---|---|"]
    lines += [f"| {mark} | {what} | {unit} | {first} | {target} | {answer(mark, rows, tests, status)} |"
              for mark, what, unit, first, target in TARGETS]

    lines += ["", "## Measurements", "", "| part | what | value | unit | of the datasheet | of the measured copy | "
              "of arithmetic | note |", "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {row['part']} | {row['what']} | {number(row['value'])} | {row['unit']} | "
              f"{share(row['bytes'] / 1e9, sheet[0])} | {share(row['bytes'] / 1e9, measured)} | "
              f"{share(row['flops'] / 1e12, sheet[1])} | {row['note']} |" for row in rows]

    lines += ["", "## Beside cuBLASLt", "", "| what | ours | torch | ratio |", "|---|---|---|---|"]
    peers = {row["what"][len("torch: "):]: row for row in rows if row["what"].startswith("torch: ")}
    pairs = [(row, peers[row["what"]]) for row in rows if row["what"] in peers]
    lines += [f"| {ours['what']} | {number(ours['value'])} {ours['unit']} | {number(theirs['value'])} {theirs['unit']} | "
              f"{ours['value'] / theirs['value']:.2f} |" for ours, theirs in pairs]
    if not pairs:
        lines.append("| not run: " + (status.get("torch", {}).get("cause") or "no pair of rows") + " | | | |")

    path = out / f"gpu-{architecture.replace('_', '')}-{date}.md"
    path.write_text("\n".join(lines) + "\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
