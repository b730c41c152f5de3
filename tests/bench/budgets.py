"""The budgets runfs has to keep, and what was measured: times are medians, requests, bytes and memory the worst case.

All but memory and the listing's are for the slow server: 20 ms before each answer, 90 MB/s a connection.
"""
from figures import MEGABYTE, ratio

MEBIBYTE = 1 << 20


def rows(found, figures):
    """Lines of a table: budget, limit, measured, kept. A limit below zero is a least, not a most."""
    for title, limit, unit, value in of_run(found, figures) if found["benchmark"] == "run" else of_listing(figures):
        shown, kept = "–", "–"
        if value is not None:
            shown = f"{value:.3g}{unit}" if value < 1000 else f"{value:,.0f}{unit}"
            kept = "yes" if (value >= -limit if limit < 0 else value <= limit) else "no"
        yield [title, f"{'≥' if limit < 0 else '≤'} {abs(limit):,g}{unit}", shown, kept]


def of_run(found, figures):
    def ours(workload, phase, field="seconds"):
        return figures.median(field, setting="slow", program="runfs", workload=workload, phase=phase)

    def most(workload, phase, field):
        return figures.most(field, setting="slow", program="runfs", workload=workload, phase=phase)

    def other(program, phase):
        return figures.median(setting="slow", program=program, workload="file", phase=phase)

    def in_megabytes(value, factor=1):
        return None if value is None else value * factor / MEGABYTE

    file_size = found["fixture"]["big_file_bytes"] / MEGABYTE
    to_curl = ratio(ours("file", "cold"), other("curl-32", "cold"))
    to_loop = ratio(ours("file", "remount"), other("loop", "remount"))
    return (
        ("cold mount + find", 0.15, " s", ours("find", "cold")),
        ("cold grep over the logs", 0.9, " s", ours("grep", "cold")),
        ("grep after a remount", 0.3, " s", ours("grep", "remount")),
        ("grep after a remount: object requests", 0, "", most("grep", "remount", "requests.object")),
        ("cold 394 MB file", 0.65, " s", ours("file", "cold")),
        ("the same, to curl with 32 ranges", 1.3, " ×", to_curl),
        ("the file after a remount, to a bare loop", 1.5, " ×", to_loop),
        ("200 random reads, cold", 1.1, " s", ours("random", "cold")),
        ("200 random reads: sent", file_size, " MB", in_megabytes(most("random", "cold", "bytes.object"))),
        ("8 random reads: blocks of 1 MiB", 8, "", ratio(most("random8", "cold", "bytes.object"), MEBIBYTE)),
        ("mount + first byte of a log", 0.1, " s", ours("first", "cold")),
        ("peak memory", 64, " MB", in_megabytes(figures.most("rss_kib", program="runfs"), 1024)),
    )


def of_listing(figures):
    where = {"setting": "plain", "count": 100_000}
    rate = figures.median("rate", program="runfs-ls", **where)  # with mount + find the kernel is measured, too
    memory = figures.median("bytes_per_key", program="runfs", **where)
    return (
        ("runfs ls -R of 100,000 keys", -300_000, " keys/s", rate),
        ("memory a key at 100,000 keys", 150, " bytes", memory),
    )
