"""The rows of the bars that are measured on whole servers. A row returns a list of results:
{"row", "what", "value", "unit", "spread": (min, max), "at_most" or "at_least", "detail"}."""
import os
import tempfile

from . import idle, load, servers, stats


def against(options, name, what, subject, base, path, connections, at_most, script="report.lua",
             figure="cpu_us_per_request", figure_name="µs/req"):
    """Server CPU of `subject` as a multiple of `base`, both loaded alike and in turns."""
    reports = load.interleaved([base, subject], path, connections, options.seconds, options.rounds, script, options.progress)
    ours, theirs = reports[subject.name], reports[base.name]
    ratio = stats.ratios((r[figure] for r in ours), (r[figure] for r in theirs))

    def side(name, rounds):
        of = {key: stats.summary(r[key] for r in rounds) for key in rounds[0]}
        return (f"{name}: {of[figure]['median']:.3g} {figure_name} ({of[figure]['min']:.3g}-{of[figure]['max']:.3g}), "
                f"{stats.si(of['requests_per_s']['median'])} req/s, {stats.si(of['bytes_per_s']['median'])}B/s, "
                f"p50/p90/p99/max {of['p50_us']['median'] / 1000:.2f}/{of['p90_us']['median'] / 1000:.2f}/"
                f"{of['p99_us']['median'] / 1000:.2f}/{of['max_us']['max'] / 1000:.1f} ms, "
                f"idle server core {of['idle_server_core']['median']:.0%}, load core {of['idle_load_core']['median']:.0%}")

    detail = [side(base.name, theirs), side(subject.name, ours)]
    trouble = sum(r["errors"] + r["status_errors"] for r in ours + theirs)
    if trouble:
        detail.append(f"ATTENTION: {trouble} requests failed")
    foreign = max(r["foreign_share"] for r in ours + theirs)
    if foreign > 0.15:
        detail.append(f"note: something else took up to {foreign:.0%} of the server's core")
    return {"row": name, "what": what, "value": ratio["median"], "unit": f"x {base.name}",
            "spread": (ratio["min"], ratio["max"]), "at_most": at_most, "detail": detail,
            "rounds": {base.name: theirs, subject.name: ours}}


def _json(connections):
    def row(options):
        with servers.ceiling(options.build) as base, servers.weir(options.build) as subject:
            return [against(options, f"json-{connections}", f"/json, {connections} connections, chain none", subject, base,
                             "/json", connections, 1.10)]
    return row


def _json_production(options):
    with tempfile.TemporaryDirectory(prefix="weir-bench-log-") as folder:
        log = os.path.join(folder, "access.log")
        with servers.ceiling(options.build) as base, \
                servers.weir(options.build, "production", "--access-log", log) as subject:
            result = against(options, "json-production", "/json, 64 connections, production chain with its log", subject,
                              base, "/json", 64, 1.30)
        if not os.path.exists(log):
            raise RuntimeError("bench-server wrote no access log")
        with open(log, "rb") as file:
            lines = sum(1 for _ in file)
        asked = sum(r["requests"] for r in result["rounds"][subject.name])
        result["detail"].append(f"log: {stats.si(lines)} lines, {stats.si(os.path.getsize(log))}B, "
                                f"for {stats.si(asked)} requests in the rounds")
        if lines < asked:
            result["detail"].append(f"ATTENTION: {asked - lines} requests are missing in the log")
        return [result]


def _json_pipelined(options):
    with servers.ceiling(options.build) as base, servers.weir(options.build) as subject:
        return [against(options, "json-pipelined", "/json pipelined by 16, 64 connections, chain none", subject, base,
                         "/json", 64, 2.5, "pipeline.lua")]


def _file(options):
    with servers.Nginx() as base, servers.weir(options.build) as subject:
        sizes = {server.name: server.length_of("/file") for server in (base, subject)}
        if len(set(sizes.values())) != 1:
            raise RuntimeError(f"the files differ in size: {sizes}")
        return [against(options, "file", "/file of 12 MB, 8 connections, CPU per GB", subject, base, "/file", 8, 1.0,
                         figure="cpu_s_per_gb", figure_name="CPU s/GB")]


def _idle(options):
    return [idle.measure(servers.weir(options.build, chain), f"idle-{chain}", chain, options)
            for chain in ("none", "production")]


ROWS = {
    "json-64": _json(64),
    "json-1000": _json(1000),
    "json-production": _json_production,
    "json-pipelined": _json_pipelined,
    "file": _file,
    "idle": _idle,
}
