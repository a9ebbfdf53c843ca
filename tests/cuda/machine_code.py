#!/usr/bin/env python3
"""Reads the GPU machine code inside a program, without any tool of NVIDIA's and without a GPU.

  machine_code.py list PROGRAM                    every kernel: architecture, registers, stack, size, digest, name
  machine_code.py check PROGRAM NAMES [options]   the gates below; NAMES: the program kernel_names, of the same build
      --budgets FILE     registers a kernel may use, by patterns of names (budgets.json)
      --certified FILE   digests that ran on a real GPU (bench/results/certified.json)
  machine_code.py digests PROGRAM NAMES           {architecture: {kernel: digest}} as JSON: what a GPU run certifies
  machine_code.py selftest NVCC FOLDER            compiles a kernel that spills and one that does not, and tells them apart

Gates: a program needs no shared library of NVIDIA's; every architecture is there; every kernel that a kernel set names has
machine code for that set's architecture, and there are no others; no kernel uses stack or local memory (so none spills);
registers stay within their budget; the kernels of sm_90a that are made of wgmma contain it. A digest that no GPU run has
certified is counted, and is no failure.

What is read: ELF images of machine EM_CUDA (190) in the section .nv_fatbin, uncompressed; of each the sections
.text.KERNEL, .nv.info and .nv.info.KERNEL. Attributes of .nv.info as NVIDIA's disassembler names them (EIATTR_*); the
numbers were compared with what ptxas -v says (selftest does it again)."""
import argparse
import fnmatch
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys

EM_CUDA = 190
# .nv.info: a format byte, an attribute byte, a 16-bit value or size.
FORMAT_SIZED = 4
ATTRIBUTE_FRAME_SIZE, ATTRIBUTE_MIN_STACK_SIZE, ATTRIBUTE_MAX_STACK_SIZE, ATTRIBUTE_REGISTERS = 0x11, 0x12, 0x23, 0x2F
PER_KERNEL = {ATTRIBUTE_FRAME_SIZE: "frame", ATTRIBUTE_MIN_STACK_SIZE: "stack", ATTRIBUTE_MAX_STACK_SIZE: "stack",
              ATTRIBUTE_REGISTERS: "registers"}
# Opcodes (the low twelve bits of an instruction of 16 bytes; of wgmma nine, the others say where operands are), as
# NVIDIA's disassembler shows them: LDL, STL, HGMMA.
OPCODE_LOCAL_LOAD, OPCODE_LOCAL_STORE = 0x983, 0x387
OPCODE_WGMMA, OPCODE_WGMMA_MASK = 0x1F0, 0x1FF
INSTRUCTION_BYTES = 16


class Elf:
    """A little-endian ELF64 image: its sections by name, and its symbols."""

    def __init__(self, data):
        if data[:6] != b"\x7fELF\x02\x01":
            raise ValueError("no little-endian ELF64 image")
        self.data = data
        self.machine = struct.unpack_from("<H", data, 18)[0]
        table = struct.unpack_from("<Q", data, 40)[0]
        self.flags = struct.unpack_from("<I", data, 48)[0]
        self.osabi, self.abi_version = data[7], data[8]
        entry_bytes, count, names_index = struct.unpack_from("<HHH", data, 58)
        headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * entry_bytes) for i in range(count)]
        names = headers[names_index]
        self.sections = []
        for name, kind, _, _, offset, size, link, _, _, _ in headers:
            text = self.text_at(names[4] + name)
            body = b"" if kind == 8 else data[offset:offset + size]
            self.sections.append({"name": text, "body": body, "link": link})
        self.headers = headers

    def text_at(self, offset):
        return self.data[offset:self.data.index(b"\0", offset)].decode("ascii", "replace")

    def section(self, name):
        return next((section for section in self.sections if section["name"] == name), None)

    def symbols(self):
        """(name, value, index of its section) of every symbol, in order."""
        table = self.section(".symtab")
        if table is None:
            return []
        strings = self.headers[table["link"]][4]
        body, found = table["body"], []
        for at in range(0, len(body) - 23, 24):
            name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", body, at)
            found.append((self.text_at(strings + name), value, section))
        return found


def architecture(elf):
    """"sm_90a". The ABI of CUDA 13 (version 8) keeps the number in the second byte of the flags, older ones in the first. The
    letter stands in the note of the options that ptxas was given."""
    target = f"sm_{elf.flags >> 8 & 0xFF if elf.abi_version >= 8 else elf.flags & 0xFF}"
    note = elf.section(".note.nv.tkinfo")
    return target + "a" if note and re.search(rb"\b%sa\b" % target.encode(), note["body"]) else target


def images(program):
    """Every EM_CUDA image of a program, or of a bare cubin."""
    whole = Elf(program)
    if whole.machine == EM_CUDA:
        yield whole
        return
    section = whole.section(".nv_fatbin")
    body = section["body"] if section else b""
    at = body.find(b"\x7fELF")
    while at >= 0:
        if struct.unpack_from("<H", body, at + 18)[0] == EM_CUDA:
            yield Elf(body[at:])
        at = body.find(b"\x7fELF", at + 4)


def attributes(elf):
    """{kernel: {registers, stack, frame}} of one image."""
    symbols = elf.symbols()
    found = {}
    for section in elf.sections:
        if section["name"] != ".nv.info":
            continue
        body, at = section["body"], 0
        while at + 4 <= len(body):
            form, attribute, size = struct.unpack_from("<BBH", body, at)
            at += 4
            if form != FORMAT_SIZED:
                continue
            if attribute in PER_KERNEL and size == 8:
                symbol, value = struct.unpack_from("<II", body, at)
                if symbol < len(symbols):
                    entry = found.setdefault(symbols[symbol][0], {})
                    entry[PER_KERNEL[attribute]] = max(value, entry.get(PER_KERNEL[attribute], 0))
            at += size
    return found


def opcodes(text):
    return [struct.unpack_from("<H", text, at)[0] & 0xFFF for at in range(0, len(text) - 15, INSTRUCTION_BYTES)]


def kernels(program):
    """[{architecture, symbol, registers, stack, frame, local, wgmma, bytes, digest}] of a program."""
    found = []
    for elf in images(program):
        properties = attributes(elf)
        for section in elf.sections:
            if not section["name"].startswith(".text.") or not section["body"]:
                continue
            symbol = section["name"][len(".text."):]
            codes = opcodes(section["body"])
            entry = {"architecture": architecture(elf), "symbol": symbol, "registers": None, "stack": None, "frame": None,
                     "local": sum(code in (OPCODE_LOCAL_LOAD, OPCODE_LOCAL_STORE) for code in codes),
                     "wgmma": sum(code & OPCODE_WGMMA_MASK == OPCODE_WGMMA for code in codes), "bytes": len(section["body"]),
                     "digest": hashlib.sha256(section["body"]).hexdigest()}
            entry.update(properties.get(symbol, {}))
            found.append(entry)
    return found


def plain(symbol):
    """A mangled name without the marks of internal linkage, which only the host's half of a kernel has."""
    return re.sub(r"L(?=\d)", "", symbol)


def named_kernels(names_program):
    """[(architecture, kernel's name, device symbol less linkage marks)], as the kernel sets of a build have them.

    The program prints `ARCHITECTURE NAME OFFSET`, the offset being that of the host's half of the kernel in the program; the
    symbol there has the kernel's name."""
    elf = Elf(pathlib.Path(names_program).read_bytes())
    symbols = {}
    for name, value, section in elf.symbols():
        if section != 0 and name.startswith("_Z") and not name.endswith(".cold"):
            symbols.setdefault(value, name)
    listed = subprocess.run([names_program], check=True, capture_output=True, text=True, timeout=60).stdout
    found = []
    for line in listed.splitlines():
        target, name, offset = line.split()
        found.append((target, name, plain(symbols.get(int(offset, 16), ""))))
    return found


def shared_libraries(path):
    """DT_NEEDED of a program."""
    text = subprocess.run(["readelf", "-dW", path], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def budget_of(budgets, name):
    """Of the first pattern that fits."""
    return next((most for pattern, most in budgets.items() if fnmatch.fnmatchcase(name, pattern)), None)


def check(arguments):
    program = pathlib.Path(arguments.program).read_bytes()
    found = kernels(program)
    faults = []
    if not found:
        faults.append("no machine code in the section .nv_fatbin (or compressed)")
    for library in shared_libraries(arguments.program):
        if re.match(r"lib(cuda|cu[a-z]+|nv[a-z-]*|nccl|nvidia.*)\.so", library):
            faults.append(f"the program needs the shared library {library}")
    named = named_kernels(arguments.names)
    by_symbol = {(entry["architecture"], plain(entry["symbol"])): entry for entry in found}
    budgets = json.loads(pathlib.Path(arguments.budgets).read_text()) if arguments.budgets else {}
    certified = {}
    if arguments.certified and pathlib.Path(arguments.certified).exists():
        certified = json.loads(pathlib.Path(arguments.certified).read_text()).get("kernels", {})

    architectures = sorted({target for target, _, _ in named})
    for target in architectures:
        if not any(entry["architecture"] == target for entry in found):
            faults.append(f"no image for {target}")
    count = ours = 0
    for target, name, symbol in named:
        entry = by_symbol.get((target, symbol))
        if entry is None:
            faults.append(f"{target} {name}: no machine code (symbol {symbol or 'unknown'})")
            continue
        entry["name"] = name
        count += 1
        ours += entry["digest"] in certified.get(target, {}).values()
        budget = budget_of(budgets, name)
        if budget is None:
            faults.append(f"{target} {name}: no budget of registers in {arguments.budgets}")
        elif entry["registers"] is None or entry["registers"] > budget:
            faults.append(f"{target} {name}: {entry['registers']} registers, budget {budget}")
        if "wgmma" in name and not entry["wgmma"]:
            faults.append(f"{target} {name}: no wgmma instruction")
    for entry in found:
        label = f"{entry['architecture']} {entry.get('name', entry['symbol'])}"
        if entry["stack"] or entry["frame"] or entry["local"]:
            faults.append(f"{label}: local memory (frame {entry['frame']}, stack {entry['stack']} bytes, "
                          f"{entry['local']} instructions)")
        if "name" not in entry:
            faults.append(f"{label}: in no kernel set's list: it would be loaded at its first launch, and has no budget")
    print_table(found)
    for fault in faults:
        print("FAULT", fault)
    print(f"{count} kernels, {ours} certified, {len(architectures)} architectures ({' '.join(architectures)}), "
          f"{len(faults)} faults")
    return 1 if faults else 0


def print_table(found):
    print(f"{'arch':8} {'regs':>4} {'frame':>5} {'stack':>5} {'local':>5} {'wgmma':>5} {'bytes':>7} {'digest':16} name")
    for entry in sorted(found, key=lambda entry: (entry["architecture"], entry.get("name", entry["symbol"]))):
        cells = [entry["registers"], entry["frame"], entry["stack"]]
        registers, frame, stack = ("?" if cell is None else cell for cell in cells)
        print(f"{entry['architecture']:8} {registers:>4} {frame:>5} {stack:>5} {entry['local']:>5} {entry['wgmma']:>5} "
              f"{entry['bytes']:>7} {entry['digest'][:16]} {entry.get('name', entry['symbol'])}")


def list_kernels(arguments):
    print_table(kernels(pathlib.Path(arguments.program).read_bytes()))
    return 0


def digests(arguments):
    found = {(entry["architecture"], plain(entry["symbol"])): entry["digest"]
             for entry in kernels(pathlib.Path(arguments.program).read_bytes())}
    table = {}
    for target, name, symbol in named_kernels(arguments.names):
        if (target, symbol) in found:
            table.setdefault(target, {})[name] = found[target, symbol]
    json.dump(table, sys.stdout, indent=1, sort_keys=True)
    print()
    return 0


SELFTEST = """
struct Arguments { float* data; int index; };
extern "C" __global__ void modest(Arguments a) { a.data[threadIdx.x] *= 2.0f; }
extern "C" __global__ void __launch_bounds__(1024, 2) spilling(Arguments a) {
  float v[96];
#pragma unroll
  for (int i = 0; i < 96; ++i) v[i] = a.data[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 96; ++i) a.data[(95 - i) * 1024 + threadIdx.x] = v[i] * v[(i * 7) % 96];
}
extern "C" __global__ void indexed(Arguments a) {
  float v[64];
  for (int i = 0; i < 64; ++i) v[i] = a.data[i * a.index];
  for (int i = 0; i < 64; ++i) v[(i * a.index) & 63] += v[i];
  a.data[0] = v[a.index & 63];
}
"""


def selftest(arguments):
    """What this reader says of three kernels is what ptxas says of them."""
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "selftest.cu").write_text(SELFTEST)
    faults = []
    for target in ("sm_80", "sm_90a"):
        cubin = folder / f"selftest.{target}.cubin"
        said = subprocess.run([arguments.nvcc, "-cubin", f"-arch={target}", "-Xptxas", "-v", "-o", cubin,
                               folder / "selftest.cu"], check=True, capture_output=True, text=True).stderr
        words = {}
        for block in re.split(r"(?=Compiling entry function)", said):
            name = re.match(r"Compiling entry function '(\w+)'", block)
            if name:
                words[name[1]] = (int(re.search(r"Used (\d+) registers", block)[1]),
                                  int(re.search(r"(\d+) bytes stack frame", block)[1]))
        read = {entry["symbol"]: entry for entry in kernels(cubin.read_bytes())}
        for name, (registers, frame) in words.items():
            entry = read[name]
            if (entry["architecture"], entry["registers"], entry["frame"]) != (target, registers, frame):
                faults.append(f"{target} {name}: read {entry}, ptxas says {registers} registers, {frame} bytes")
            if bool(frame) != bool(entry["local"]):
                faults.append(f"{target} {name}: {frame} bytes of frame, {entry['local']} instructions on it")
        if set(words) != {"modest", "spilling", "indexed"} or words["modest"][1] or not words["spilling"][1] \
                or not words["indexed"][1]:
            faults.append(f"{target}: the kernels are not what they were written to be: {words}")
    print("\n".join(faults) or "the reader agrees with ptxas on registers and local memory, of kernels with and without")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for name, run, words in (("list", list_kernels, ["program"]), ("check", check, ["program", "names"]),
                             ("digests", digests, ["program", "names"]), ("selftest", selftest, ["nvcc", "folder"])):
        verb = verbs.add_parser(name)
        verb.set_defaults(run=run)
        for word in words:
            verb.add_argument(word)
        if name == "check":
            verb.add_argument("--budgets")
            verb.add_argument("--certified")
    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
