"""Holes that cannot be here: why, and what can be looked at to see that it is so.

Each row: the records, what was attacked, why it is absent, and a check of the reason (a function of the site).
"""
import itertools
import os
import re
import subprocess

import roles
from cves_site import SANITIZED, error_of
from service import ROOT
from wire import CHAT, TEXT

LISTEN = "0A"  # of /proc/net/tcp


def refused_members(*members):
    """These members of a body are refused with their name, on both endpoints."""
    def check(site):
        for path, (name, value, code) in itertools.product((CHAT, TEXT), members):
            error_of(site.post(path, site.body(path, **{name: value})), 400, param=name, code=code)
    return check


def refused_parts(*kinds):
    """Content parts of these kinds are refused."""
    def check(site):
        for kind in kinds:
            part = {"type": kind, kind: {"url": "data:image/png;base64,AAAA", "fps": 1e9, "max_frames": 1 << 40}}
            error_of(site.post(CHAT, site.body(CHAT, messages=[{"role": "user", "content": [part]}])), 400,
                     param="messages[0].content[0].type", code="unsupported_value")
    return check


def no_routes(*paths):
    """Neither GET nor POST finds anything at these paths."""
    def check(site):
        for path in paths:
            error_of(site.exchange(site.head(method="GET", path=path)), 404)
            error_of(site.exchange(site.head(2, path=path) + "{}"), 404)
    return check


def one_listener(site):
    """Of all sockets of all processes, one can be reached over a network; the roles' own networks are empty."""
    pids = site.pids.values()
    inodes = set().union(*(roles.sockets(pid) for pid in pids))
    ours = roles.internet_sockets("self", inodes)
    listening = {(protocol, port) for protocol, port, state, _ in ours
                 if state == LISTEN or not protocol.startswith("tcp")}
    assert listening == {("tcp", site.service.port)}, listening
    for role in ("gateway", "engine"):
        if os.readlink(f"/proc/{site.pids[role]}/ns/net") != os.readlink("/proc/self/ns/net"):
            assert roles.internet_sockets(site.pids[role]) == [], role


def no_outbound_code(site):
    """The roles that meet clients and models are filtered, and nothing of the program starts programs or asks for names."""
    for role in ("gateway", "engine"):
        assert roles.status_number(site.pids[role], "Seccomp") == 2, role
    if SANITIZED:
        return  # the sanitizer's own code does
    symbols = subprocess.run(["nm", "-D", "--undefined-only", site.service.binary], capture_output=True, text=True).stdout
    for name in ("system", "popen", "execvp", "gethostbyname", "res_query"):
        assert not re.search(rf"\b{name}(@|$)", symbols, re.MULTILINE), f"{name} is called"
    # Code is loaded at run time by those who ask NVIDIA's driver, and nowhere else.
    loading = {str(path.relative_to(ROOT)) for folder in ("daemon", "hardening", "kernels", "provisioning", "runtime")
               for path in (ROOT / folder).rglob("*.cc") if "dlopen(" in path.read_text(encoding="utf-8")}
    assert loading <= {"daemon/health/nvml_library.cc", "kernels/cuda/driver.cc"}, loading


STRUCTURED = refused_members(*[(name, value, "unsupported_parameter") for name, value in (
    ("structured_outputs", {"regex": "(a+)+$"}), ("guided_regex", "(a|a)*" * 1_000), ("guided_json", {"type": "object"}),
    ("guided_grammar", "root ::= root"), ("guided_choice", ["a"]))],
    ("response_format", {"type": "json_schema", "json_schema": {"name": "a", "schema": {"pattern": "(a+)+$"}}},
     "unsupported_value"), ("guided_decoding_backend", "outlines:disable-any-whitespace", "unknown_parameter"),
    ("grammar", "root ::= root", "unknown_parameter"), ("json_schema", {}, "unknown_parameter"),
    ("regex", "(a+)+$", "unknown_parameter"), ("ebnf", "root ::= root", "unknown_parameter"))
TENSORS = refused_members(*[(name, "gASVAAAA", "unknown_parameter") for name in (
    "prompt_embeds", "inputs_embeds", "input_embeds", "image_embeds", "multi_modal_data", "mm_processor_kwargs",
    "custom_logit_processor", "lora_path", "kv_transfer_params")])
MEDIA = refused_parts("image_url", "video_url", "audio_url", "input_audio", "image", "video", "image_embeds", "file")

ABSENT = [
    ("CVE-2026-55574", "regex of the client, exponential time", "grammars are not offered", STRUCTURED),
    ("CVE-2026-105758, CVE-2026-105760", "video frames chosen by the client", "media are not offered", MEDIA),
    ("CVE-2026-22773", "images that exhaust the decoder", "media are not offered", MEDIA),
    ("CVE-2026-22778 (its decoder)", "heap overflow in the media decoder", "media are not offered", MEDIA),
    ("PYSEC-2026-250 (CVE-2026-56340), CVE-2025-62164, CVE-2026-73557", "tensors and embeddings from the client",
     "no member takes a tensor", TENSORS),
    ("CVE-2025-32444, CVE-2025-29783", "pickle over ZeroMQ on all interfaces", "one socket listens: the gateway's",
     one_listener),
    ("CVE-2026-86793, CVE-2026-15969, CVE-2026-15976, CVE-2026-93088, CVE-2026-3059, CVE-2026-3060, CVE-2026-7301, "
     "CVE-2026-7304, CVE-2026-14890", "pickle over HTTP: weight updates, expert and disaggregation endpoints",
     "no such routes, nothing deserialises objects", no_routes(
         "/update_weights_from_tensor", "/update_weights_from_disk", "/update_weights_from_distributed",
         "/init_weights_update_group", "/load_lora_adapter", "/v1/load_lora_adapter", "/collective_rpc", "/sleep",
         "/set_internal_state", "/open_session", "/start_profile", "/encode", "/v1/rerank", "/v1/score", "/generate")),
    ("CVE-2024-42478, CVE-2024-42479, CVE-2026-34159, CVE-2026-118375", "pointers from the network to an RPC backend",
     "no RPC: one socket listens", one_listener),
    ("CVE-2026-43629", "state files that clients save and restore", "no such routes",
     no_routes("/slots", "/slots/0", "/save", "/v1/cache", "/props", "/lora-adapters")),
    ("CVE-2026-43632, CVE-2026-107183", "tokenise endpoints beside the queue, unloading when idle",
     "no such routes; a model is never unloaded",
     no_routes("/tokenize", "/detokenize", "/apply-template", "/v1/tokenize", "/completion", "/infill", "/embedding")),
    ("CVE-2024-6095, CVE-2026-33626 and kin (their fetching)", "files and models fetched from addresses",
     "nothing can call out: no code for it, and the kernel forbids it", no_outbound_code),
    ("CVE-2026-7482 (its routes)", "models made, pulled and pushed by clients", "no such routes",
     no_routes("/api/create", "/api/pull", "/api/push", "/api/blobs/sha256:0", "/api/generate", "/api/tags",
               "/v2/repository/models/a/load", "/models/apply", "/models/available")),
    ("CVE-2026-42248, CVE-2026-42249 (its updater)", "updates fetched by the product", "no updater", no_outbound_code),
]


def check(site, row):
    records, what, why, look = row
    look(site)
    return f"{records} {what} - {why}"
