"""What an idle keep-alive connection costs in user memory."""
import selectors
import socket

from . import machine, stats

WANTED = 10_000
AT_MOST = 2048
# A source address has at most some 28,000 ports; a few addresses leave room for what else runs.
PER_ADDRESS = 5_000
BATCH = 500
# socket.IP_BIND_ADDRESS_NO_PORT (Linux) is not named before Python 3.12: the port is chosen when the connection is made, so that one
# that waits in TIME_WAIT after another server's connections can be used again for this one.
IP_BIND_ADDRESS_NO_PORT = 24


def open_connections(server, count, path="/json", request=None):
    """Connections that have each had one answer, which fits into one read. A batch is opened and answered before the next: a
    server may close a connection that asks nothing for some seconds."""
    whole = b"HTTP/1.1 200" if request is None else b"Hello, World!"
    request = request or f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    clients = []
    try:
        while len(clients) < count:
            batch = []
            for number in range(len(clients), min(len(clients) + BATCH, count)):
                client = socket.socket()
                batch.append(client)
                clients.append(client)
                client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                client.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
                client.settimeout(10)
                client.connect(("127.0.0.1", server.port))
            _answer_once(batch, request, whole)
    except BaseException:
        for client in clients:
            client.close()
        raise
    return clients


def _answer_once(clients, request, whole):
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
            client.sendall(request)
        waiting = set(clients)
        while waiting:
            ready = selector.select(timeout=10)
            if not ready:
                raise RuntimeError(f"{len(waiting)} of {len(clients)} connections got no answer")
            for key, _ in ready:
                answer = key.fileobj.recv(65536)
                if whole not in answer:
                    raise RuntimeError(f"an unexpected answer: {answer[:100]!r}" if answer else "a connection was closed unanswered")
                selector.unregister(key.fileobj)
                waiting.discard(key.fileobj)


def measure(server, row, chain, options, request=None, at_most=AT_MOST):
    """The growth of the server's Pss by 10,000 connections that have answered once and are idle since."""
    limit = machine.allow_many_files()
    count = min(WANTED, limit - 500)
    with server:
        options.progress(f"opening {count} connections ({chain})")
        for client in open_connections(server, 64, request=request):  # what the first requests set up is not the connections' cost
            client.close()
        before = machine.user_memory(server.pid)
        clients = open_connections(server, count, request=request)
        try:
            after = machine.user_memory(server.pid)
        finally:
            for client in clients:
                client.close()
    each = (after - before) / count
    return {"row": row, "what": f"{count} idle connections, chain {chain}", "value": each, "unit": "B each",
            "spread": (each, each), "at_most": at_most,
            "detail": [f"Pss {stats.si(before)}B -> {stats.si(after)}B"]}
