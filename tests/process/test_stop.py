"""Stopping: SIGTERM, the drain, its deadline, the second signal."""
import signal
import socket
import threading
import time
import unittest

import harness
from harness import Closed, Server, wait_until


class Stop(unittest.TestCase):
    def test_ends_at_once_when_nothing_runs(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Server() as server:
                self.assertEqual(server.get("/hello").status, 200)
                server.signal(number)
                status, seconds = server.wait()
                self.assertEqual(status, 0)
                self.assertLess(seconds, 1.0 * harness.SLOWER)
                server.wait_for_log("stopped")

    def test_idle_connections_close_and_running_requests_end(self):
        with Server() as server:
            idle = server.connect()
            self.assertEqual(idle.request("GET", "/hello").headers.get("connection"), None)
            running = server.connect()
            running.send_request("GET", "/sleep/500")
            blocking = server.connect()
            blocking.send_request("GET", "/blocking/500")
            wait_until(lambda: server.metric("weir_connections_open") >= 3, "three connections")
            time.sleep(0.05)
            server.signal()
            self.assertTrue(idle.is_closed(2 * harness.SLOWER))
            for connection in (running, blocking):
                answer = connection.answer()
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.headers.get("connection"), "close")
                self.assertTrue(connection.is_closed())
            status, _ = server.wait()
            self.assertEqual(status, 0)

    def test_no_new_connections_while_it_drains(self):
        with Server() as server:
            port = server.port
            running = server.connect()
            running.send_request("GET", "/sleep/1000")
            time.sleep(0.1)
            server.signal()

            def refused():
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                except ConnectionError:  # reset: the port closed during the handshake
                    return True
                return False

            wait_until(refused, "the port is closed", 0.8 * harness.SLOWER)
            self.assertEqual(running.answer().status, 200)
            self.assertEqual(server.wait()[0], 0)

    def test_readiness_fails_during_the_drain_delay_while_requests_are_served(self):
        with Server(env={"WEIR_TEST_DRAIN_DELAY_MS": 700}) as server:
            keep_alive = server.connect()
            self.assertEqual(keep_alive.request("GET", "/health/ready").status, 200)
            server.signal()
            wait_until(lambda: server.get("/health/ready").status == 503, "readiness fails", 0.5 * harness.SLOWER)
            self.assertEqual(server.get("/health/live").status, 200)
            self.assertEqual(server.get("/healthz").status, 200)
            # Clients that keep connections learn in good time that they have to make new ones, elsewhere.
            answer = keep_alive.request("GET", "/hello")
            self.assertEqual((answer.status, answer.headers.get("connection")), (200, "close"))
            status, seconds = server.wait()
            self.assertEqual(status, 0)

    def test_a_connection_just_made_still_gets_its_answer(self):
        with Server() as server:
            fresh = server.connect()
            wait_until(lambda: server.metric("weir_connections_open") >= 2, "the connection is accepted")
            server.signal()
            server.wait_for_log("stopping")
            time.sleep(0.1)
            answer = fresh.request("GET", "/hello")
            self.assertEqual((answer.status, answer.headers.get("connection")), (200, "close"))
            self.assertEqual(server.wait()[0], 0)

    def test_a_connection_that_says_nothing_does_not_hold_up_the_drain(self):
        with Server() as server:
            silent = server.connect()
            begun = server.connect()
            begun.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n")
            time.sleep(0.1)
            server.signal()
            status, seconds = server.wait()
            self.assertEqual(status, 0)
            self.assertLess(seconds, 2 * harness.SLOWER)
            silent.close()
            begun.close()

    def test_the_deadline_cancels_what_still_runs(self):
        with Server(env={"WEIR_TEST_DRAIN_TIMEOUT_MS": 300}) as server:
            running = server.connect()
            running.send_request("GET", "/sleep/20000")
            stubborn = server.connect()
            stubborn.send_request("GET", "/sleep-on/20000")
            streaming = server.connect()
            streaming.send_request("GET", "/download/1000000000")
            time.sleep(0.1)
            server.signal()
            status, seconds = server.wait()
            self.assertEqual(status, 0)
            self.assertGreater(seconds, 0.25)
            self.assertLess(seconds, 3 * harness.SLOWER)
            server.wait_for_log("the drain timed out: connections are cut")
            for connection in (running, stubborn):
                with self.assertRaises((Closed, ConnectionError)):
                    connection.answer()
            streaming.close()

    def test_blocking_work_that_never_ends_does_not_hold_up_the_end(self):
        with Server(env={"WEIR_TEST_DRAIN_TIMEOUT_MS": 200}) as server:
            running = server.connect()
            running.send_request("GET", "/blocking/60000")
            time.sleep(0.1)
            server.signal()
            status, seconds = server.wait()
            self.assertLess(seconds, 10 * harness.SLOWER)
            self.assertEqual(status, 1)
            running.close()

    def test_the_drain_timeout_comes_from_the_command_line_too(self):
        with Server("--drain-timeout", 1) as server:
            running = server.connect()
            running.send_request("GET", "/sleep/20000")
            time.sleep(0.1)
            server.signal()
            status, seconds = server.wait()
            self.assertEqual(status, 0)
            self.assertTrue(0.9 < seconds < 3 * harness.SLOWER, seconds)
            running.close()

    def test_a_second_signal_ends_it_at_once(self):
        with Server() as server:
            running = server.connect()
            running.send_request("GET", "/sleep/20000")
            time.sleep(0.1)
            server.signal()
            server.wait_for_log("stopping")
            time.sleep(0.05)
            server.signal()
            status, seconds = server.wait()
            self.assertEqual(status, -signal.SIGTERM)
            self.assertLess(seconds, 1 * harness.SLOWER)
            running.close()

    def test_log_signals_during_the_drain_do_not_end_it(self):
        with Server() as server:
            running = server.connect()
            running.send_request("GET", "/sleep/800")
            time.sleep(0.1)
            server.signal()
            server.wait_for_log("stopping")
            server.signal(signal.SIGHUP)
            server.signal(signal.SIGUSR1)
            self.assertEqual(running.answer().status, 200)
            self.assertEqual(server.wait()[0], 0)

    def test_an_upload_ends_before_the_server_does(self):
        with Server() as server:
            sender = server.connect()
            sender.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345")
            time.sleep(0.1)
            server.signal()
            server.wait_for_log("stopping")
            time.sleep(0.1)
            sender.send(b"67890")
            answer = sender.answer()
            self.assertEqual((answer.status, answer.json()["bytes"]), (200, 10))
            self.assertEqual(server.wait()[0], 0)


class Load:
    """Threads that ask again and again, on kept connections; what fails is counted. A kept connection that closes
    before the first byte of an answer is tried again once, as RFC 9112 section 9.3.1 lets clients do."""

    def __init__(self, port, threads=6):
        self.port = port
        self.requests = 0
        self.retried = 0
        self.failures = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        connection = None
        while not self._ended.is_set():
            kept = connection is not None
            try:
                if not kept:
                    connection = harness.Connection(socket.create_connection(("127.0.0.1", self.port), timeout=10))
                answer = connection.request("GET", "/pid")
                with self._lock:
                    self.requests += 1
                    if answer.status != 200:
                        self.failures.append(repr(answer))
                if answer.headers.get("connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, Closed) as error:
                with self._lock:
                    if kept and connection.buffer == b"":
                        self.retried += 1
                    else:
                        self.failures.append(repr(error))
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()


class RollingRestart(unittest.TestCase):
    def test_two_instances_share_a_port_and_one_leaves_without_a_failed_request(self):
        with Server("--share-port", env={"WEIR_TEST_DRAIN_DELAY_MS": 200}) as old:
            port = old.port
            with Load(port) as load:
                time.sleep(0.3)
                with Server("--share-port", listen=f"127.0.0.1:{port}") as new:
                    time.sleep(0.3)
                    old.signal()
                    self.assertEqual(old.wait()[0], 0)
                    before = load.requests
                    wait_until(lambda: load.requests > before + 100, "the new instance serves")
                    load.__exit__()
                    self.assertEqual(new.process.poll(), None)
            print(f"rolling restart: {load.requests} requests, {load.retried} retried on kept connections, "
                  f"{len(load.failures)} failed")
            self.assertEqual(load.failures, [])
            self.assertEqual(load.retried, 0)


if __name__ == "__main__":
    harness.main()
