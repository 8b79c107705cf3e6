"""What happens at the limits: descriptors, connections, the log's disk; and clients that break off."""
import os
import re
import resource
import signal
import socket
import struct
import time
import unittest

import harness
from harness import Closed, Server, wait_until


def reset(connection):
    """Closes with a reset (SO_LINGER 0)."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Descriptors(unittest.TestCase):
    @harness.skip_if_sanitized("UBSan's look at a vtable opens a pipe, and takes its failure for a bad object")
    def test_survives_when_there_are_no_more(self):
        with Server(rlimits=[(resource.RLIMIT_NOFILE, 64)]) as server:
            kept = server.connect()
            self.assertEqual(kept.request("GET", "/hello").status, 200)
            clients = []
            for _ in range(300):
                client = socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE)
                clients.append(client)
            time.sleep(0.3)
            self.assertEqual(kept.request("GET", "/hello").status, 200)
            # It must not turn round and round while connections wait that it cannot take.
            before, begin = server.cpu_seconds(), time.monotonic()
            time.sleep(1.5)
            share = (server.cpu_seconds() - before) / (time.monotonic() - begin)
            print(f"out of descriptors: {share * 100:.1f} % of a core")
            self.assertLess(share, 0.15)
            text = kept.request("GET", "/actuator/prometheus").body.decode()
            refused = float(re.search(r"^weir_connections_refused_total (\S+)$", text, re.MULTILINE).group(1))
            self.assertGreater(refused, 0)
            # A file needs a descriptor too.
            self.assertEqual(kept.request("GET", "/file").status, 503)
            for client in clients:
                client.close()
            wait_until(lambda: self._answers(server), "new connections are taken again")
            # Those that closed while they waited are still taken, one after the other.
            wait_until(lambda: kept.request("GET", "/file").status == 200, "files are opened again")

    @staticmethod
    def _answers(server):
        try:
            return server.get("/hello").status == 200
        except (Closed, OSError):
            return False


class Connections(unittest.TestCase):
    def test_over_the_limit_503(self):
        with Server(env={"WEIR_TEST_CONNECTIONS": 50}) as server:
            clients = [server.connect() for _ in range(50)]
            for client in clients:
                self.assertEqual(client.request("GET", "/hello").status, 200)
            for _ in range(20):
                with server.connect() as over:
                    answer = over.request("GET", "/hello")
                    self.assertEqual(answer.status, 503)
                    self.assertEqual(answer.headers.get("connection"), "close")
                    self.assertIn("retry-after", answer.headers)
                    self.assertTrue(over.is_closed())
            self.assertEqual(clients[0].request("GET", "/hello").status, 200)
            clients.pop().close()

            def taken():
                with server.connect() as client:
                    return client.request("GET", "/hello").status == 200
            wait_until(taken, "there is room again")
            text = clients[0].request("GET", "/actuator/prometheus").body.decode()
            self.assertRegex(text, r"(?m)^weir_connections_refused_total (2[0-9]|[3-9][0-9]|[0-9]{3,})$")
            self.assertRegex(text, r'(?m)^weir_requests_refused_total\{status="503",reason="too many connections"\} '
                                   r"(2[0-9]|[3-9][0-9]|[0-9]{3,})$")

    def test_clients_that_break_off_leave_nothing_behind(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.sock")
            with Server("--listen", f"unix:{path}", env={"WEIR_TEST_FILE_BYTES": 50 << 20}) as server:
                def over_unix():
                    client = socket.socket(socket.AF_UNIX)
                    client.connect(path)
                    return harness.Connection(client)

                for connect in (server.connect, over_unix):
                    for request in ("GET /file HTTP/1.1\r\nHost: a\r\n\r\n", "GET /download/50000000 HTTP/1.1\r\nHost: a\r\n\r\n",
                                    "GET /sleep/100000 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /hello HT",
                                    "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n123",
                                    "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
                                    "GET /file HTTP/1.1\r\nHost: a\r\n\r\n" * 50):
                        for end in (harness.Connection.close, reset):
                            for read in (0, 1, 200_000):
                                connection = connect()
                                connection.send(request.encode())
                                while read > 0 and "sleep" not in request and request.startswith("GET /") \
                                        and "HTTP/1.1" in request:
                                    read -= len(connection.socket.recv(65536))
                                end(connection)
                self.assertEqual(server.process.poll(), None)
                wait_until(lambda: server.metric("weir_connections_open") == 1, "all connections are gone")
                self.assertEqual(server.get("/hello").status, 200)
                server.signal()
                self.assertEqual(server.wait()[0], 0)

    def test_what_handlers_throw_is_answered(self):
        with Server() as server, server.connect() as connection:
            for _ in range(50):
                self.assertEqual(connection.request("GET", "/throw").status, 500)
                self.assertEqual(connection.request("GET", "/bad-alloc").status, 500)
                self.assertEqual(connection.request("GET", "/nowhere").status, 404)
                self.assertEqual(connection.request("POST", "/items", {"Content-Type": "application/json"}, b"{").status, 400)
                self.assertEqual(connection.request("GET", "/hello").status, 200)

    def test_a_body_over_the_limit_is_refused(self):
        with Server() as server, server.connect() as connection:
            connection.send(b"POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
            self.assertEqual(connection.answer().status, 413)
            body = b"x" * (4 << 20)
            self.assertEqual(server.post("/collect", body).json(), {"bytes": 4 << 20})


class LogFile(unittest.TestCase):
    def test_signals_open_it_again(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.log")
            with Server(log_file=path) as server:
                self.assertGreater(server.port, 0)  # read now: its line is moved away
                for turn, number in enumerate((signal.SIGHUP, signal.SIGUSR1)):
                    moved = f"{path}.{turn}"
                    server.get(f"/before/{turn}")
                    wait_until(lambda: f"/before/{turn}" in open(path, encoding="utf-8").read(), "the line is there")
                    os.rename(path, moved)
                    server.signal(number)
                    wait_until(lambda: os.path.exists(path), "a new file")
                    server.get(f"/after/{turn}")
                    wait_until(lambda: f"/after/{turn}" in open(path, encoding="utf-8").read(), "the new line")
                    self.assertNotIn(f"/after/{turn}", open(moved, encoding="utf-8").read())
                self.assertEqual(server.metric("log_write_errors_total"), 0)

    def test_lines_are_whole_when_it_is_rotated_under_load(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.log")
            with Server(log_file=path) as server:
                self.assertGreater(server.port, 0)
                with server.connect() as connection:
                    for turn in range(10):
                        for _ in range(200):
                            self.assertEqual(connection.request("GET", "/hello").status, 200)
                        os.rename(path, f"{path}.{turn}")
                        server.signal(signal.SIGHUP)
                        wait_until(lambda: os.path.exists(path), "a new file")
                dropped = server.metric("log_dropped_records_total")
                server.signal()
                self.assertEqual(server.wait()[0], 0)
            lines = []
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    lines += [harness.json.loads(line) for line in file]
            requests = [line for line in lines if "/hello" in harness.json.dumps(line)]
            self.assertEqual(dropped, 0)
            self.assertEqual(len(requests), 2000)

    def test_a_full_disk_costs_lines_and_not_requests(self):
        with Server("--port", 0, log_file="/dev/full", listen=None, ready=False) as server:
            server.port = wait_until(lambda: listening_port(server.pid), "it listens")
            padding = "x" * 3000
            with server.connect() as connection:
                for _ in range(3000):
                    self.assertEqual(connection.request("GET", f"/hello?{padding}", {"User-Agent": padding}).status, 200)
            self.assertGreater(server.metric("log_write_errors_total"), 0)
            self.assertGreater(server.metric("log_dropped_records_total"), 0)
            server.signal()
            status, seconds = server.wait()
            self.assertEqual(status, 0)
            self.assertLess(seconds, 5 * harness.SLOWER)
            self.assertTrue(any("No space left" in line for line in server.raw), server.raw)

    def test_goes_on_when_there_is_room_again(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.log")

            def ignore():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

            with Server(log_file=path, rlimits=[(resource.RLIMIT_FSIZE, 4096)], preexec=ignore,
                        env={"WEIR_TEST_FILE_BYTES": 100}) as server:
                self.assertGreater(server.port, 0)
                with server.connect() as connection:
                    for _ in range(100):
                        self.assertEqual(connection.request("GET", "/hello").status, 200)
                wait_until(lambda: server.metric("log_write_errors_total") > 0, "writing fails")
                self.assertLessEqual(os.path.getsize(path), 4096)
                resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                server.signal(signal.SIGHUP)  # tries at once
                wait_until(lambda: "works again" in open(path, encoding="utf-8").read(), "the log goes on")
                with open(path, encoding="utf-8") as file:
                    whole = [line for line in file if line.endswith("}\n") and line.startswith("{") and "/hello" in line]
                # The ring held them; only the one that was cut where the room ended is in two pieces.
                self.assertGreaterEqual(len(whole), 99)


def listening_port(pid):
    """The TCP port on which a process listens, from /proc."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                return int(fields[1].split(":")[1], 16)
    return None


if __name__ == "__main__":
    harness.main()
