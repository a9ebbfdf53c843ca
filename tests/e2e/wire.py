"""A client that can misbehave: HTTP written byte by byte over a real TLS connection."""
import http.client
import json
import os
import socket
import ssl
import struct

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
TIMEOUT_SECONDS = 60


class Wire:
    """One TLS connection. `context` is service.tls(), made once: loading it costs more than a handshake."""

    def __init__(self, service, context, receive_buffer=None):
        raw = socket.socket()
        raw.settimeout(TIMEOUT_SECONDS)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.connect(("127.0.0.1", service.port))
        self.socket = context.wrap_socket(raw, server_hostname="127.0.0.1")
        self.sent = 0

    def send(self, data):
        data = data.encode("latin-1") if isinstance(data, str) else data
        self.socket.sendall(data)
        self.sent += len(data)

    def send_until_refused(self, piece, bytes_max):
        """Goes on until the other side hangs up or bytes_max are gone."""
        try:
            while self.sent < bytes_max:
                self.send(piece)
        except OSError:
            pass

    def answer(self, method="POST"):
        """Status, headers and body of one response; None when the connection ends without one."""
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            return response.status, response.getheaders(), response.read()
        except (http.client.HTTPException, OSError):
            return None

    def rest(self):
        """Every byte until the other side closes."""
        pieces = []
        try:
            while piece := self.socket.recv(65536):
                pieces.append(piece)
        except OSError:
            pass
        return b"".join(pieces)

    def reset(self):
        """Ends the connection with a RST, as a pulled cable and a reboot would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def finish_sending(self):
        """Half-closes below TLS, which the ssl module would take for the end of both ways."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as raw:
            raw.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def head(service, length=None, method="POST", path=TEXT, extra="", key=None, kind="application/json"):
    """A header block. `extra` is whole lines, each with its line end."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Authorization: Bearer {key or service.api_key}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join(lines) + "\r\n" + extra + "\r\n"


def post_bytes(service, path, body, key=None, extra=""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head(service, len(data), path=path, key=key, extra=extra).encode("latin-1") + data


def exchange(service, context, data):
    with Wire(service, context) as wire:
        try:
            wire.send(data)
        except OSError:
            pass  # it answered and hung up before everything was sent
        return wire.answer()


def new_context(service):
    context = service.tls()
    assert context.minimum_version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    return context
