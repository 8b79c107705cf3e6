"""The servers that are measured: how each is started, and what its CPU time is."""
import os
import shutil
import subprocess
import tempfile
import urllib.request

from . import machine

FILE_BYTES = 12 * 1024 * 1024


class Server:
    """A running server, pinned to the server's core. Use `with`; leaving it ends the process."""

    def __init__(self, name, command, port, **options):
        self.name = name
        self.port = port
        if not shutil.which(command[0]):
            raise machine.Missing(f"{os.path.basename(command[0])} is not there")
        self.process = machine.start(machine.pinned(machine.SERVER_CORE, command), stdout=subprocess.DEVNULL, **options)
        try:
            machine.wait_for_port(self.process, port)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        machine.end(self.process)

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        return machine.tree_cpu_seconds(self.pid)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def length_of(self, path):
        """Bytes of the body at path; fails where the answer is not 200."""
        with urllib.request.urlopen(self.url(path), timeout=10) as answer:
            return len(answer.read())


def ceiling(build):
    port = machine.free_port()
    return Server("bench-ceiling", [os.path.join(build, "bin/bench-ceiling"), "--port", str(port)], port)


def weir(build, chain="none", *flags):
    port = machine.free_port()
    command = [os.path.join(build, "bin/bench-server"), "--port", str(port), "--threads", "1", "--chain", chain, *flags]
    return Server(f"bench-server {chain}", command, port)


# Serves /file of its folder.
NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}{protocols};
    location = /file {{ root {folder}; default_type application/octet-stream; }}
    {more}
  }}
}}
"""


def write_nginx_config(folder, port, protocols="", more=""):
    """`protocols`: what follows the port in "listen"; `more`: further lines of the server. The file's path."""
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX.format(folder=folder, port=port, protocols=protocols, more=more))
    return path


class Nginx(Server):
    """nginx with sendfile and one worker, serving /file of 12 MB from a folder of its own."""

    def __init__(self, http2=False):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-bench-nginx-")
        folder, port = self.folder.name, machine.free_port()
        # The worker runs as another user when this is root.
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(os.urandom(FILE_BYTES))
        config = write_nginx_config(folder, port, " http2" if http2 else "")
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        try:
            super().__init__("nginx", [binary, "-c", config, "-e", os.path.join(folder, "error.log")], port)
        except BaseException:
            self.folder.cleanup()
            raise

    def close(self):
        super().close()
        self.folder.cleanup()
