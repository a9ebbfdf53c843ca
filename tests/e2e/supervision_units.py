"""The unit files of image/systemd: that systemd understands them, and how exposed it finds the service."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from service import ROOT

UNITS = ROOT / "image/systemd"
# systemd-analyze security, in tenths: what the service is exposed to at most.
CPU_EXPOSURE_MAX = 12
GPU_EXPOSURE_MAX = 18


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, **options)


def copy_units(directory, gpu=False):
    """The unit files with an executable that exists here, which is what `verify` asks for."""
    for unit in ("redoubt.service", "redoubt.socket"):
        text = (UNITS / unit).read_text()
        (directory / unit).write_text(text.replace("/usr/bin/redoubt", shutil.which("true")))
    if gpu:
        drop_in = directory / "redoubt.service.d"
        drop_in.mkdir()
        shutil.copy(UNITS / "gpu/redoubt.service.d/gpu.conf", drop_in)
    return directory / "redoubt.service"


def exposure(unit):
    """Of `systemd-analyze security`, in tenths."""
    text = run("systemd-analyze", "security", "--offline=yes", unit).stdout
    found = re.search(r"Overall exposure level for \S+ ([0-9]+)\.([0-9])", text)
    return int(found.group(1)) * 10 + int(found.group(2)) if found else None


def check_units(report):
    """The unit files: understood by systemd, and within their bars of exposure."""
    if shutil.which("systemd-analyze") is None:
        report.check("(no systemd-analyze here: the units were not tried)", True)
        return
    for name, gpu, bar in (("CPU", False, CPU_EXPOSURE_MAX), ("GPU", True, GPU_EXPOSURE_MAX)):
        with tempfile.TemporaryDirectory() as directory:
            unit = copy_units(pathlib.Path(directory), gpu)
            verified = run("systemd-analyze", "verify", unit, unit.with_suffix(".socket"))
            ours = [line for line in verified.stderr.splitlines() if "redoubt" in line]
            report.check(f"{name} unit: systemd finds nothing wrong", verified.returncode == 0 and not ours, ours)
            score = exposure(unit)
            report.check(f"{name} unit: exposure at most {bar / 10}", score is not None and score <= bar, score)
            report.figures[f"exposure {name}"] = f"{score / 10}"
    users = run("systemd-sysusers", "--dry-run", "--root=/", UNITS / "redoubt.sysusers.conf")
    report.check("the users can be made", users.returncode == 0, "" if users.returncode == 0 else users.stderr.strip())
