"""Everything a network can do to a server, at once, until standard input ends. Reads one JSON object from it (port, ca,
key, model, idle), prints one: how often each thing was done and how it ended.

One thread a kind, blocking sockets with time-outs: the cost is mostly that of TLS handshakes, which the rates bound.
"""
import collections
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time

TIMEOUT_SECONDS = 20
RESET = struct.pack("ii", 1, 0)
# Then a held connection is given up for a fresh one: one that is never read does not show that it was cut off.
HOLD_SECONDS = 15


class Hostile:
    def __init__(self, plan):
        self.plan = plan
        self.context = ssl.create_default_context(cafile=plan["ca"])
        self.over = threading.Event()
        self.counts = collections.Counter()
        self.lock = threading.Lock()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def connect(self, receive_buffer=None):
        raw = socket.socket()
        raw.settimeout(TIMEOUT_SECONDS)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.connect(("127.0.0.1", self.plan["port"]))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def secure(self, receive_buffer=None):
        return self.context.wrap_socket(self.connect(receive_buffer), server_hostname="127.0.0.1")

    def hello(self):
        outgoing = ssl.MemoryBIO()
        session = self.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1")
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def head(self, length, method="POST", path="/v1/completions", extra=""):
        return (f"{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {self.plan['key']}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {length}\r\n{extra}\r\n").encode()

    def stream(self, tokens=900):
        body = json.dumps({"model": self.plan["model"], "prompt": f"{random.random()} and", "max_tokens": tokens,
                           "ignore_eos": True, "stream": True, "logprobs": 5}).encode()
        return self.head(len(body)) + body

    # ---- connections that are held --------------------------------------------------------------------

    def hold(self, name, number, make, feed=None, pause=0.2):
        """Keeps `number` connections of a kind; every `pause` seconds `feed` does something to each."""
        held = []
        while not self.over.is_set():
            while len(held) < number and not self.over.is_set():
                try:
                    held.append((make(), time.monotonic() + HOLD_SECONDS * random.uniform(1, 3)))
                    self.count(name)
                except OSError:
                    self.count(name + ": not let in")
                    time.sleep(0.05)
                time.sleep(0.002)
            held = [each for each in held if self.still(name, *each, feed)]
            self.over.wait(pause)
        for each, _ in held:
            each.close()

    def still(self, name, each, until, feed):
        """Whether a held connection is to be held on to; if so, it is fed."""
        try:
            if ended(each):
                self.count(name + ": cut off")
            elif time.monotonic() < until:
                if feed:
                    feed(each)
                return True
        except OSError:
            self.count(name + ": cut off")
        each.close()
        return False

    def begun_handshake(self):
        raw = self.connect()
        raw.sendall(self.hello()[:random.randrange(1, 400)])
        return raw

    def left_handshake(self):
        raw = self.connect()
        raw.sendall(self.hello())
        return raw

    def kept_alive(self):
        secured = self.secure()
        secured.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
        secured.recv(4096)
        return secured

    def slow_header(self):
        secured = self.secure()
        secured.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: test\r\nX: ")
        return secured

    def slow_body(self):
        secured = self.secure()
        secured.sendall(self.head(1_000_000) + b'{"model":"')
        return secured

    def slow_chunks(self):
        secured = self.secure()
        head = self.head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        secured.sendall(head + b"1\r\n{\r\n")
        return secured

    def never_reads(self):
        secured = self.secure(receive_buffer=2_048)
        secured.sendall(self.stream())
        return secured

    def never_reads_ready(self):
        secured = self.secure(receive_buffer=2_048)
        secured.sendall(b"GET /ready HTTP/1.1\r\nHost: test\r\n\r\n" * 990)
        return secured

    def refused(self):
        """Is told so, and stays."""
        secured = self.secure()
        secured.sendall(b"GET /v1/models HTTP/1.1\r\nHost: test\r\n\r\n")
        return secured

    # ---- connections that are broken ------------------------------------------------------------------

    def again(self, name, act, pause):
        while not self.over.wait(pause * random.uniform(0.5, 1.5)):
            try:
                act()
                self.count(name)
            except OSError:
                self.count(name + ": not let in")

    def reset(self, each):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        each.close()

    def reset_at_once(self):
        self.reset(self.connect())

    def reset_in_handshake(self):
        self.reset(self.left_handshake())

    def reset_in_request(self):
        secured = self.secure()
        secured.sendall(self.stream()[:random.randrange(1, 300)])
        self.reset(secured)

    def reset_in_stream(self):
        secured = self.secure()
        secured.sendall(self.stream())
        secured.recv(random.randrange(1, 20_000))
        self.reset(secured)

    def vanish_in_stream(self):
        """Closes below TLS, without its goodbye."""
        secured = self.secure()
        secured.sendall(self.stream())
        secured.recv(100)
        with socket.socket(fileno=secured.detach()) as raw:
            raw.close()

    def half_close(self):
        """Sends no more, and does not read either; gone a second later."""
        secured = self.secure()
        secured.sendall(self.stream(300))
        with socket.socket(fileno=os.dup(secured.fileno())) as raw:
            raw.shutdown(socket.SHUT_WR)
        self.over.wait(1)
        self.reset(secured)

    def garbage(self):
        with self.connect() as raw:
            raw.sendall(random.randbytes(random.randrange(1, 5_000)))

    def garbage_inside(self):
        with self.secure() as secured:
            secured.sendall(random.randbytes(random.randrange(1, 5_000)))

    def run(self):
        idle = self.plan["idle"]

        def byte(each):
            each.sendall(b"a")
        work = [
            (self.hold, "idle, TCP only", idle // 4, self.connect),
            (self.hold, "idle, kept alive", idle // 4, self.kept_alive),
            (self.hold, "handshake begun", idle // 4, self.begun_handshake),
            (self.hold, "handshake left", idle - idle // 4 * 3, self.left_handshake),
            (self.hold, "header byte by byte", 40, self.slow_header, byte),
            (self.hold, "body byte by byte", 20, self.slow_body, byte),
            (self.hold, "chunks byte by byte", 20, self.slow_chunks, byte),
            (self.hold, "never reads", 16, self.never_reads),
            (self.hold, "never reads /ready", 16, self.never_reads_ready),
            (self.again, "reset at once", self.reset_at_once, 0.02),
            (self.again, "reset in handshake", self.reset_in_handshake, 0.05),
            (self.again, "reset in request", self.reset_in_request, 0.1),
            (self.again, "reset in stream", self.reset_in_stream, 0.2),
            (self.again, "vanished in stream", self.vanish_in_stream, 0.3),
            (self.again, "half-closed", self.half_close, 0.1), (self.again, "garbage", self.garbage, 0.1),
            (self.again, "garbage in TLS", self.garbage_inside, 0.2)]
        threads = [threading.Thread(target=function, args=arguments) for function, *arguments in work]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self.over.set()
        for thread in threads:
            thread.join()
        return dict(self.counts)


def ended(each):
    """Whether the other side has closed, looked at below TLS and without reading anything."""
    try:
        with socket.socket(fileno=os.dup(each.fileno())) as raw:
            raw.setblocking(False)
            return raw.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


if __name__ == "__main__":
    print(json.dumps(Hostile(json.loads(sys.stdin.readline())).run()))
