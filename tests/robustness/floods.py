"""HTTP/2 floods: four connections that do nothing but cost work, each for a while, beside a good client.

A client that is cut off connects again, so that the server goes on being attacked for the whole time."""
import multiprocessing
import selectors
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CANCEL = b"\0\0\0\x08"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request(stream, path, flags):
    return frame(1, flags, stream, b"\x82\x86\x04" + bytes([len(path)]) + path + b"\x01\x01t")


def rapid_reset():
    return b"".join(request(n, b"/sleep/1000", 5) + frame(3, 0, n, CANCEL) for n in range(1, 6001, 2))


def made_to_reset():
    """The server resets each stream, because its window overflows (CVE-2025-8671)."""
    return b"".join(request(n, b"/sleep/1000", 5) + frame(8, 0, n, b"\x7f\xff\xff\xff") for n in range(1, 6001, 2))


def continuation():
    return b"".join(frame(1, 0, n, b"\x82\x86\x84") + b"".join(frame(9, 0, n, b"\0\1x\1y" * 200) for _ in range(100))
                    for n in range(1, 20, 2))


def empty_data():
    return frame(1, 4, 1, b"\x83\x86\x04\x07/upload\x01\x01t") + frame(0, 0, 1) * 20000


def compression():
    entry = b"\x82\x86\x84\x40\x01y\x7f\xa1\x1e" + b"v" * 4000
    return frame(1, 5, 1, entry) + b"".join(frame(1, 5, n, b"\x82\x86\x84" + b"\xbe" * 15000) for n in range(3, 40, 2))


FLOODS = {
    "rapid reset": rapid_reset,
    "made to reset": made_to_reset,
    "CONTINUATION": continuation,
    "PING": lambda: frame(6, 0, 0, b"12345678") * 20000,
    "SETTINGS": lambda: frame(4, 0, 0) * 20000,
    "empty DATA": empty_data,
    "WINDOW_UPDATE": lambda: frame(8, 0, 0, b"\0\0\0\1") * 20000,
    "HPACK bomb": compression,
}


def attack(port, flood, pipe, connections):
    """Floods until told to end; says how often it was cut off, and how many bytes it got rid of."""
    opening = PREFACE + frame(4, 0, 0) + FLOODS[flood]()
    selector = selectors.DefaultSelector()
    cuts = sent = 0

    def begin():
        client = socket.create_connection(("127.0.0.1", port))
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE, [0])

    for _ in range(connections):
        begin()
    while not pipe.poll(0):
        for key, events in selector.select(0.05):
            client, at = key.fileobj, key.data
            try:
                if events & selectors.EVENT_READ and not client.recv(65536):
                    raise ConnectionResetError
                if events & selectors.EVENT_WRITE and at[0] < len(opening):
                    moved = client.send(memoryview(opening)[at[0]:at[0] + 65536])
                    at[0] += moved
                    sent += moved
                elif at[0] == len(opening):
                    selector.modify(client, selectors.EVENT_READ, at)
                    at[0] += 1
            except BlockingIOError:
                pass
            except OSError:
                selector.unregister(client)
                client.close()
                cuts += 1
                time.sleep(0.01)  # The generator shares two cores with the server; this is no flood of connections.
                begin()
    pipe.send((cuts, sent))


def run(seconds, server, row, watch, probe):
    """One row for each flood. `server`, `row`, `watch` and `probe` are those of soak.py."""
    mib = 1 << 20
    for flood in FLOODS:
        with server() as target:
            with probe(target) as quiet:
                time.sleep(3)
            here, there = multiprocessing.Pipe()
            attacker = multiprocessing.get_context("fork").Process(target=attack, args=(target.port, flood, there, 4), daemon=True)
            before = target.pss()
            attacker.start()
            with watch(target, every=0.25) as memory, probe(target) as busy:
                time.sleep(seconds)
            here.send("end")
            cuts, sent = here.recv()
            attacker.join()
            growth = (memory.peak - before) / mib
            limit = max(3 * quiet.p99(), 0.003)
            row(f"HTTP/2 flood, {flood}", f"{cuts} times cut off after {sent / max(1, cuts) / 1024:.0f} KiB each; Pss grew by "
                f"{growth:.2f} MiB; good client's P99 {busy.p99() * 1000:.2f} ms, quiet {quiet.p99() * 1000:.2f} ms",
                cuts > 0 and growth <= 5 and busy.p99() <= limit)
