"""Starting: addresses, errors, the command line, systemd's protocols."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import unittest

import harness
from harness import Server, wait_until


def run(*arguments, env=None, descriptors=None):
    """A whole run of the server: status, standard output, standard error."""
    def prepare():
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    done = subprocess.run([os.path.join(harness.BIN, "weir-test-server"), *arguments], capture_output=True, text=True,
                          timeout=harness.PATIENCE, env={**os.environ, **(env or {})}, check=False, preexec_fn=prepare)
    return done.returncode, done.stdout, done.stderr


class Addresses(unittest.TestCase):
    def test_unix_socket(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.sock")
            for _ in range(2):  # again on the same path
                with Server(listen=f"unix:{path}") as server:
                    client = socket.socket(socket.AF_UNIX)
                    client.settimeout(harness.PATIENCE)
                    client.connect(path)
                    with harness.Connection(client) as connection:
                        self.assertEqual(connection.request("GET", "/hello").json(), {"hello": "world"})
                    server.signal()
                    self.assertEqual(server.wait()[0], 0)
                self.assertFalse(os.path.exists(path))

    def test_unix_socket_that_a_killed_server_left_is_replaced(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "app.sock")
            with Server(listen=f"unix:{path}") as server:
                server.signal(signal.SIGKILL)
                server.wait()
            self.assertTrue(os.path.exists(path))
            with Server(listen=f"unix:{path}"):
                status, _, error = run("--listen", f"unix:{path}")  # one that lives is not
                self.assertEqual(status, 1)
                self.assertIn(path, error)

    def test_ipv6(self):
        with Server(listen="[::1]:0") as server:
            address = server.addresses[0]
            self.assertTrue(address.startswith("[::1]:"), address)
            client = socket.create_connection(("::1", int(address.rsplit(":", 1)[1])), timeout=harness.PATIENCE)
            with harness.Connection(client) as connection:
                self.assertEqual(connection.request("GET", "/hello").status, 200)

    def test_several_listeners(self):
        with Server("--listen", "[::1]:0", listen="127.0.0.1:0") as server:
            server.wait_for_log("listening", 2)
            self.assertEqual(len(server.addresses), 2)
            self.assertEqual(server.get("/hello").status, 200)

    def test_admin_listener(self):
        with Server("--admin", "127.0.0.1:0") as server:
            server.wait_for_log("listening", 2)
            ports = [int(address.rsplit(":", 1)[1]) for address in server.addresses]
            answers = {}
            for name, port in zip(("main", "admin"), ports):
                for path in ("/hello", "/healthz", "/actuator/prometheus", "/actuator/loggers"):
                    client = socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)
                    with harness.Connection(client) as connection:
                        answers[name, path] = connection.request("GET", path).status
            self.assertEqual(answers, {
                ("main", "/hello"): 200, ("main", "/healthz"): 200,
                ("main", "/actuator/prometheus"): 404, ("main", "/actuator/loggers"): 404,
                ("admin", "/hello"): 404, ("admin", "/healthz"): 200,
                ("admin", "/actuator/prometheus"): 200, ("admin", "/actuator/loggers"): 200})


class Descriptors(unittest.TestCase):
    def test_closed_standard_descriptors_are_no_sockets(self):
        with harness.scratch_folder() as folder, \
                Server(log_file=os.path.join(folder, "log"), preexec=lambda: os.closerange(0, 3)) as server:
            self.assertEqual(server.get("/hello").status, 200)
            for number in range(3):  # /dev/null, or a file that the program has opened before
                self.assertTrue(os.readlink(f"/proc/{server.pid}/fd/{number}").startswith("/"))


class Mistakes(unittest.TestCase):
    def test_port_in_use(self):
        with Server() as server:
            for threads in ("1", "2"):
                status, _, error = run("--listen", f"127.0.0.1:{server.port}", "--threads", threads)
                self.assertEqual(status, 1, error)
                self.assertIn("cannot start", error)
                self.assertIn(f"127.0.0.1:{server.port}", error)
                self.assertIn("Address already in use", error)

    def test_port_in_use_by_another_program(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            status, _, error = run("--listen", address)
            self.assertEqual(status, 1)
            self.assertIn(address, error)

    def test_bad_addresses(self):
        for address in ("nonsense", "127.0.0.1:99999", "127.0.0.1", "[::1:80", "unix:", "127.0.0.1:80x", ""):
            with self.subTest(address):
                status, _, error = run("--listen", address)
                self.assertIn(status, (1, 2))
                self.assertIn(address, error)

    def test_address_of_another_machine(self):
        status, _, error = run("--listen", "192.0.2.1:8080")
        self.assertEqual(status, 1)
        self.assertIn("192.0.2.1:8080", error)

    def test_help_and_version(self):
        status, output, _ = run("--help")
        self.assertEqual(status, 0)
        for option in ("--listen", "--host", "--port", "--admin", "--threads", "--log-file", "--log-level",
                       "--drain-timeout", "--drain-delay", "--share-port"):
            self.assertIn(option, output)
        status, output, _ = run("--version")
        self.assertEqual((status, output.split()[0]), (0, "weir-test-server"))

    def test_wrong_command_lines(self):
        for line, wrong in ((["--prot", "8080"], "--prot is no option; did you mean --port?"),
                            (["--drain-timout=5"], "--drain-timout is no option; did you mean --drain-timeout?"),
                            (["--no-http3"], "--no-http3 is no option; did you mean --no-http2?"),
                            (["--no-such-option"], "--no-such-option is no option\n"),
                            (["-p", "80"], "-p is no option"), (["stray"], "stray is no option"),
                            (["--", "stray"], "stray is no option"),
                            (["--port", "70000"], "--port: Value 70000 not in range 0 to 65535"),
                            (["--port", "http"], "--port: Value http not in range"),
                            (["--drain-timeout", "-5"], "--drain-timeout: Value -5 not in range"),
                            (["--drain-delay", "soon"], "--drain-delay: Value soon not in range"),
                            (["--threads", "many"], "--threads: Value many not in range 0 to 1024"),
                            (["--log-level", "loud"], "--log-level: loud not in")):
            with self.subTest(line):
                status, _, error = run(*line)
                self.assertEqual(status, 2, error)
                self.assertIn(wrong, error)
                self.assertIn("--help", error)

    def test_no_protocol_at_all(self):
        status, _, error = run("--listen", "127.0.0.1:0", "--no-http1", "--no-http2")
        self.assertEqual(status, 1)
        self.assertIn("neither HTTP/1.1 nor HTTP/2", error)

    def test_the_last_of_an_option_counts(self):
        with Server("--admin", "nonsense", "--threads", "64", "--share-port", "--admin", "127.0.0.1:0", "--threads", "1",
                    "--share-port") as server:
            self.assertEqual(server.get("/hello").status, 200)

    def test_log_that_cannot_be_opened(self):
        status, _, error = run("--listen", "127.0.0.1:0", "--log-file", "/nonexistent/folder/app.log")
        self.assertEqual(status, 1)
        self.assertIn("/nonexistent/folder/app.log", error)

    @harness.skip_if_sanitized("UBSan's look at a vtable opens a pipe, and takes its failure for a bad object")
    def test_more_event_loops_than_descriptors(self):
        status, _, error = run("--listen", "127.0.0.1:0", "--threads", "100", descriptors=50)
        self.assertEqual(status, 1, error)
        self.assertIn("cannot start", error)
        self.assertIn("Too many open files", error)


class Deploy(unittest.TestCase):
    """The command lines in deploy/, on ports that the kernel chooses and with a log of their own."""
    @staticmethod
    def _text(name):
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy")
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return file.read()

    def _starts(self, arguments):
        with harness.scratch_folder() as folder:
            log = os.path.join(folder, "log")
            line = [re.sub(r":\d+$", ":0", argument) for argument in arguments]
            line = [log if before == "--log-file" else argument for before, argument in zip(["", *line], line)]
            with Server(*line, "--drain-delay", "0", listen=None, ready=False) as server:
                server.log_file = log
                server.wait_for_log("listening", 2)
                server.signal()
                self.assertEqual(server.wait()[0], 0)
                self.assertEqual(len(server.addresses), 2, "the service and the admin listener")

    def test_unit(self):
        self._starts(re.search(r"^ExecStart=\S+ (.*)$", self._text("systemd/weir-service.service"), re.M)[1].split())

    def test_image_and_pod(self):
        entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", self._text("container/Dockerfile"), re.M)[1])[1:]
        self._starts(entry)
        # Kubernetes' args stand behind the ENTRYPOINT; they come instead of a CMD only.
        pod = json.loads(re.search(r"^ +args: (\[.*\])", self._text("kubernetes/weir-service.yaml"), re.M)[1])
        self._starts(entry + pod)


class Systemd(unittest.TestCase):
    def test_notifies(self):
        with harness.scratch_folder() as folder:
            path = os.path.join(folder, "notify")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(path)
                manager.settimeout(harness.PATIENCE)
                with Server(env={"NOTIFY_SOCKET": path}) as server:
                    self.assertIn("READY=1", manager.recv(4096).decode().split("\n"))
                    self.assertEqual(server.get("/hello").status, 200)
                    server.signal()
                    self.assertIn("STOPPING=1", manager.recv(4096).decode().split("\n"))
                    self.assertEqual(server.wait()[0], 0)

    def test_a_manager_that_does_not_listen_does_no_harm(self):
        with Server(env={"NOTIFY_SOCKET": "/nonexistent/notify"}) as server:
            self.assertEqual(server.get("/hello").status, 200)

    def _activated(self, sockets, names=None, arguments=(), listen=None):
        """A server that gets `sockets` as descriptors 3, 4, … as systemd hands them over."""
        def prepare():
            # dup2 through high numbers, so that no source is overwritten before it is copied.
            high = [os.dup2(descriptor, 200 + index) for index, descriptor in enumerate(descriptors)]
            for index, descriptor in enumerate(high):
                os.dup2(descriptor, 3 + index, inheritable=True)
                os.close(descriptor)

        descriptors = [one.fileno() for one in sockets]
        # LISTEN_PID is the server's own: a shell that becomes the server knows it.
        binary = os.path.join(harness.BIN, "weir-test-server")
        script = f'LISTEN_PID=$$ exec "{binary}" "$@"'
        environment = {"LISTEN_FDS": len(sockets)}
        if names:
            environment["LISTEN_FDNAMES"] = ":".join(names)
        keep = [*descriptors, *range(3, 3 + len(sockets))]
        return Server("-c", script, "server", *arguments, program="/bin/sh", env=environment, listen=listen,
                      preexec=prepare, pass_fds=keep)

    def test_socket_activation(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            early = socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)
            with self._activated([listening]) as server:
                self.assertEqual(server.addresses, [f"127.0.0.1:{port}"])
                with harness.Connection(early) as connection:  # made before the server was started
                    self.assertEqual(connection.request("GET", "/hello").status, 200)
                self.assertEqual(server.get("/hello").status, 200)
                server.signal()
                self.assertEqual(server.wait()[0], 0)
            # The manager's socket lives on: who connects between two runs waits for the next one.
            late = socket.create_connection(("127.0.0.1", port), timeout=harness.PATIENCE)
            with self._activated([listening]) as server, harness.Connection(late) as connection:
                self.assertEqual(connection.request("GET", "/hello").status, 200)

    def test_socket_activation_with_an_admin_socket_and_a_unix_socket(self):
        with harness.scratch_folder() as folder, socket.create_server(("127.0.0.1", 0)) as main, \
                socket.create_server(("127.0.0.1", 0)) as admin, socket.socket(socket.AF_UNIX) as local:
            path = os.path.join(folder, "app.sock")
            local.bind(path)
            local.listen()
            sockets, names = [main, admin, local], ["web", "admin", "local"]
            with self._activated(sockets, names, ["--admin", "127.0.0.1:0"]) as server:
                server.wait_for_log("listening", 3)
                client = socket.create_connection(admin.getsockname(), timeout=harness.PATIENCE)
                with harness.Connection(client) as connection:
                    self.assertEqual(connection.request("GET", "/actuator/prometheus").status, 200)
                client = socket.socket(socket.AF_UNIX)
                client.connect(path)
                with harness.Connection(client) as connection:
                    self.assertEqual(connection.request("GET", "/hello").status, 200)
                server.signal()
                self.assertEqual(server.wait()[0], 0)
            self.assertTrue(os.path.exists(path))  # the manager's, not ours to remove

    def test_sockets_for_another_process_are_left_alone(self):
        with socket.create_server(("127.0.0.1", 0)):
            with Server(env={"LISTEN_FDS": 1, "LISTEN_PID": 1}) as server:
                self.assertEqual(server.get("/hello").status, 200)


if __name__ == "__main__":
    harness.main()
