"""Whether a peer echoes over a WebSocket (RFC 6455), before anything is measured."""
import base64
import hashlib
import os
import socket

from . import check

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def verify(running, path="/ws"):
    with socket.create_connection((getattr(running, "host", "127.0.0.1"), running.port), timeout=10) as connection:
        key = base64.b64encode(os.urandom(16))
        connection.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
        stream = connection.makefile("rb")
        status = stream.readline()
        if b" 101 " not in status:
            raise check.Wrong(f"the handshake at {path} is answered with {status[:60]!r}")
        wanted = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        fields = {}
        while (line := stream.readline().strip()):
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip()
        if fields.get(b"sec-websocket-accept") != wanted:
            raise check.Wrong("the handshake's Sec-WebSocket-Accept is not what the key asks for")
        for opcode, text in ((1, b"hello"), (2, os.urandom(64))):
            mask = os.urandom(4)
            connection.sendall(bytes([0x80 | opcode, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text)))
            head = stream.read(2)
            body = stream.read(head[1] & 0x7f) if len(head) == 2 else b""
            if head != bytes([0x80 | opcode, len(text)]) or body != text:
                raise check.Wrong(f"a message of {len(text)} bytes comes back as {(head + body)[:80]!r}")
