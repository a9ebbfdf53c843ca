#!/usr/bin/env python3
"""What was said, and with which key, stands nowhere on the appliance: prompts, system texts, stop strings, API keys right and wrong, the
TLS key, the site key. A real service is asked in every way there is, at audit.text "digest" and "sealed"; then every file below
STATE/audit, the service's own log and every export are searched for it, in each form that it could have taken.

    audit_secrets.py [--requests N]
"""
import argparse
import base64
import collections
import http.client
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.parse

from service import Service
from tally import Tally

# Each text that must not be found begins and ends with a common part: a hundred thousand markers are as quickly searched for as one, and
# one that was cut off is found as well.
HEAD, TAIL = "Hq7" + secrets.token_hex(8) + "Zw", "Kx4" + secrets.token_hex(8) + "Vn"
# user and metadata.tag are recorded: that they are found shows that the search finds something.
RECORDED = "Rc5" + secrets.token_hex(8) + "Lt"


def marker():
    return f"{HEAD} {secrets.token_hex(6)} {TAIL}"


# ---- the search ---------------------------------------------------------------------------------------------


def base64_forms(needle):
    """The characters that stand for it whatever comes before and after it, at each of the three alignments."""
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + needle + bytes(3))
        inner = text[-(-8 * offset // 6):8 * (offset + len(needle)) // 6]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def forms(needle):
    """Name and bytes of each form of some bytes; of a text, also the forms that only texts have."""
    found = {("raw", needle), ("hex", needle.hex().encode()), ("HEX", needle.hex().upper().encode()),
             ("reversed", needle[::-1]), ("escaped bytes", b"".join(b"\\x%02x" % byte for byte in needle))}
    found |= {("base64", form) for form in base64_forms(needle)}
    try:
        text = needle.decode("ascii")
    except UnicodeDecodeError:
        return found
    for unit in ("utf-16-le", "utf-16-be", "utf-32-le"):
        found.add((unit, text.encode(unit)))
        found |= {(f"base64 of {unit}", form) for form in base64_forms(text.encode(unit))}
    found.add(("JSON escapes", "".join(f"\\u{ord(c):04x}" for c in text).encode()))
    found.add(("JSON ESCAPES", "".join(f"\\u{ord(c):04X}" for c in text).encode()))
    found.add(("URL", urllib.parse.quote(text, safe="").encode()))
    found.add(("URL, all of it", "".join(f"%{ord(c):02x}" for c in text).encode()))
    return found


class Search:
    def __init__(self, needles):
        """`needles`: name and bytes; each must be long enough not to occur by chance."""
        self.forms = []
        for name, needle in needles:
            assert len(needle) >= 12, name
            self.forms += [(f"{name} ({form})", shape) for form, shape in sorted(forms(needle)) if len(shape) >= 12]

    def find(self, content):
        return [name for name, shape in self.forms if shape in content]


def self_test(tally):
    """The search finds each form of a marker in the middle of something else."""
    search = Search([("marker", HEAD.encode())])
    raw = HEAD.encode()
    planted = [raw, raw.hex().encode(), raw.hex().upper().encode(), HEAD.encode("utf-16-le"), HEAD.encode("utf-16-be"),
               json.dumps({"a": HEAD}).encode(), "".join(f"\\u{ord(c):04x}" for c in HEAD).encode(),
               urllib.parse.quote(HEAD).encode(), base64.urlsafe_b64encode(b"\xff" + raw)]
    for offset in range(6):
        planted.append(base64.b64encode(b"\x00" * offset + raw + b"\x07" * (offset % 3)))
    for content in planted:
        tally.check(search.find(b"before" + content + b"after"), "the search finds what is there", repr(content))
    tally.check(not search.find(secrets.token_bytes(1 << 20)), "the search finds nothing in noise")


def contents(directory):
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:  # the auditor goes on writing
                continue


# ---- what is said ------------------------------------------------------------------------------------------


def ask(service, path, body, key=None, headers=None, method="POST"):
    """The status and all of the answer; a body that is no bytes is sent as JSON."""
    connection = service.connect()
    try:
        payload = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, payload, {"Authorization": f"Bearer {key or service.api_key}",
                                                   "Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.HTTPException, ConnectionError):
        return 0, b""
    finally:
        connection.close()


def hang_up(service, body):
    """A stream that nobody reads to its end."""
    connection = service.connect()
    connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(),
                       {"Authorization": f"Bearer {service.api_key}", "Content-Type": "application/json"})
    connection.getresponse().read(1)
    connection.close()
    return 0, b""


def said(service, number):
    """One request with markers wherever a client may put a text; (what kind of outcome is right, status, answer)."""
    model = service.name
    common = {"model": model, "max_tokens": 4, "user": f"{RECORDED}-user", "metadata": {"tag": f"{RECORDED}-tag", "note": marker()}}
    chat = {**common, "stop": [marker()], "messages": [{"role": "system", "content": marker()},
                                                       {"role": "user", "content": f"Say {marker()}"},
                                                       {"role": "assistant", "content": marker()},
                                                       {"role": "user", "content": marker()}]}
    completion = {**common, "prompt": f"Once {marker()}", "stop": marker(), "n": 2}
    known_id = service.api_key.rpartition("_")[0]
    kinds = [
        ("ok", lambda: ask(service, "/v1/chat/completions", chat)),
        ("ok", lambda: ask(service, "/v1/completions", completion)),
        ("ok", lambda: ask(service, "/v1/chat/completions", {**chat, "stream": True})),
        ("echoed", lambda: ask(service, "/v1/completions", {**completion, "n": 1, "echo": True})),
        ("ok", lambda: ask(service, "/v1/completions", {**completion, "prompt": [marker(), marker()]})),
        ("any", lambda: hang_up(service, {**chat, "stream": True, "max_tokens": 64})),
        ("refused", lambda: ask(service, "/v1/chat/completions", {**chat, "model": marker()})),
        ("refused", lambda: ask(service, "/v1/chat/completions", {**chat, "temperature": marker()})),
        ("refused", lambda: ask(service, "/v1/chat/completions", {**chat, marker(): marker()})),
        ("refused", lambda: ask(service, "/v1/chat/completions", {**chat, "messages": marker()})),
        ("refused", lambda: ask(service, "/v1/completions", f'{{"prompt": "{marker()}'.encode())),
        ("refused", lambda: ask(service, "/v1/completions", {**completion, "prompt": (marker() + " ") * 20_000})),
        ("any", lambda: ask(service, f"/v1/models?key={urllib.parse.quote(marker())}", None, method="GET")),
        ("ok", lambda: ask(service, "/v1/chat/completions", chat, headers={"User-Agent": marker(), "Cookie": marker(),
                                                                           "X-Forwarded-For": marker()})),
        ("refused", lambda: ask(service, "/v1/chat/completions", chat, key=marker())),
        ("refused", lambda: ask(service, "/v1/chat/completions", chat, key=f"{HEAD}{secrets.token_hex(32)}{TAIL}")),
        ("refused", lambda: ask(service, "/v1/chat/completions", chat, key=f"{known_id}_{HEAD}{secrets.token_hex(16)}{TAIL}")),
        ("refused", lambda: ask(service, "/v1/models", None, method="GET", headers={
            "Authorization": "Basic " + base64.b64encode(f"user:{marker()}".encode()).decode()})),
    ]
    kind, send = kinds[number % len(kinds)]
    return (kind, *send())


# ---- what must not be found -------------------------------------------------------------------------------


def der_of(pem):
    return base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-----")))


def key_needles(name, pem):
    """A private key as it stands, and what is secret in it: the 32 bytes of a curve's key, or some of an RSA key's."""
    der = der_of(pem)
    scalar = der.find(b"\x04\x20")  # OCTET STRING of 32 bytes, in PKCS#8 of X25519, Ed25519 and P-256
    yield name, der
    yield f"secret bytes of {name}", der[scalar + 2:scalar + 34] if 0 <= scalar < 48 else der[len(der) // 2:][:32]


def needles_of(service, api_keys, opening_key):
    state = pathlib.Path(service.settings["paths.state"])
    yield "text (beginning)", HEAD.encode()
    yield "text (end)", TAIL.encode()
    for number, key in enumerate(api_keys):
        yield f"API key {number}", key.encode()
        secret = key.rpartition("_")[2]
        yield f"secret of API key {number}", secret.encode()
        yield f"secret bytes of API key {number}", bytes.fromhex(secret)
        yield f"half of the secret of API key {number}", secret[:32].encode()
    site_key = (state / "audit-salt.key").read_text().strip()
    yield "site key", bytes.fromhex(site_key)
    yield "half of the site key", bytes.fromhex(site_key)[:16]
    private = [path for path in sorted(state.rglob("*.pem")) if "PRIVATE KEY" in path.read_text()]
    assert private, "where is the TLS key?"
    for path in private:
        yield from key_needles(f"private key {path.name}", path.read_text())
    yield from key_needles("opening key", opening_key)


def exports(service):
    """Everything that the commands say of the log."""
    log = ["--log", str(pathlib.Path(service.settings["paths.state"]) / "audit")]
    for arguments in (["audit", "export", "--format", "ocsf"], ["audit", "export", "--format", "records"],
                      ["audit", "show", "--last", "1000000"], ["audit", "show", "--last", "1000000", "--json"],
                      ["audit", "show", "--type", "request.finished", "--json"], ["audit", "show", "0"],
                      ["usage", "--by", "tag", "--csv"], ["usage", "--by", "key"], ["usage", "--by", "day", "--json"]):
        done = service.run(*arguments, *log, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr}")
        yield " ".join(arguments), (done.stdout + done.stderr).encode()


def search_all(tally, service, search, log_key, when):
    """Returns how many bytes were searched."""
    state = pathlib.Path(service.settings["paths.state"])
    control = RECORDED.encode()
    searched, controls = 0, collections.Counter()
    for path, content in contents(state / "audit"):
        found = search.find(content)
        tally.check(not found, f"{when}: nothing in {path.relative_to(state)}", str(found))
        controls["log"] += content.count(control)
        searched += len(content)
    own = Search([*key_needles("key of the log", log_key)])
    for name, content in [("the service's own log", service.log.read_bytes()), *exports(service)]:
        found = search.find(content) + own.find(content)
        tally.check(not found, f"{when}: nothing in {name}", str(found))
        controls["exports"] += content.count(control) if name != "the service's own log" else 0
        searched += len(content)
    tally.check(controls["log"] > 0 and controls["exports"] > 0, f"{when}: what is recorded is found", str(dict(controls)))
    return searched


def converse(tally, service, requests):
    for number in range(requests):
        kind, status, answer = said(service, number)
        if kind == "ok":
            tally.check(status == 200, "an answer", f"{number}: {status} {answer[:200]}")
        elif kind == "echoed":  # it came as far as the engine
            tally.check(HEAD.encode() in answer and TAIL.encode() in answer, "the marker was in the prompt", str(answer[:200]))
        elif kind == "refused":
            tally.check(400 <= status < 500, "a refusal", f"{number}: {status} {answer[:200]}")


def openssl(*arguments, text=None):
    return subprocess.run(["openssl", *arguments], input=text, check=True, capture_output=True, text=True).stdout


def round_trip(tally, policy, requests):
    """Returns how many bytes were searched."""
    opening = openssl("genpkey", "-algorithm", "X25519")
    public = tempfile.NamedTemporaryFile("w", suffix=".pub.pem")
    public.write(openssl("pkey", "-pubout", text=opening))
    public.flush()
    settings = {"audit.text": policy, **({"audit.sealed_to": public.name} if policy == "sealed" else {})}
    service = Service(settings=settings)
    try:
        service.start()
        created = service.run("api-keys", "create", "while-running", "--config", service.config).stdout
        api_keys = [service.api_key, next(word for word in created.split() if word.startswith("rdk_"))]
        converse(tally, service, requests)
        time.sleep(1.5)  # published
        search = Search(needles_of(service, api_keys, opening))
        audit = pathlib.Path(service.settings["paths.state"]) / "audit"
        log_key = (audit / "key").read_text()
        searched = search_all(tally, service, search, log_key, f"{policy}, running")
        service.stop()
        searched += search_all(tally, service, search, log_key, f"{policy}, stopped")
        sealed = sum(1 for path in (audit / "sealed").rglob("*") if path.is_file()) if (audit / "sealed").exists() else 0
        tally.check((sealed > 0) == (policy == "sealed"), f"{policy}: sealed texts", str(sealed))
        return searched
    finally:
        service.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=90)
    options = parser.parse_args()
    tally = Tally()
    self_test(tally)
    searched = sum(round_trip(tally, policy, options.requests) for policy in ("digest", "sealed"))
    print(f"audit-secrets: {2 * options.requests} requests, {searched} bytes searched, {tally.passed} checks passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
