"""The budgets runfs has to keep, and what was measured: times are medians, requests, bytes and memory the worst case.

All but memory and the listing's are for the slow server: 20 ms before each answer, 90 MB/s a connection.
"""
from figures import MEGABYTE, ratio

MEBIBYTE = 1 << 20


def rows(found, figures):
    """Lines of a table: budget, limit, measured, kept. A limit below zero is a least, not a most."""
    for title, limit, unit, value in budgets(found, figures):
        shown, kept = "–", "–"
        if value is not None:
            shown = f"{value:.3g}{unit}" if value < 1000 else f"{value:,.0f}{unit}"
            kept = "yes" if (value >= -limit if limit < 0 else value <= limit) else "no"
        yield [title, f"{'≥' if limit < 0 else '≤'} {abs(limit):,g}{unit}", shown, kept]


def budgets(found, figures):
    if found["benchmark"] == "list":
        return of_listing(figures)
    of_workloads = of_run(found, figures) if "fixture" in found else ()
    return (*of_workloads, *(of_archives(found, figures) if "archives" in found else ()))


def of_run(found, figures):
    def ours(workload, phase, field="seconds"):
        return figures.median(field, setting="slow", program="runfs", workload=workload, phase=phase)

    def most(workload, phase, field):
        return figures.most(field, setting="slow", program="runfs", workload=workload, phase=phase)

    def other(program, phase):
        return figures.median(setting="slow", program=program, workload="file", phase=phase)

    def peak():
        return worst(figures.most("rss_kib", program="runfs", workload=workload) for workload in found["workloads"])

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
        ("peak memory", 64, " MB", in_megabytes(peak(), 1024)),
    )


def worst(values):
    return max((value for value in values if value is not None), default=None)


def of_archives(found, figures):
    known = found["archives"]
    sizes = known["bytes"]

    def median(form, phase, program="runfs", field="seconds"):
        return figures.median(field, program=program, workload=form, phase=phase)

    def most(field, form, **phase):
        return figures.most(field, program="runfs", workload=form, **phase)

    def to_curl(form):
        return ratio(median(form, "list"), median(form, "list", "curl-tar"))

    def share(form):
        """Of the archive, in percent, for its late member."""
        return ratio(most("bytes.object", form, phase="member"), sizes[form] / 100)

    rate = ratio(known["content_bytes"] / MEGABYTE, worst(median(form, "all") for form in sizes))
    again = worst(median(form, "relist", field="find_seconds") for form in sizes)
    asked = worst(most("requests.object", form, phase="relist") for form in sizes)
    peak = worst(most("rss_kib", form) for form in sizes)
    many_to_one = ratio(median("xz-blocks", "list"), median("xz", "list"))
    return (
        ("first listing of xz of one block, to curl into tar", 1.15, " ×", to_curl("xz")),
        ("that of xz of many blocks, to that of one block", 1, " ×", many_to_one),
        ("first listing of zstd of one frame, to curl into tar", 1.15, " ×", to_curl("zst")),
        ("second listing, without the mount", 0.05, " s", again),
        ("second listing: object requests", 0, "", asked),
        ("one late member of xz of many blocks: of the archive", 5, " %", share("xz-blocks")),
        ("one late member of seekable zstd: of the archive", 5, " %", share("zst-seekable")),
        ("all members after the first pass", -400, " MB/s", rate),
        ("peak memory with an archive", 128, " MB", peak and peak * 1024 / MEGABYTE),
    )


def of_listing(figures):
    where = {"setting": "plain", "count": 100_000}
    rate = figures.median("rate", program="runfs-ls", **where)  # with mount + find the kernel is measured, too
    memory = figures.median("bytes_per_key", program="runfs", **where)
    return (
        ("runfs ls -R of 100,000 keys", -300_000, " keys/s", rate),
        ("memory a key at 100,000 keys", 150, " bytes", memory),
    )
