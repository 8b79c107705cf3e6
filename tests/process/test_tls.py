"""TLS with clients that are not ours (OpenSSL by Python, curl), reloads, proxies in between."""
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import unittest

import harness
from harness import Server, wait_until


Failure = (OSError, AssertionError)  # ssl.SSLError is an OSError


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=harness.PATIENCE)


def make_certificate(folder, name, common_name, authority=None):
    """NAME.pem and NAME.key in the folder: self-signed, or by an authority made before."""
    key, certificate = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.pem")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    if authority is None:
        openssl("req", "-x509", "-new", "-key", key, "-days", "30", "-subj", f"/CN={common_name}", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", certificate)
    else:
        request = os.path.join(folder, f"{name}.csr")
        openssl("req", "-new", "-key", key, "-subj", f"/CN={common_name}", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", f"{folder}/{authority}.pem", "-CAkey", f"{folder}/{authority}.key",
                "-CAcreateserial", "-days", "30", "-out", certificate)
    return certificate, key


def client_context(**settings):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def connect(server, context=None, session=None):
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE)
    return (context or client_context()).wrap_socket(plain, server_hostname="localhost", session=session)


def ask(stream, path="/whoami"):
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got or b"}" not in got.split(b"\r\n\r\n", 1)[1]:
        more = stream.recv(65536)
        if not more:
            raise AssertionError(f"the server closed after {got!r}")
        got += more
    return json.loads(got.split(b"\r\n\r\n", 1)[1])


def common_name(stream):
    from_der = ssl.DER_cert_to_PEM_cert(stream.getpeercert(binary_form=True))
    shown = subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"], input=from_der, text=True,
                           capture_output=True, check=True).stdout
    return shown.strip().split("CN=")[1]


class Https(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = harness.scratch_folder()
        cls.folder = cls.scratch.__enter__()
        cls.certificate, cls.key = make_certificate(cls.folder, "server", "first")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.__exit__(None, None, None)

    def server(self, *more, **options):
        return Server("--tls-cert", self.certificate, "--tls-key", self.key, *more, **options)

    def test_both_versions_and_sessions_over_all_loops(self):
        with self.server() as server:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = client_context(minimum_version=version, maximum_version=version)
                with connect(server, context) as stream:
                    said = ask(stream)
                    session = stream.session
                self.assertEqual(said["tls"], version.name.replace("v1_", "v1."))
                self.assertEqual(said["scheme"], "https")
                # Two loops share the port: some of these go to the other one.
                for _ in range(8):
                    with connect(server, context, session) as stream:
                        ask(stream)
                        self.assertTrue(stream.session_reused)
                        session = stream.session
            with self.assertRaises(ssl.SSLError):
                connect(server, client_context(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1))

    def test_curl(self):
        with self.server() as server:
            for flag, protocol in (("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2")):
                done = subprocess.run(["curl", "-sS", flag, "--cacert", self.certificate,
                                       f"https://localhost:{server.port}/whoami"], capture_output=True, text=True,
                                      timeout=harness.PATIENCE, check=True)
                self.assertEqual(json.loads(done.stdout)["protocol"], protocol)

    def test_plain_http_is_told_what_to_do(self):
        with self.server() as server, socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.settimeout(harness.PATIENCE)
            plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            got = b""
            while more := plain.recv(1000):
                got += more
            self.assertTrue(got.startswith(b"HTTP/1.1 400 "), got)

    def test_new_certificates_without_a_restart(self):
        with harness.scratch_folder() as folder:
            certificate, key = make_certificate(folder, "a", "old")
            with Server("--tls-cert", certificate, "--tls-key", key) as server:
                with connect(server) as old:
                    self.assertEqual(common_name(old), "old")
                    with open(certificate, "w", encoding="ascii") as file:
                        file.write("-----BEGIN CERTIFICATE-----\nbroken")
                    server.signal(signal.SIGHUP)
                    server.wait_for_log("the TLS certificates were not reloaded: the old ones stay")
                    with connect(server) as other:
                        self.assertEqual(common_name(other), "old")
                    make_certificate(folder, "a", "new")
                    server.signal(signal.SIGHUP)
                    server.wait_for_log("the TLS certificates were reloaded")
                    with connect(server) as new:
                        self.assertEqual(common_name(new), "new")
                    self.assertEqual(ask(old)["scheme"], "https")

    def test_client_certificates(self):
        with harness.scratch_folder() as folder:
            authority, _ = make_certificate(folder, "authority", "authority")
            mine = make_certificate(folder, "mine", "worker-7", "authority")
            with self.server("--tls-client-ca", authority) as server:
                context = client_context()
                context.load_cert_chain(*mine)
                with connect(server, context) as stream:
                    self.assertEqual(ask(stream)["certificate"], "worker-7")
                with self.assertRaises(Failure), connect(server) as stream:
                    ask(stream)
                with self.assertRaises(Failure):
                    context = client_context()
                    context.load_cert_chain(self.certificate, self.key)
                    with connect(server, context) as stream:
                        ask(stream)
                wait_until(lambda: [line for line in server.log_lines() if "certificate was rejected" in str(line) and
                                    "self-signed" in str(line)], "a line that says what is wrong with the certificate")

    def test_a_drain_says_goodbye(self):
        with self.server() as server:
            stream = connect(server)
            ask(stream)
            server.signal()
            self.assertEqual(stream.recv(100), b"")  # close_notify: anything else would be an SSLEOFError
            stream.close()
            self.assertEqual(server.wait()[0], 0)

    def test_silent_clients_are_closed(self):
        with self.server(env={"WEIR_TEST_HEADER_TIMEOUT_MS": 300}) as server:
            silent = socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE)
            begun = socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE)
            begun.sendall(b"\x16\x03\x01\x02\x00\x01")
            for one in (silent, begun):
                with one:
                    try:
                        self.assertEqual(one.recv(100), b"")
                    except ConnectionResetError:
                        pass

    def test_mistakes_are_named_at_the_start(self):
        done = subprocess.run([os.path.join(harness.BIN, "weir-test-server"), "--listen", "127.0.0.1:0", "--tls-cert",
                               self.key, "--tls-key", self.key], capture_output=True, text=True, timeout=harness.PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.key, done.stderr)

    def test_no_client_certificates_without_tls(self):
        done = subprocess.run([os.path.join(harness.BIN, "weir-test-server"), "--listen", "127.0.0.1:0", "--tls-client-ca",
                               self.certificate], capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--tls-cert", done.stderr)

    def test_self_signed(self):
        with Server("--tls-self-signed") as server, connect(server) as stream:
            self.assertEqual(ask(stream)["scheme"], "https")
            self.assertEqual(common_name(stream), "localhost")


class Proxies(unittest.TestCase):
    def test_header_of_a_load_balancer(self):
        with Server("--proxy-protocol-from", "127.0.0.0/8") as server:
            with socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE) as stream:
                stream.sendall(b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n")
                self.assertEqual(ask(stream)["client"], "203.0.113.9")
            block = socket.inet_aton("203.0.113.10") + socket.inet_aton("10.0.0.1") + struct.pack(">HH", 4711, 443)
            with socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE) as stream:
                stream.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(block)) + block)
                self.assertEqual(ask(stream)["client"], "203.0.113.10")
            with socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE) as stream:
                stream.sendall(b"GET /whoami HTTP/1.1\r\nHost: a\r\n\r\n")
                with self.assertRaises((AssertionError, ConnectionResetError)):
                    ask(stream)
            wait_until(lambda: any("PROXY header" in str(line) for line in server.log_lines()), "a warning")

    def test_header_before_tls(self):
        with Server("--tls-self-signed", "--proxy-protocol-from", "127.0.0.1") as server:
            plain = socket.create_connection(("127.0.0.1", server.port), timeout=harness.PATIENCE)
            plain.sendall(b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n")
            with client_context().wrap_socket(plain, server_hostname="localhost") as stream:
                said = ask(stream)
            self.assertEqual((said["client"], said["scheme"]), ("2001:db8::7", "https"))

    def test_fields_of_trusted_proxies_only(self):
        fields = {"X-Forwarded-For": "1.1.1.1, 203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}
        with Server() as server:
            said = server.get("/whoami", headers=fields).json()
            self.assertEqual((said["client"], said["scheme"]), ("127.0.0.1", "http"))
        with Server("--trusted-proxy", "127.0.0.1") as server:
            said = server.get("/whoami", headers=fields).json()
            self.assertEqual((said["client"], said["scheme"], said["host"]), ("203.0.113.9", "https", "shop.example"))
            wait_until(lambda: [line for line in server.log_lines() if line.get("peer") == "203.0.113.9"], "an access log line")


if __name__ == "__main__":
    harness.main()
