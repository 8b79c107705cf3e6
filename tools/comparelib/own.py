"""A server of the user's own, measured in the same tables (--url)."""
import os
import socket
import urllib.parse

from benchlib import machine

from . import peers


class Own:
    """The server behind --url. With a path, only that is asked for; its CPU and memory are known if it runs here."""
    name = "yours"
    peer_kind = "peer"
    log = os.devnull

    def __init__(self, url, pid=None):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or not _port(parts):
            raise ValueError("--url takes http://HOST:PORT or http://HOST:PORT/PATH")
        self.host, self.port = parts.hostname, parts.port
        self.address = f"[{self.host}]" if ":" in self.host else self.host
        path = (parts.path or "") + (f"?{parts.query}" if parts.query else "")
        self.path = path if path not in ("", "/") else ""
        self.verify = not self.path
        self.pid = pid or (_listener(self.port) if self.host in ("127.0.0.1", "localhost", "::1") else 0)
        if pid and not os.path.exists(f"/proc/{pid}"):
            raise ValueError(f"there is no process {pid}")
        if pid:
            try:
                machine.user_memory(pid)
            except (OSError, RuntimeError) as error:
                raise ValueError(f"the memory of process {pid} cannot be read: the lab must run as its user, or as root") from error

    def reach(self):
        """Raises OSError where nobody listens."""
        socket.create_connection((self.host, self.port), timeout=10).close()

    def check_alive(self):
        if self.pid and not os.path.exists(f"/proc/{self.pid}"):
            raise peers.Died("it ended while it was measured")

    def cpu_seconds(self):
        self.check_alive()
        return machine.tree_cpu_seconds(self.pid) if self.pid else 0.0

    def url(self, path):
        return f"http://{self.address}:{self.port}{path}"

    def close(self):
        """It is not ours to end."""


def _port(parts):
    try:
        return parts.port
    except ValueError:
        return None


def _listener(port):
    """The process that listens on a port of IPv4 or IPv6; 0 where it cannot be found."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                        inodes.add(f"socket:[{fields[9]}]")
        except OSError:
            continue
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{name}") in inodes:
                    return int(pid)
        except OSError:
            continue
    return 0
