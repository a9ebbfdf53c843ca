"""Many streams from one light process: each client asks, reads its answer as it comes, and asks again.

Reads one JSON object from standard input, runs until that ends or, with `once`, until each has had an answer, and prints
one JSON object: tokens and seconds, answers, faults, and where `keep` is set the distinct texts of each client.
"""
import collections
import json
import select
import socket
import ssl
import sys
import time

SEND_SECONDS = 30
LAST_CHUNK = b"\r\n0\r\n\r\n"


def request(plan, client):
    body = json.dumps({"model": plan["model"], "prompt": plan["prompts"][client % len(plan["prompts"])],
                       "seed": client, "temperature": 1.0, "max_tokens": plan["tokens"], "ignore_eos": True,
                       "stream": True})
    key = plan["keys"][client % len(plan["keys"])]
    return (f"POST /v1/completions HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Client:
    def __init__(self, plan, number, context):
        self.plan, self.number = plan, number
        self.request = request(plan, number)
        self.context = context
        self.socket = None
        self.received = []  # of this answer; no more than its beginning where nobody compares texts
        self.tail = b""

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.plan["port"]), timeout=SEND_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.context.wrap_socket(raw, server_hostname="127.0.0.1")

    def ask(self):
        self.received.clear()
        self.tail = b""
        self.socket.settimeout(SEND_SECONDS)
        self.socket.sendall(self.request)
        self.socket.setblocking(False)

    def read(self):
        """What has come: tokens, and whether that was the end of the answer."""
        tokens, ended = 0, False
        try:
            while not ended:
                piece = self.socket.recv(65536)
                if not piece:
                    raise ConnectionError("the connection ended in the middle of an answer")
                tokens += piece.count(b'"finish_reason":null')
                if self.plan["keep"] or not self.received:
                    self.received.append(piece)
                self.tail = self.tail[-len(LAST_CHUNK):] + piece[-len(LAST_CHUNK):]
                ended = self.tail.endswith(LAST_CHUNK)
                if not self.socket.pending():
                    break
        except ssl.SSLWantReadError:
            pass
        return tokens, ended

    def text(self):
        """Of the answer just read; raises when it is not a whole good one."""
        _, _, body = b"".join(self.received).partition(b"\r\n\r\n")
        events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
        if events[-1].strip() != b"[DONE]":
            raise ConnectionError("a stream without its end")
        choices = [json.loads(event)["choices"][0] for event in events[:-1]]
        if choices[-1]["finish_reason"] != "length":
            raise ConnectionError(f"finished by {choices[-1]['finish_reason']}")
        return "".join(choice["text"] or "" for choice in choices)


class Crowd:
    def __init__(self, plan):
        self.plan = plan
        self.context = ssl.create_default_context(cafile=plan["ca"])
        self.epoll = select.epoll()
        self.clients = {}
        self.faults = []
        self.answers = self.tokens = 0
        self.texts = collections.defaultdict(set)

    def start(self, client):
        try:
            client.connect()
            client.ask()
        except OSError as error:
            self.fault(client, error)
            return
        self.clients[client.socket.fileno()] = client
        self.epoll.register(client.socket.fileno(), select.EPOLLIN)

    def fault(self, client, error):
        self.faults.append(f"client {client.number}: {error}")
        if client.socket is not None and self.clients.pop(client.socket.fileno(), None):
            self.epoll.unregister(client.socket.fileno())
            client.socket.close()

    def on_readable(self, client):
        tokens, ended = client.read()
        if not client.received[0].startswith(b"HTTP/1.1 200"):
            raise ConnectionError(client.received[0].decode())
        self.tokens += tokens
        if not ended:
            return
        if self.plan["keep"]:
            self.texts[client.number].add(client.text())
        self.answers += 1
        client.ask()

    def run(self):
        for number in range(self.plan["clients"]):
            self.start(Client(self.plan, number, self.context))
        if not self.plan["once"]:
            self.epoll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        started = time.monotonic()
        told = False
        while not told and self.clients:
            if self.plan["once"] and len(self.texts) == len(self.clients):
                break
            for fd, _ in self.epoll.poll(1):
                client = self.clients.get(fd)
                if client is None:
                    told = fd == sys.stdin.fileno()
                    continue
                try:
                    self.on_readable(client)
                except (OSError, ValueError, IndexError) as error:
                    self.fault(client, error)
        return {"tokens": self.tokens, "seconds": time.monotonic() - started, "answers": self.answers,
                "faults": self.faults, "texts": {number: sorted(texts) for number, texts in self.texts.items()}}


if __name__ == "__main__":
    print(json.dumps(Crowd(json.loads(sys.stdin.readline())).run()))
