#!/usr/bin/env python3
"""What an operator meets who installs a build with CUDA on a machine that has no GPU: the service computes on the processor and
says why; where the configuration insists on a GPU it says that instead of serving; `redoubt doctor` names the cause."""
import json
import subprocess
import sys
import time

from service import Service
from tally import Tally

tally = Tally()
check = tally.check
QUESTION = {"messages": [{"role": "user", "content": "What is Redoubt?"}], "max_tokens": 12, "temperature": 0}


def status_of(service):
    done = service.run("status", "--config", service.config, "--json", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def engine_of(status):
    return next((role for role in status.get("roles", []) if role["name"] == "engine"), {})


def answer(service):
    status, _, body = service.request("POST", "/v1/chat/completions", {"model": service.name, **QUESTION})
    return status, body["choices"][0]["message"]["content"] if status == 200 else body


def linked_libraries(binary):
    done = subprocess.run(["readelf", "-d", binary], check=True, capture_output=True, text=True)
    return [line.split("[")[1].rstrip("]") for line in done.stdout.splitlines() if "(NEEDED)" in line]


def check_binary(service):
    libraries = linked_libraries(service.binary)
    check(len(libraries) > 5, "the binary's libraries can be read", libraries)
    for name in libraries:
        check(not any(word in name for word in ("cuda", "nvidia", "nccl", "cublas")), f"not linked with {name}")


def check_service(backend):
    with Service(settings={"engine.backend": backend}) as service:
        if backend == "auto":
            check_binary(service)
        code, text = answer(service)
        check(code == 200 and text, f"{backend}: answers", text)
        status = status_of(service)
        check(status.get("state") == "ready", f"{backend}: is ready", status.get("state"))
        report = json.dumps(engine_of(status).get("report", {}))
        check("cpu-" in report, f"{backend}: computes with the processor's kernels", report)
        if backend == "auto":
            check("driver" in report, "auto: the report says that there is no driver", report)
            shown = service.run("status", "--config", service.config).stdout
            check("driver" in shown, "auto: so does the status for people", shown)
        return text


def check_insisting():
    """With engine.backend = "cuda" nothing is served by a processor that nobody asked for."""
    service = Service(settings={"engine.backend": "cuda"}).launch()
    try:
        deadline = time.monotonic() + 30
        shown = ""
        while time.monotonic() < deadline and "driver" not in shown:
            shown = service.run("status", "--config", service.config, check=False).stdout
            time.sleep(0.3)
        check("driver" in shown, "cuda: the status says that there is no driver", shown)
        code, body = answer(service)
        check(code == 503, "cuda: requests are refused with 503", (code, body))
    finally:
        service.close()


def check_doctor():
    with Service() as service:
        done = service.run("doctor", "--config", service.config, check=False)
        print(done.stdout)
        check(done.returncode in (0, 1), "doctor ends", done.returncode)
        check("no NVIDIA GPU" in done.stdout, "doctor: there is no GPU")
        check("built with CUDA" in done.stdout, "doctor: the build has CUDA")
        found = json.loads(service.run("doctor", "--config", service.config, "--json", check=False).stdout)
        levels = {entry["check"]: entry["level"] for entry in found["findings"]}
        check(levels.get("gpu.cards") == "note", "doctor: no GPU is no fault where none is wanted", levels)
        check(all(entry.get("mend") for entry in found["findings"] if entry["level"] in ("warning", "fault")),
              "doctor: whatever is wrong has a mend")
        insisting = service.directory / "insisting.toml"
        text = service.config.read_text()
        insisting.write_text(text.replace("[engine]", '[engine]\nbackend = "cuda"') if "[engine]" in text
                             else text + '\n[engine]\nbackend = "cuda"\n')
        wanted = service.run("doctor", "--config", insisting, "--json", check=False)
        levels = {entry["check"]: entry["level"] for entry in json.loads(wanted.stdout)["findings"]}
        check(wanted.returncode == 1 and levels.get("gpu.cards") == "fault", "doctor: it is one where one is wanted", levels)


def main():
    by_choice = check_service("auto")
    by_name = check_service("cpu")
    check(by_choice == by_name, "the answer is the processor's own", (by_choice, by_name))
    check_insisting()
    check_doctor()
    print(f"cuda-nodriver: {tally.passed} of {tally.passed + tally.failed} checks")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
