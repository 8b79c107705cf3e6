#!/usr/bin/env python3
"""load_rate_test.py BENCH-LOAD-RATE: a server that answers and one that stops answering, and what each is charged."""
import json
import socket
import subprocess
import sys
import tempfile
import threading


def serve(listener, answered):
    """One connection after the other; none is answered any more after so many requests."""
    while True:
        client, _ = listener.accept()
        while (request := client.recv(4096)):
            assert request.startswith(b"GET /json HTTP/1.1\r\n"), request
            if answered <= 0:
                threading.Event().wait()
            answered -= 1
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def report(answered):
    """What the generator says of 100 requests over a second."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.NamedTemporaryFile("w") as requests:
        threading.Thread(target=serve, args=(listener, answered), daemon=True).start()
        requests.write("GET\t/json\t\t\n")
        requests.flush()
        done = subprocess.run([sys.argv[1], "--port", str(listener.getsockname()[1]), "--rate", "100", "--connections", "1", "--seconds", "1",
                               "--requests", requests.name], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


well = report(100)
assert (well["requests"], well["unanswered"], well["errors"]) == (100, 0, 0), well
assert well["p999_us"] < 1_000_000, well

# It gives up 5 s after the last was due: 95 are answered at once, the one that is under way and the four behind it never.
stalled = report(95)
assert (stalled["requests"], stalled["unanswered"]) == (95, 5), stalled
assert stalled["p90_us"] < 1_000_000 and stalled["p99_us"] >= 5_000_000, stalled
