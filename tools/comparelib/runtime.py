"""What a peer's runtime tells about itself at GET /runtime: garbage collections and allocations, before and after a round."""
import http.client
import json

from . import jwt

FIELDS = ("gc_pauses", "gc_pause_total_ms", "gc_pause_max_ms", "allocations")


def read(running):
    """{field: number}; None where the peer has nothing to tell."""
    connection = http.client.HTTPConnection(getattr(running, "host", "127.0.0.1"), running.port, timeout=5)
    try:
        connection.request("GET", "/runtime", headers={"Authorization": f"Bearer {jwt.sign('lab')}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            return None
        value = json.loads(body)
        return {name: float(value[name]) for name in FIELDS if isinstance(value.get(name), (int, float))}
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def between(before, after, seconds, requests):
    """What happened in a round."""
    if not before or not after:
        return {}
    grown = {name: after[name] - before[name] for name in after if name in before}
    report = {}
    if "gc_pauses" in grown:
        report["gc_per_s"] = grown["gc_pauses"] / seconds
    if "gc_pause_total_ms" in grown:
        report["gc_ms_per_s"] = grown["gc_pause_total_ms"] / seconds
    if "gc_pause_max_ms" in after:
        report["gc_max_ms"] = after["gc_pause_max_ms"]
    if "allocations" in grown and requests:
        report["allocations_per_request"] = grown["allocations"] / requests
    return report
