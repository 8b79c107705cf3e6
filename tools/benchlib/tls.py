"""The rows about TLS: bench-server beside nginx, with the same certificates, ciphers and groups, without session tickets."""
import os
import shutil
import subprocess
import tempfile

from . import machine, rows, servers

NGINX_TLS = """
    ssl_certificate {folder}/server.pem;
    ssl_certificate_key {folder}/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384;
    ssl_ecdh_curve X25519:prime256v1:secp384r1;
    ssl_session_tickets off;
    ssl_session_cache off;
    location = /json {{ default_type application/json; return 200 '{{"message":"Hello, World!"}}'; }}
"""
KEYS = {
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-newkey", "rsa:2048"],
}


class SecureServer(servers.Server):
    def url(self, path):
        return f"https://127.0.0.1:{self.port}{path}"


class Pair:
    """nginx and bench-server with one certificate. Use `with`: gives the two, nginx first."""

    def __init__(self, build, key, http2=False):
        self.build, self.key, self.http2 = build, key, http2
        self.folder = self.started = None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-bench-tls-")
        self.started = []
        folder = self.folder.name
        try:
            if not shutil.which("openssl"):
                raise machine.Missing("openssl is not installed")
            # nginx's worker runs as another user when this is root.
            os.chmod(folder, 0o755)
            subprocess.run(["openssl", "req", "-x509", *KEYS[self.key], "-nodes", "-keyout", f"{folder}/server.key", "-out",
                            f"{folder}/server.pem", "-days", "30", "-subj", "/CN=localhost"], check=True, capture_output=True)
            with open(f"{folder}/file", "wb") as file:
                file.write(os.urandom(servers.FILE_BYTES))
            port = machine.free_port()
            servers.write_nginx_config(folder, port, " ssl http2" if self.http2 else " ssl", NGINX_TLS.format(folder=folder))
            binary = shutil.which("nginx") or "/usr/sbin/nginx"
            self.started.append(SecureServer("nginx", [binary, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"],
                                             port))
            port = machine.free_port()
            self.started.append(SecureServer("bench-server", [
                os.path.join(self.build, "bin/bench-server"), "--port", str(port), "--threads", "1", "--chain", "none",
                "--tls-cert", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key", "--no-tls-tickets"], port))
        except BaseException:
            self.__exit__()
            raise
        return self.started

    def __exit__(self, *_):
        for server in self.started:
            server.close()
        self.folder.cleanup()


def _json(options):
    with Pair(options.build, "ecdsa") as (base, subject):
        return [rows.against(options, "https-json", "/json over HTTPS, 64 connections, chain none", subject, base, "/json", 64,
                             1.05)]


def _handshakes(key):
    def row(options):
        with Pair(options.build, key) as (base, subject):
            # Handshakes per CPU second at least 0.95 of nginx's is CPU per handshake at most 1.05 of it.
            return [rows.against(options, f"https-handshake-{key}", f"a full handshake ({key}) and one request a connection",
                                 subject, base, "/json", 16, 1.05, "close.lua", figure_name="µs/handshake")]
    return row


def _file(options):
    with Pair(options.build, "ecdsa") as (base, subject):
        return [rows.against(options, "https-file", "/file of 12 MB over HTTPS, 8 connections, CPU per GB", subject, base,
                             "/file", 8, 1.0, figure="cpu_s_per_gb", figure_name="CPU s/GB")]


ROWS = {
    "https-json": _json,
    "https-handshake-ecdsa": _handshakes("ecdsa"),
    "https-handshake-rsa": _handshakes("rsa"),
    "https-file": _file,
}
