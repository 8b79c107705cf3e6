"""Memory stays flat: bodies of any length both ways, readers and handlers that are slow, and a steady mixed load. The
long versions are ./dev soak's."""
# Measures: runs alone.
import resource
import socket
import time
import unittest

import harness
from harness import Server
from load import MixedLoad, PssWatch, download, upload

MIB = 1 << 20
LENGTH = (64 if harness.SANITIZED else 1024) * MIB
#: Socket buffers are the kernel's; what a connection holds in user memory is bounded by Limits::output_bytes and the
#: size of a read. AddressSanitizer keeps 256 MiB of freed memory.
ROOM = (400 if harness.SANITIZED else 8) * MIB


class Streams(unittest.TestCase):
    def flat(self, name, work):
        with Server(env={"WEIR_TEST_FILE_BYTES": LENGTH, "WEIR_TEST_STALL_TIMEOUT_MS": 20000}) as server:
            # What a first short one sets up is no growth.
            upload(server, MIB)
            download(server, f"/download/{MIB}")
            before = server.pss()
            begin = time.monotonic()
            with PssWatch(server) as watch:
                work(server)
            seconds = time.monotonic() - begin
            print(f"{name}: {seconds:.1f} s, Pss {before / MIB:.1f} MiB before, {watch.peak / MIB:.1f} MiB at most")
            self.assertLess(watch.peak - before, ROOM)

    def test_upload(self):
        self.flat("upload with a length", lambda server: self.assertEqual(upload(server, LENGTH), LENGTH))

    def test_chunked_upload(self):
        self.flat("chunked upload", lambda server: self.assertEqual(upload(server, LENGTH // 4, chunked=True), LENGTH // 4))

    def test_download(self):
        self.flat("download", lambda server: self.assertEqual(download(server, f"/download/{LENGTH}"), LENGTH))

    def test_file(self):
        self.flat("file", lambda server: self.assertEqual(download(server, "/file"), LENGTH))

    def test_download_by_a_slow_reader(self):
        self.flat("slow reader",
                  lambda server: self.assertEqual(download(server, f"/download/{LENGTH // 4}", 0.1, 15), LENGTH // 4))

    def test_upload_to_a_slow_handler(self):
        length = 20 * MIB  # 128 KiB or less, then a pause of 5 ms
        self.flat("slow handler", lambda server: self.assertEqual(upload(server, length, "/slow-upload/5"), length))


class Steady(unittest.TestCase):
    def test_mixed_load_does_not_grow(self):
        seconds = 20
        with Server("--log-file", "/dev/null", ready=False) as server:
            from test_limits import listening_port
            server.port = harness.wait_until(lambda: listening_port(server.pid), "it listens")
            with PssWatch(server, every=0.2) as watch, MixedLoad(server) as load:
                time.sleep(seconds)
            early, late = watch.between(seconds * 0.4, seconds * 0.6), watch.between(seconds * 0.8, seconds + 1)
            print(f"mixed load (seed {load.seed}): {load.requests} requests, Pss {early / MIB:.2f} MiB in the middle, "
                  f"{late / MIB:.2f} MiB at the end")
            self.assertEqual(load.failures, [])
            self.assertLess(late - early, ROOM)


class Idle(unittest.TestCase):
    @harness.skip_if_sanitized("its memory is not the server's")
    def test_idle_connections_cost_little(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(10_000, hard - 200)
        if wanted < 1000:
            self.skipTest(f"only {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with Server(rlimits=[(resource.RLIMIT_NOFILE, hard)]) as server:
            def ask(count):
                clients = []
                for number in range(count):
                    client = socket.socket()
                    client.bind((f"127.0.0.{2 + number // 5000}", 0))
                    client.connect(("127.0.0.1", server.port))
                    client.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    clients.append(client)
                for client in clients:
                    client.settimeout(harness.PATIENCE)
                    self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 200 "))
                return clients

            for client in ask(200):
                client.close()
            before = server.pss()
            clients = ask(wanted)
            each = (server.pss() - before) / wanted
            print(f"{wanted} idle connections: {each:.0f} B each")
            for client in clients:
                client.close()
            self.assertLess(each, 2048)


if __name__ == "__main__":
    harness.main()
