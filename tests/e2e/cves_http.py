"""Holes found in the HTTP library whose packages the appliance is built with, each tried on its gateway."""
import json
import re
import select
import socket
import threading
import time
import zlib

import roles
from cves_site import FULL, GROWTH_KB_MAX, SANITIZED, cve, error_of
from wire import CHAT

BODY_BYTES_MAX = 4 << 20  # as the suite configures it
BODIES_BYTES_MAX = 256 << 20  # all bodies under way together: daemon/gateway/limits.h
LARGE = 64 << 20
CHUNKED = "Transfer-Encoding: chunked\r\n"


def endless(site, start, piece, status, taken_max, code=None):
    """Sends without end: answered `status` before taken_max bytes were taken. Returns how many were."""
    with site.open() as wire:
        wire.send(start)
        wire.send_until_refused(piece, LARGE)
        error_of(wire.answer(), status, code=code)
        # What was sent beyond lies in socket buffers or was thrown away by a connection that had already answered.
        assert wire.sent < taken_max, f"{wire.sent} bytes were taken"
        return wire.sent


@cve("CVE-2025-46728", "chunked body without limit")
def _(site):
    piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    lingering = 16 << 20  # a refused sender may get rid of so much, unread, before it is cut off
    sent = endless(site, site.head(extra=CHUNKED), piece, 413, BODY_BYTES_MAX + lingering + (8 << 20))
    exact = site.head(extra=CHUNKED).encode() + piece * (BODY_BYTES_MAX // 0x10000) + b"1\r\n"
    flat = site.flat(lambda: error_of(site.exchange(exact), 413), 100 if not FULL else 1000, BODY_BYTES_MAX)
    return f"413 at {BODY_BYTES_MAX} bytes (the sender got rid of {sent >> 20} MiB), {flat}"


@cve("CVE-2025-46728", "body without Content-Length")
def _(site):
    def attack():
        with site.open() as wire:
            wire.send(site.head() + "a" * 100_000)
            error_of(wire.answer(), 400, code="invalid_json")  # no length is an empty body; the rest is no request
            assert b" 200 " not in wire.rest()
    return "read as an empty body: 400; " + site.flat(attack)


@cve("CVE-2025-53628", "one header line without end")
def _(site):
    for start, status in (("GET /", 414), ("GET /health HTTP/1.1\r\nHost: a\r\nX: ", 431),
                          ("GET /health HTTP/1.1\r\nHost: a\r\nX", 431)):
        endless(site, start, b"a" * 16_384, status, 24 << 20)
    line = "GET /health HTTP/1.1\r\nHost: a\r\nX: " + "a" * 8_192
    return "414 and 431 after 8 KiB; " + site.flat(lambda: error_of(site.exchange(line), 431))


@cve("CVE-2025-53628", "one chunk-size line without end")
def _(site):
    endless(site, site.head(extra=CHUNKED), b"0" * 16_384, 400, 24 << 20)
    line = site.head(extra=CHUNKED) + "0" * 8_192
    return "400 after 16 digits; " + site.flat(lambda: error_of(site.exchange(line), 400))


@cve("CVE-2025-52887", "100,000 header fields")
def _(site):
    block = "GET /health HTTP/1.1\r\nHost: a\r\n" + "X: a\r\n" * 100_000 + "\r\n"
    fields = "GET /health HTTP/1.1\r\nHost: a\r\n" + "".join(f"X{i}: {'v' * 200}\r\n" for i in range(100)) + "\r\n"
    error_of(site.exchange(block), 431)
    return "431 at field 101; " + site.flat(lambda: error_of(site.exchange(fields), 431))


@cve("CVE-2025-48956", "header block of 1 MiB")
def _(site):
    block = "GET /health HTTP/1.1\r\nHost: a\r\n" + f"X: {'a' * 8_000}\r\n" * 128 + "\r\n"
    return "431 after 32 KiB; " + site.flat(lambda: error_of(site.exchange(block), 431))


def answered(wires):
    """Those that have something to read."""
    by_socket = {wire.socket: wire for wire in wires}
    return [by_socket[each] for each in select.select(list(by_socket), [], [], 0)[0]]


@cve("CVE-2025-53629", "chunked bodies that are never finished, many at once")
def _(site):
    piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    data = site.head(extra=CHUNKED).encode() + piece * 15  # 0.94 MiB, within the limit of one
    before = roles.resident_kb(site.pids["gateway"])
    held, refused = [], 0
    try:
        for _ in range(320):
            wire = site.open()
            held.append(wire)
            try:
                wire.send(data)
            except OSError:
                pass
        time.sleep(0.5)
        peak = roles.resident_kb(site.pids["gateway"]) - before
        for wire in answered(held):
            error_of(wire.answer(), 503, type_="server_error")
            refused += 1
    finally:
        for wire in held:
            wire.close()
    assert refused > 0, "320 bodies of 0.94 MiB were held at once"
    allowed = BODIES_BYTES_MAX // 1024 * (3 if SANITIZED else 2)  # a string's buffer doubles as it grows
    assert peak < allowed, f"{peak} kB were held"
    gone = lambda: roles.resident_kb(site.pids["gateway"]) - before < 16 * GROWTH_KB_MAX  # noqa: E731
    assert roles.until(gone, 10), f"{roles.resident_kb(site.pids['gateway']) - before} kB are still held"
    left = roles.resident_kb(site.pids["gateway"]) - before
    return f"{refused} of 320 answered 503; {peak >> 10} MiB held, {left >> 10} MiB after"


@cve("CVE-2025-23310, CVE-2025-23317", "1,000,000 chunks of one byte")
def _(site):
    data = site.head(extra=CHUNKED).encode() + b"1\r\na\r\n" * 1_000_000
    flat = site.flat(lambda: error_of(site.exchange(data), 400), 20 if not FULL else 200)
    return "400 at chunk 65,537; " + flat


@cve("cpp-httplib 0.43.4", "negative and wrapping chunk sizes")
def _(site):
    seen = []
    for size, status in (("-1", 400), ("-ffffffffffffffff", 400), ("ffffffffffffffff", 413), ("fffffffffffffff0", 413),
                         ("8000000000000000", 413), ("10000000000000001", 400), ("+1", 400), ("0x10", 400)):
        error_of(site.exchange(site.head(extra=CHUNKED) + f"{size}\r\n{'a' * 64}\r\n0\r\n\r\n"), status)
        # The same after a good chunk: the sum must not wrap either.
        error_of(site.exchange(site.head(extra=CHUNKED) + f"1\r\na\r\n{size}\r\naa\r\n"), status)
        seen.append(f"{size} {status}")
    return ", ".join(seen)


@cve("CVE-2025-66577, GHSA-xm2j-vfr9-mg9m", "header names that shadow the peer's address")
def _(site):
    forged = "".join(f"{name}: 127.0.0.1\r\n" for name in (
        "REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT", "X-Forwarded-For", "X-Real-IP", "Forwarded"))
    stranger = "rdk_000000000000_" + "0" * 64
    error_of(site.exchange(site.head(method="GET", path="/v1/models", key=stranger, extra=forged)), 401)
    plain = site.exchange(site.head(method="GET", path="/v1/models"))
    with_names = site.exchange(site.head(method="GET", path="/v1/models", extra=forged))
    assert plain[0] == with_names[0] == 200 and plain[2] == with_names[2]
    assert b"127.0.0.1" not in with_names[2]
    return "no key, no entry: 401; with one, the same answer as without them"


@cve("CVE-2026-46527", "empty X-Forwarded-For")
def _(site):
    for value in ("", " ", ",", ", ,", "," * 4_000):
        answer = site.exchange(site.head(method="GET", path="/v1/models", extra=f"X-Forwarded-For: {value}\r\n"))
        assert answer is not None and answer[0] == 200, answer
    return "200, header without effect"


MARK = "zz-mark-zz"


@cve("CVE-2026-21428", "request text in response headers")
def _(site):
    hostile = [site.head(method="GET", path=f"/v1/models/{MARK}"), site.head(method=MARK[:10].upper(), path="/health"),
               site.head(method="GET", path="/health", extra=f"X-Request-Id: {MARK}\r\nOrigin: https://{MARK}\r\n"
                         f"Access-Control-Request-Headers: {MARK}\r\nIf-None-Match: {MARK}\r\nRange: {MARK}\r\n"),
               site.head(method="GET", path="/health", extra=f"Host2: {MARK}\r\nCookie: {MARK}\r\nVia: {MARK}\r\n"),
               site.head(2, kind=MARK) + "{}", site.head(2, key=MARK) + "{}"]
    bodies = [{**site.body(CHAT), "model": f"{MARK}\r\nX-Injected: 1"}, {**site.body(CHAT), f"{MARK}\r\nX-Injected: 1": 1},
              site.body(CHAT, user=f"{MARK}\r\nX-Injected: 1"), site.body(CHAT, stop=f"\r\nX-Injected: {MARK}")]
    answers = [site.exchange(data) for data in hostile] + [site.post(CHAT, body) for body in bodies]
    names = set()
    for status, headers, _ in answers:
        for name, value in headers:
            assert MARK not in name + value and name.lower() != "x-injected", (status, name, value)
            names.add(name.lower())
    return f"{len(answers)} answers, headers {', '.join(sorted(names))}"


@cve("CVE-2026-45372", "escaped line ends in header values")
def _(site):
    for value in ("a%0d%0aX-Injected: 1", "a%0D%0AX-Injected: 1", "a%0aX-Injected: 1", "%0d", "%0A"):
        error_of(site.exchange(site.head(method="GET", path="/v1/models", extra=f"X: {value}\r\n")), 400)
    error_of(site.exchange(site.head(method="GET", path="/v1/models", extra="X: a\r\n folded\r\n")), 400)
    for twice in ("Content-Length: 2\r\nContent-Length: 3\r\n", CHUNKED + CHUNKED, CHUNKED + "Content-Length: 2\r\n"):
        error_of(site.exchange(site.head(extra=twice) + "{}"), 400)
    return "400, as for folded lines and double framing"


@cve("CVE-2023-26130", "line ends in Content-Type and in the path")
def _(site):
    for kind in ("application/json\rX-Injected: 1", "application/json\nX-Injected: 1", "application/json\x00",
                 "application/json%0d%0aX-Injected: 1"):
        error_of(site.exchange(site.head(2, kind=kind) + "{}"), 400)
    answer = site.exchange(site.head(method="GET", path="/v1/models/a%0d%0aX-Injected:%201"))
    error_of(answer, 404)
    assert "x-injected" not in {name.lower() for name, _ in answer[1]}
    return "400 and 404, nothing injected"


@cve("CVE-2026-22776, CVE-2026-28435", "compressed bodies that inflate past the limit")
def _(site):
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(b"\0" * (1 << 20)) for _ in range(256)] + [packer.flush()])

    def attack(coding, length):
        extra = f"Content-Encoding: {coding}\r\n" + (CHUNKED if length is None else "")
        framed = bomb if length is not None else f"{len(bomb):x}\r\n".encode() + bomb + b"\r\n0\r\n\r\n"
        error_of(site.exchange(site.head(length, extra=extra).encode() + framed), 415)
    for coding in ("gzip", "br", "deflate", "zstd", "gzip, gzip", "identity", "x-gzip"):
        attack(coding, len(bomb))
        attack(coding, None)
    return f"415 to {len(bomb) >> 10} KiB that would be 256 MiB; " + site.flat(lambda: attack("gzip", len(bomb)))


@cve("CVE-2026-28434", "exception text sent to the client")
def _(site):
    provoked = [site.head(2) + "{}", site.head(2) + "[[", site.head(4) + '{"\xff"', "GET / HTTP/9\r\n\r\n",
                site.head(method="GET", path="/v1/models/%ff"), site.head(method="TRACE", path="/"),
                site.head(1, extra="Expect: nothing\r\n") + "1", site.head(400) + "[" * 400,
                site.head(30) + '{"model":1e999,"prompt":"a"}  ', site.head(extra="Upgrade: h2c\r\n")]
    for data in provoked:
        status, headers, body = site.exchange(data)
        text = body.decode() + "".join(f"{name}: {value}\n" for name, value in headers)
        assert not re.search(r"exception|std::|what\(\)|httplib|json\.|\.cc|0x[0-9a-f]{6}|terminate", text, re.I), text
        assert 400 <= status < 500, (status, text)
    return f"{len(provoked)} provoked errors, none says more than our own words"


@cve("cpp-httplib 0.50.0", "trailers in chunked responses")
def _(site):
    body = json.dumps(site.body(CHAT, stream=True, max_tokens=4))
    with site.open() as wire:
        wire.send(site.head(len(body), path=CHAT, extra="TE: trailers\r\nConnection: close\r\n") + body)
        raw = wire.rest()
    assert raw.startswith(b"HTTP/1.1 200") and raw.endswith(b"\r\n0\r\n\r\n"), raw[-200:]
    assert b"\r\ntrailer:" not in raw.lower()
    error_of(site.exchange(site.head(extra=CHUNKED) + "0\r\nX-Injected: 1\r\n\r\n"), 400)
    error_of(site.exchange(site.head(extra=CHUNKED + "Trailer: X\r\n") + "0\r\n\r\n"), 400)
    return "none sent; a client's are refused with 400"


@cve("cpp-httplib 0.53.1", "long paths against recursive route matching")
def _(site):
    for path, status in (("/v1/models/" + "a" * 240, 404), ("/" + "a/" * 127, 404), ("/v1/models/" + "%61" * 81, 404),
                         ("/" + "a" * 300, 414), ("/" + "(a+)+" * 1_600, 414), ("/" + "a" * 100_000, 414)):
        error_of(site.exchange(site.head(method="GET", path=path)), status,
                 param="model" if path.startswith("/v1/models/") else None)
    flat = site.flat(lambda: error_of(site.exchange(f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: a\r\n\r\n"), 414))
    return "404 to 256 bytes, 414 beyond; " + flat


@cve("cpp-httplib 0.53.1", "compressed body without framing")
def _(site):
    packed = zlib.compress(b"\0" * 100_000)
    error_of(site.exchange(site.head(extra="Content-Encoding: gzip\r\n").encode() + packed), 415)
    return "415"


@cve("slow clients (thread per connection)", "half-written requests do not hold workers")
def _(site):
    """The library's own loop gives every connection a thread; half-written requests beyond their number must not count."""
    held = [socket.create_connection(("127.0.0.1", site.service.port)) for _ in range(100)]
    wires = [site.open() for _ in range(100)]
    try:
        for wire in wires:
            wire.send("POST /v1/completions HTTP/1.1\r\nHost: a\r\n")
        times = []
        threads = [threading.Thread(target=lambda: times.append(site.chat() == site.right_answer)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert times == [True] * 4
    finally:
        for each in held + wires:
            each.close()
    return "100 without TLS, 100 without a body: four good requests are served beside them"
