#!/usr/bin/env python3
"""The whole service on GPUs whose kernels run on emulated threads (tests/e2e/emulated_redoubt): sandboxed engine, CUDA backend, recorded steps, tokens drawn
on the device. An answer is the same alone and in company, after its engine was killed in the middle, and on two GPUs that share each layer; a GPU that
falls ill hands over to the next one, and the last of them to the processor.

usage: emulated_gpu.py BUILD. The last line is the figure.
"""
import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from demo_models import synthetic_model  # noqa: E402
from gpu_care_fake import FakeNvml, uuid_of  # noqa: E402
from service import Service  # noqa: E402
from tally import Tally  # noqa: E402

CHAT = "/v1/chat/completions"
GPU_KERNELS = "emulated-sm90a"
PATIENCE_SECONDS = 30
XID_CRITICAL = 8
FALLEN_OFF_THE_BUS = 79

tally = Tally()
check = tally.check


def request_of(service, prompt, tokens, **sampling):
    return {"model": service.name, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, "temperature": 0,
            **sampling}


def text_of(service, prompt, tokens=16, **sampling):
    status, _, body = service.request("POST", CHAT, request_of(service, prompt, tokens, **sampling))
    return body["choices"][0]["message"]["content"] if status == 200 else f"{status} {body}"


def engine_of(service):
    status = json.loads(service.run("status", "--config", service.config, "--json").stdout)
    return next(role for role in status["roles"] if role["name"] == "engine")


def kernels_of(service):
    engine = engine_of(service)
    return engine.get("report", {}).get("kernels", "") if engine["state"] == "ready" else ""


def until(wanted, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if wanted():
            return check(True, what)
        time.sleep(0.1)
    return check(False, what)


class Stream(threading.Thread):
    def __init__(self, service, prompt, tokens, **sampling):
        super().__init__(daemon=True)
        self.service, self.body = service, {**request_of(service, prompt, tokens, **sampling), "stream": True}
        self.text, self.pieces, self.ended = "", 0, False
        self.start()

    def run(self):
        connection = self.service.connect(120)
        connection.request("POST", CHAT, json.dumps(self.body), {"Authorization": f"Bearer {self.service.api_key}",
                                                                 "Content-Type": "application/json"})
        for line in connection.getresponse():
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:])["choices"]
                self.text += (choices[0]["delta"].get("content") or "") if choices else ""
                self.pieces += 1
            self.ended = self.ended or line.startswith(b"data: [DONE]")
        connection.close()


# Greedy, and drawn in every way that the device draws; the last asks for what only the host does.
REQUESTS = [
    ("What is Redoubt?", {}),
    ("Who signs a bundle?", {"temperature": 0.9, "seed": 7}),
    ("What is Redoubt?", {"temperature": 1.2, "seed": 8, "top_p": 0.8}),
    ("How does it start?", {"temperature": 0.7, "seed": 9, "top_k": 20, "min_p": 0.02}),
    ("What is the log?", {"temperature": 0.8, "seed": 10, "frequency_penalty": 0.5}),
]


def check_bits(service):
    """Alone, all at once, all at once again."""
    alone = [text_of(service, prompt, **sampling) for prompt, sampling in REQUESTS]
    for text in alone:
        check(len(text) > 10 and not text[0].isdigit(), "a request is answered", text)
    for _ in range(2):
        with concurrent.futures.ThreadPoolExecutor(len(REQUESTS)) as pool:
            together = list(pool.map(lambda r: text_of(service, r[0], **r[1]), REQUESTS))
        for one, other in zip(alone, together):
            check(one == other, "an answer in company is the one alone", (one, other))
    return alone


def check_kill(service):
    """The engine ends in the middle of three answers, which go on as they would have."""
    undisturbed = [Stream(service, prompt, 24, **sampling) for prompt, sampling in REQUESTS[:3]]
    for stream in undisturbed:
        stream.join(120)
    streams = [Stream(service, prompt, 24, **sampling) for prompt, sampling in REQUESTS[:3]]
    while not all(stream.pieces > 4 or stream.ended for stream in streams):
        time.sleep(0.01)
    os.kill(engine_of(service)["pid"], signal.SIGKILL)
    for before, stream in zip(undisturbed, streams):
        stream.join(120)
        check(stream.ended and stream.text == before.text, "a stream outlives its engine, token for token", (before.text, stream.text))


def check_illness(service, fake, on_gpu, on_cpu):
    """From GPU to GPU to processor, and back."""
    def gpu_in_use():
        return engine_of(service).get("report", {}).get("gpus", [])

    check(gpu_in_use() == [uuid_of(0)], "the first GPU computes", gpu_in_use())
    fake.events(0, [(XID_CRITICAL, FALLEN_OFF_THE_BUS)])
    until(lambda: kernels_of(service) == GPU_KERNELS and gpu_in_use() == [uuid_of(1)], "the second takes over from one that is lost")
    check(text_of(service, REQUESTS[0][0]) == on_gpu, "with the same answer")
    fake.events(1, [(XID_CRITICAL, FALLEN_OFF_THE_BUS)])
    until(lambda: kernels_of(service).startswith("cpu-"), "the processor takes over from the last")
    check(text_of(service, REQUESTS[0][0]) == on_cpu, "with the processor's answer")
    shown = service.run("status", "--config", service.config).stdout
    check("quarantine" in shown, "the status says why", shown)
    for gpu in (0, 1):
        cleared = service.run("gpu", "clear", uuid_of(gpu), "--config", service.config, check=False)
        check(cleared.returncode == 0, "a GPU is cleared", cleared.stderr)
    service.restart()
    until(lambda: kernels_of(service) == GPU_KERNELS, "and computes again")
    check(text_of(service, REQUESTS[0][0]) == on_gpu, "the answer it gave before")


def computes_on(service):
    """How many GPUs, how they share the model, and what the operator reads of it."""
    report = engine_of(service).get("report", {})
    shown = service.run("status", "--config", service.config).stdout
    line = next((line for line in shown.splitlines() if line.strip().startswith("computes on")), "")
    return len(report.get("gpus", [])), report.get("backend", {}).get("split"), line


def check_too_narrow(service, on_cpu):
    """The demonstration is too narrow to be shared out: the processor computes it, and the status says why."""
    service.restart({"engine.gpu_split": "tensor"})
    until(lambda: kernels_of(service).startswith("cpu-"), "a model that cannot be shared out is the processor's")
    gpus, split, line = computes_on(service)
    check((gpus, split) == (0, None) and "cannot be shared out among so many GPUs" in line, "and the status says why", line)
    check(text_of(service, REQUESTS[0][0]) == on_cpu, "with the processor's answer")


def check_sharing(build):
    """Two GPUs that share each layer of a model that is wide enough give the answers of one, and one goes on with them where the other falls ill."""
    os.environ.setdefault("BUILD", str(build))
    prompts = [("Who signs?", {}), ("Who signs?", {"temperature": 0.9, "seed": 7}),
               ("What now?", {"temperature": 0.8, "frequency_penalty": 0.5, "seed": 1})]
    with tempfile.TemporaryDirectory() as directory:
        service = Service(build, binary="tests/e2e/emulated_redoubt", model=synthetic_model("tiny-wide", "Q8_0", directory), name="wide",
                          settings={"engine.backend": "cuda", "engine.step_tokens_max": 32, "gpu.care": "always", "gpu.poll_interval_ms": 250})
    fake = FakeNvml(pathlib.Path(build), service.directory, 2)
    service.settings["gpu.nvml_library"] = str(fake.library)
    service.write_config()
    with service:
        check(computes_on(service)[:2] == (1, None), "one GPU computes what fits on it", computes_on(service))
        alone = [text_of(service, prompt, 8, **sampling) for prompt, sampling in prompts]
        check(all(alone), "and answers", alone)
        # The start compares what it computes with what one GPU did, too (known answers).
        service.restart({"engine.gpu_split": "tensor"})
        gpus, split, line = computes_on(service)
        check((gpus, split) == (2, "tensor") and "2 GPUs that share each layer" in line, "two share each layer where they are asked to", line)
        check(kernels_of(service) == GPU_KERNELS, "with the kernels of one")
        shared = [text_of(service, prompt, 8, **sampling) for prompt, sampling in prompts]
        check(shared == alone, "and give the answers of one", (shared, alone))
        with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
            together = list(pool.map(lambda p: text_of(service, p[0], 8, **p[1]), prompts))
        check(together == alone, "also in company", (together, alone))
        fake.events(1, [(XID_CRITICAL, FALLEN_OFF_THE_BUS)])
        until(lambda: kernels_of(service) == GPU_KERNELS and computes_on(service)[0] == 1, "one goes on alone where the other is lost")
        check([text_of(service, prompt, 8, **sampling) for prompt, sampling in prompts] == alone, "with the same answers")


def check_log(service):
    verified = service.run("audit", "verify", "--config", service.config, check=False)
    check(verified.returncode == 0, "the audit log is whole", verified.stdout + verified.stderr)
    shown = service.run("audit", "show", "--last", 5_000, "--json", "--config", service.config).stdout
    check(GPU_KERNELS in shown, "records name the GPU's kernels")


def main(build):
    with Service(build) as service:
        check(kernels_of(service).startswith("cpu-"), "without a GPU the processor computes", kernels_of(service))
        on_cpu = text_of(service, REQUESTS[0][0])
    service = Service(build, binary="tests/e2e/emulated_redoubt")
    fake = FakeNvml(pathlib.Path(build), service.directory, 2)
    service.settings |= {"gpu.care": "always", "gpu.nvml_library": str(fake.library), "gpu.poll_interval_ms": 250}
    service.write_config()
    with service:
        check(kernels_of(service) == GPU_KERNELS, "with one, the GPU does", kernels_of(service))
        answers = check_bits(service)
        check(answers[0] == on_cpu, "the demonstration's answer is the processor's", (answers[0], on_cpu))
        check_kill(service)
        check_illness(service, fake, answers[0], on_cpu)
        check_log(service)
        check_too_narrow(service, on_cpu)
    check_sharing(build)
    print(f"emulated-gpu: {tally.passed} of {tally.passed + tally.failed} checks")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
