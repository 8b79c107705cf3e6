"""Loads that tests and ./dev soak put on a server: streams of many gigabytes, and a mix of everything."""
import random
import threading
import time

from harness import Closed

BLOCK = bytes(1 << 20)


class PssWatch:
    """Samples a server's memory while it lives."""

    def __init__(self, server, every=0.05, kind="Pss"):
        self.samples = []  # (seconds since the begin, bytes)
        self._server = server
        self._every = every
        self._kind = kind
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        begin = time.monotonic()
        while True:
            self.samples.append((time.monotonic() - begin, self._server.pss(self._kind)))
            if self._ended.wait(self._every):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    @property
    def peak(self):
        return max(value for _, value in self.samples)

    def between(self, begin, end):
        """The median of the samples in a span of time."""
        values = sorted(value for at, value in self.samples if begin <= at < end)
        return values[len(values) // 2]


def upload(server, count, path="/upload", chunked=False):
    """Sends `count` bytes as fast as they are taken; how many the handler saw."""
    with server.connect(timeout=600) as connection:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {count}"
        connection.send(f"POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode())
        left = count
        while left:
            part = min(left, len(BLOCK))
            if chunked:
                connection.send(f"{part:x}\r\n".encode())
            connection.send(BLOCK if part == len(BLOCK) else BLOCK[:part])
            if chunked:
                connection.send(b"\r\n")
            left -= part
        if chunked:
            connection.send(b"0\r\n\r\n")
        return connection.answer().json()["bytes"]


def download(server, path, pause=0.0, pauses=0):
    """Reads the whole body, with `pauses` pauses of `pause` seconds early on; how many bytes came."""
    with server.connect(timeout=600) as connection:
        connection.send_request("GET", path)
        status, headers = connection.head()
        if status != 200:
            raise AssertionError(f"{status} {headers}")
        total = int(headers["content-length"])
        received = len(connection.buffer)
        room = bytearray(1 << 20)
        while received < total:
            if pauses:
                pauses -= 1
                time.sleep(pause)
            got = connection.socket.recv_into(room)
            if got == 0:
                raise Closed(f"after {received} of {total} bytes")
            received += got
        return received


class MixedLoad:
    """Threads that do everything that clients do, right and wrong. What must not be is kept in `failures`."""

    def __init__(self, server, threads=4, seed=None):
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.requests = 0
        self.failures = []
        self._server = server
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(self.seed + number,)) for number in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, seed):
        choose = random.Random(seed)
        connection = None
        while not self._ended.is_set():
            try:
                if connection is None:
                    connection = self._server.connect()
                if not self._step(choose, connection):
                    connection.close()
                    connection = None
                with self._lock:
                    self.requests += 1
            except (OSError, Closed, AssertionError) as error:
                with self._lock:
                    self.failures.append(repr(error))
                connection = None
        if connection is not None:
            connection.close()

    @staticmethod
    def _step(choose, connection):
        """One step; False: the connection is of no more use."""
        def expect(answer, status):
            if answer.status != status:
                raise AssertionError(f"{status} was expected: {answer}")

        json_type = {"Content-Type": "application/json"}
        kind = choose.randrange(12)
        if kind < 4:
            expect(connection.request("GET", "/hello", {"X-Noise": "n" * choose.randrange(1, 2000)}), 200)
        elif kind == 4:
            expect(connection.request("GET", f"/nowhere/{choose.randrange(1 << 30)}"), 404)
        elif kind == 5:
            expect(connection.request("GET", "/throw"), 500)
        elif kind == 6:
            name = "n" * choose.randrange(1, 500)
            expect(connection.request("POST", "/items", json_type, b'{"name":"%s","count":3}' % name.encode()), 201)
        elif kind == 7:
            expect(connection.request("POST", "/items", json_type, b'{"name":3}'), 422)
        elif kind == 8:
            expect(connection.request("POST", "/collect", body=BLOCK[:choose.randrange(300_000)]), 200)
        elif kind == 9:
            expect(connection.request("POST", "/upload", body=BLOCK[:choose.randrange(300_000)]), 200)
        elif kind == 10:
            expect(connection.request("GET", f"/download/{choose.randrange(300_000)}"), 200)
        elif choose.randrange(2):
            connection.send(b"GET / HTTP/1.1\r\nHost : a\r\n\r\n")
            expect(connection.answer(), 400)
            return False
        else:
            connection.send(b"GET /download/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.head()
            return False
        return choose.randrange(20) != 0
