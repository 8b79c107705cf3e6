"""Clients that are slow on purpose are cut at the time-outs, while a good client is served as before.

The time-outs are short here; ./dev soak runs slowhttptest with the defaults."""
# Measures: runs alone.
import multiprocessing
import selectors
import socket
import time
import unittest

import harness
from harness import Server

CLIENTS = 200
TCP_ESTABLISHED = 1  # <netinet/tcp.h>
TIMEOUTS = {"WEIR_TEST_HEADER_TIMEOUT_MS": 1000, "WEIR_TEST_STALL_TIMEOUT_MS": 1000, "WEIR_TEST_IDLE_TIMEOUT_MS": 1500,
            "WEIR_TEST_LINGER_TIMEOUT_MS": 500}


class Probe:
    """A good client that asks steadily, in a process of its own; how long each answer took."""

    def __init__(self, server):
        self.seconds = []
        fork = multiprocessing.get_context("fork")
        self._here, there = fork.Pipe()
        self._process = fork.Process(target=self._run, args=(server.port, there), daemon=True)

    @staticmethod
    def _run(port, pipe):
        seconds = []
        with harness.Connection(socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)) as connection:
            while not pipe.poll(0.004):
                begin = time.monotonic()
                if connection.request("GET", "/hello").status != 200:
                    break
                seconds.append(time.monotonic() - begin)
            else:
                pipe.send(seconds)
                return
        pipe.send(None)

    def __enter__(self):
        self._process.start()
        return self

    def __exit__(self, *_):
        self._here.send("end")
        self.seconds = self._here.recv()
        self._process.join()
        if self.seconds is None:
            raise AssertionError("the good client was refused")

    def p99(self):
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


def drip(server, count, opening, piece, every, seconds, read=0):
    """`count` connections that send `opening`, then `piece` each `every` seconds, and read `read` bytes as often.
    Returns after how long each was closed (None: it was not), and what it had received."""
    clients = {}
    for _ in range(count):
        client = socket.socket()
        if read:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.setblocking(False)
        client.send(opening)
        clients[client] = [time.monotonic(), None, b""]
    begin = time.monotonic()
    next_piece = begin + every
    with selectors.DefaultSelector() as selector:
        if not read:
            for client in clients:
                selector.register(client, selectors.EVENT_READ)
        while time.monotonic() - begin < seconds and any(one[1] is None for one in clients.values()):
            for key, _ in selector.select(max(0.0, next_piece - time.monotonic())):
                take(clients, key.fileobj, 65536)
                if clients[key.fileobj][1] is not None:
                    selector.unregister(key.fileobj)
            if time.monotonic() >= next_piece:
                next_piece += every
                if not selector.get_map():
                    time.sleep(max(0.0, next_piece - time.monotonic() - every / 2))
                for client, one in clients.items():
                    if one[1] is not None:
                        continue
                    if read:
                        take(clients, client, read)
                        # The reset is known before all that was buffered is read.
                        if client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_ESTABLISHED:
                            one[1] = one[1] or time.monotonic() - one[0]
                    if piece:
                        try:
                            client.send(piece)
                        except BlockingIOError:
                            pass
                        except OSError:
                            pass  # noticed when it is read
    for client in clients:
        client.close()
    return [one[1] for one in clients.values()], [one[2] for one in clients.values()]


def take(clients, client, size):
    one = clients[client]
    try:
        data = client.recv(size)
    except BlockingIOError:
        return
    except OSError:
        data = b""
    if data:
        one[2] += data[:200]
    else:
        one[1] = time.monotonic() - one[0]


class SlowClients(unittest.TestCase):
    def attack(self, name, **arguments):
        with Server(env=TIMEOUTS) as server:
            with Probe(server) as quiet:
                time.sleep(1)
            with Probe(server) as probe:
                closed, received = drip(server, CLIENTS, seconds=8 * harness.SLOWER, **arguments)
            cut = [seconds for seconds in closed if seconds is not None]
            print(f"{name}: {len(cut)} of {CLIENTS} cut after {min(cut, default=0):.2f} to {max(cut, default=0):.2f} s; "
                  f"good client's P99 {quiet.p99() * 1e3:.2f} ms quiet, {probe.p99() * 1e3:.2f} ms under attack")
            self.assertEqual(len(cut), CLIENTS)
            self.assertLess(probe.p99(), max(3 * quiet.p99(), 0.050 * harness.SLOWER))
            harness.wait_until(lambda: server.metric("weir_connections_open") == 1, "the slow connections are gone")
            return cut, received

    def test_slow_heads(self):
        cut, received = self.attack("slow heads", opening=b"GET /hello HTTP/1.1\r\nHost: a\r\n", piece=b"X-a: b\r\n",
                                    every=0.2)
        self.assertGreater(min(cut), 0.9)
        self.assertLess(max(cut), 3.0 * harness.SLOWER)
        self.assertTrue(all(text.startswith(b"HTTP/1.1 408 ") for text in received))

    def test_slow_bodies(self):
        cut, received = self.attack(
            "slow bodies", opening=b"POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", piece=b"xy",
            every=0.2)
        self.assertGreater(min(cut), 0.9)
        self.assertLess(max(cut), 4.0 * harness.SLOWER)
        self.assertTrue(all(text.startswith(b"HTTP/1.1 408 ") for text in received), received[0])

    def test_slow_readers(self):
        self.attack("slow readers", opening=b"GET /download/50000000 HTTP/1.1\r\nHost: a\r\n\r\n", piece=b"", every=0.2,
                    read=16)

    def test_slow_readers_of_files(self):
        self.attack("slow readers of a file", opening=b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n", piece=b"", every=0.2,
                    read=16)

    def test_slow_but_steady_readers_are_served(self):
        # The kernel has room again only when much of its buffer has left: at this pace, after several stall time-outs.
        with Server(env=TIMEOUTS) as server:
            for path in ("/download/50000000", "/file"):
                with self.subTest(path), socket.socket() as client:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
                    client.connect(("127.0.0.1", server.port))
                    client.settimeout(harness.PATIENCE)
                    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    for _ in range(40):
                        self.assertNotEqual(client.recv(8000), b"")
                        time.sleep(0.1)

    def test_silent_clients(self):
        cut, _ = self.attack("silent", opening=b"", piece=b"", every=0.2)
        self.assertLess(max(cut), 3.0 * harness.SLOWER)

    def test_idle_connections_are_closed(self):
        cut, _ = self.attack("idle", opening=b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", piece=b"", every=0.2)
        self.assertGreater(min(cut), 1.4)


if __name__ == "__main__":
    harness.main()
