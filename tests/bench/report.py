#!/usr/bin/env python3
"""report.py FILE: from a result file of `run` or `list`, FILE.md and FILE.svg beside it; prints the tables, too."""
import json
import sys

sys.dont_write_bytecode = True

import archive_report  # noqa: E402
import budgets  # noqa: E402
import plot  # noqa: E402
from figures import CURLS, MEGABYTE, PEERS, Figures, ratio  # noqa: E402
from tables import NONE, cell, number, table  # noqa: E402

DRIVERS = ("runfs", *PEERS)


def runs_of(found, setting):
    samples = [sample for sample in found["samples"] if sample["setting"] == setting]
    others = found.get("forms", ())  # of the archive part
    return 1 + max((sample["run"] for sample in samples if sample.get("workload") not in others), default=0)


def rows_of(found, figures):
    """The workloads and phases there are samples of, in their order."""
    for workload, title in found["workloads"].items():
        for phase in ("cold", "again", "remount"):
            if figures.select(workload=workload, phase=phase) or figures.failed(workload=workload):
                yield workload, phase, f"{title}, {phase}"


def times(found, figures, setting):
    columns = [name for name in (*DRIVERS, *CURLS) if name in figures.programs()]
    rows = []
    for workload, phase, title in rows_of(found, figures):
        where = {"setting": setting, "workload": workload, "phase": phase}
        ours = figures.median(program="runfs", **where)
        cells = [cell(figures, runs_of(found, setting), program=name, **where) for name in columns]
        against = [number(ratio(ours, figures.best(others, **where))) for others in (PEERS, CURLS)]
        rows.append([title, *cells, *against])
    return table(["seconds", *columns, "runfs / best peer", "runfs / best curl"], rows)


def loop(figures, setting):
    where = {"setting": setting, "workload": "file"}
    bare = figures.median(program="loop", phase="remount", **where)
    if bare is None:
        return ""
    ours = figures.median(program="runfs", phase="remount", **where)
    local = figures.median(program="loop", phase="local", **where)
    text = f"A bare libfuse loop over the local file takes {number(bare)} s, `cat` of the local file {number(local)} s"
    return text + (f"; runfs after a remount is {number(ratio(ours, bare))} × the loop.\n\n" if ours else ".\n\n")


def asked(figures, where):
    """Requests by kind and megabytes, as medians."""
    if not figures.select(**where):
        return NONE
    counts = [(kind, figures.median(f"requests.{kind}", **where)) for kind in ("list", "head", "object", "other")]
    said = ", ".join(f"{count:.0f} {kind}" for kind, count in counts if count)
    return f"{said}; {number(figures.median('bytes', **where) / MEGABYTE)} MB" if said else "nothing"


def traffic(found, figures, setting):
    columns = [name for name in DRIVERS if name in figures.programs()]
    rows = []
    for workload, phase, title in rows_of(found, figures):
        where = {"setting": setting, "workload": workload, "phase": phase}
        rows.append([title, *[asked(figures, where | {"program": name}) for name in columns]])
    return table(["requests; sent by the server", *columns], rows)


def memory(found, figures):
    columns = [name for name in DRIVERS if name in figures.programs()]
    rows = []
    for workload, title in found["workloads"].items():
        peaks = [figures.most("rss_kib", workload=workload, program=name) for name in columns]
        if any(peak is not None for peak in peaks):
            rows.append([title, *[number(peak and peak * 1024 / MEGABYTE) for peak in peaks]])
    return table(["peak memory of the driver, MB", *columns], rows)


def against_old(found, figures):
    """Seconds and peak memory beside another build of runfs (-p old=PATH); "" where there was none."""
    if "old" not in figures.programs():
        return ""
    titles = found["workloads"] | found["forms"]
    keys = {(one["setting"], one["workload"], one["phase"]): None for one in figures.samples if one["program"] == "old"}
    rows = []
    for setting, workload, phase in keys:
        where = {"setting": setting, "workload": workload, "phase": phase}
        both = [figures.median(program=name, **where) for name in ("runfs", "old")]
        peaks = [figures.most("rss_kib", program=name, **where) for name in ("runfs", "old")]
        shown = [*[number(value) for value in both], number(ratio(*both)), number(ratio(*peaks))]
        rows.append([f"{titles[workload]}, {phase}, {setting}", *shown])
    head = ["seconds", "runfs", "old", "runfs / old", "peak memory, runfs / old"]
    return "### Beside the old build\n\n" + table(head, rows)


def server(found, setting):
    seen = found["server"][setting]
    return (
        "The server alone, with curl into /dev/null: the logs over 32 connections "
        f"{number(seen['logs_32_connections_s'])} s, the file in 32 ranges {number(seen['file_32_ranges_s'])} s, "
        f"one connection {number(seen['one_connection_mb_s'])} MB/s, a request {number(seen['request_ms'])} ms.\n\n"
    )


def listing(found, figures, setting):
    columns = [name for name in ("runfs", "runfs-ls", *PEERS, "server") if name in figures.programs()]
    rows = []
    for count in found["counts"]:
        where = {"setting": setting, "count": count}
        cells = [cell(figures, runs_of(found, setting), program=name, **where) for name in columns]
        rate = [figures.median("rate", program=name, **where) for name in ("runfs", "runfs-ls")]
        rows.append([f"{count:,} keys", *cells, *[number(value and value / 1000) for value in rate]])
    return table(["seconds", *columns, "runfs: 1000 keys/s", "runfs-ls: 1000 keys/s"], rows)


def key_memory(found, figures):
    columns = [name for name in DRIVERS if name in figures.programs()]
    rows = []
    for count in found["counts"]:
        cells = [number(figures.median("bytes_per_key", program=name, count=count)) for name in columns]
        peaks = [number(figures.median("peak_bytes_per_key", program=name, count=count)) for name in columns]
        rows.append([f"{count:,} keys", *[f"{cell} ({peak})" for cell, peak in zip(cells, peaks)]])
    return table(["bytes of memory a key, afterwards (at the peak)", *columns], rows)


def about(found):
    machine, versions = found["machine"], found["versions"]
    known = [(name, version) for name, version in versions.items() if version]
    said = ", ".join(version if name in version else f"{name} {version}" for name, version in known)
    text = (
        f"{found['started']}; {machine['cores']} × {machine['cpu']}, {machine['memory_mb'] // 1000} GB, "
        f"{machine['system']}, kernel {machine['kernel']}, {machine['filesystem']}; load before "
        f"{machine['load_before']:.2f}, after {machine['load_after']:.2f}.\n{said}.\n\n"
    )
    if found.get("runfs_cache") is False:
        text += "This runfs has no disk cache: after a remount it begins anew.\n\n"
    return text


def errors(figures):
    lines = []
    for one in figures.errors:
        where = " ".join(str(value) for name, value in one.items() if name != "error")
        lines.append(f"- {where}: {one['error']}\n")
    return "Failed:\n\n" + "".join(lines) + "\n" if lines else ""


def settings(found, document_of):
    text = ""
    for setting, title in found["settings"].items():
        text += f"### {title}; medians of {runs_of(found, setting)}\n\n" + document_of(setting)
    return text


def workloads(found, figures, setting):
    text = times(found, figures, setting) + loop(figures, setting) + traffic(found, figures, setting)
    return text + server(found, setting)


def document(found):
    figures, text = Figures(found), about(found)
    if found["benchmark"] == "list":
        text += settings(found, lambda setting: listing(found, figures, setting))
        text += "### Memory\n\n" + key_memory(found, figures)
    if "fixture" in found:
        text += settings(found, lambda setting: workloads(found, figures, setting))
        text += "### Memory\n\n" + memory(found, figures)
    if "archives" in found:
        text += archive_report.document(found, figures)
    text += against_old(found, figures)
    if " * |" in text:
        text += "\\* fewer runs, because one took long.\n\n"
    text += "### Budgets\n\n" + table(["budget", "limit", "measured", "kept"], budgets.rows(found, figures))
    return text + errors(figures)


def of_file(path):
    """Writes the report and the plot of a result file beside it, and gives the report."""
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    text = document(found)
    base = path.removesuffix(".json")
    with open(base + ".md", "w", encoding="utf-8") as file:
        file.write(text)
    if found["benchmark"] == "list" or "fixture" in found:
        plot.draw(found, Figures(found), base + ".svg")
    return text


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: report.py FILE")
    print(of_file(sys.argv[1]), end="")
