"""The tables of the archive part of a result file of `run`."""
from figures import MEGABYTE, UNPACKERS, ratio
from tables import cell, number, table

TITLES = {
    "list": "mount + find, first time",
    "relist": "mount + find, caches of the first mount",
    "all": "tar -c of all members after the first listing",
    "member": "mount + one late member, contents known",
}
NAMES = {"archivemount": "archivemount over s3fs", "curl-tar": "curl into tar"}


def runs_of(found):
    runs = [sample["run"] for sample in found["samples"] if sample["workload"] in found["forms"]]
    return 1 + max(runs, default=0)


def times(found, figures):
    runs = runs_of(found)
    rows = []
    for form, title in found["forms"].items():
        for phase, what in TITLES.items():
            where = {"workload": form, "phase": phase}
            if not figures.select(**where):
                continue
            ours = figures.median(program="runfs", **where)
            cells = [cell(figures, runs, program=name, **where) for name in ("runfs", *UNPACKERS)]
            against = [number(ratio(ours, figures.median(program=name, **where))) for name in UNPACKERS]
            rows.append([f"{title}: {what}", *cells, *against])
    names = [NAMES[name] for name in UNPACKERS]
    return table(["seconds", "runfs", *names, *[f"runfs / {name}" for name in names]], rows)


def details(found, figures):
    known, rows = found["archives"], []
    for form, title in found["forms"].items():
        ours = {"program": "runfs", "workload": form}
        late = figures.median("bytes.object", phase="member", **ours)
        rate = ratio(known["content_bytes"] / MEGABYTE, figures.median(phase="all", **ours))
        alone = figures.median("find_seconds", phase="relist", **ours)
        requests = figures.most("requests.object", phase="relist", **ours)
        cells = [number(known["bytes"][form] / MEGABYTE), number(alone), "–" if requests is None else str(requests)]
        share = ratio(late, known["bytes"][form] / 100)
        rows.append([title, *cells, number(rate), number(share), *memory(figures, form)])
    head = ["archive", "MB", "second listing without the mount, s", "object requests of it", "all members, MB/s"]
    head += ["late member: fetched of the archive, %", "peak memory, MB", "archivemount and s3fs, MB"]
    return table(head, rows)


def memory(figures, form):
    peaks = [figures.most("rss_kib", workload=form, program=name) for name in ("runfs", "archivemount")]
    return [number(peak and peak * 1024 / MEGABYTE) for peak in peaks]


def document(found, figures):
    known = found["archives"]
    return (
        f"### Archives; {found['settings']['slow']}; medians of {runs_of(found)}\n\n"
        f"{known['members']:,} members, {known['tar_bytes'] / MEGABYTE:.0f} MB as tar, in each form.\n\n"
        + times(found, figures)
        + details(found, figures)
    )
