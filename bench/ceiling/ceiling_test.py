#!/usr/bin/env python3
"""ceiling_test.py BENCH-CEILING: the program answers, also when pipelined, and SIGTERM ends it with status 0."""
import re
import signal
import socket
import subprocess
import sys

server = subprocess.Popen([sys.argv[1], "--port", "0", "--threads", "2"], stdout=subprocess.PIPE, text=True)
try:
    line = server.stdout.readline()
    port = int(re.search(r"http://127\.0\.0\.1:(\d+) ", line).group(1))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /json HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        received = b""
        while received.count(b'{"message":"Hello, World!"}') < 200:
            piece = client.recv(65536)
            assert piece, received[-500:]
            received += piece
    assert received.startswith(b"HTTP/1.1 200 OK\r\nDate: "), received[:200]
    assert b"\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n" in received, received[:300]
    assert received.count(b"HTTP/1.1 200 OK") == 200
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 ") and answer.endswith(b"\r\n\r\n"), answer
        client.sendall(b"\x82\x85\0\0\0\0hello")
        echo = client.recv(4096)
        assert echo == b"\x82\x05hello", echo
finally:
    server.send_signal(signal.SIGTERM)
    status = server.wait(timeout=10)
assert status == 0, status
assert subprocess.run([sys.argv[1], "--port", "x"], capture_output=True).returncode == 2
