"""Draws a result file as SVG with gnuplot: bars for workloads, lines for listings, seconds on a logarithmic axis."""
import subprocess

COLOURS = {
    "runfs": "#1b7837",
    "runfs-ls": "#7fbf7b",
    "s3fs": "#d95f02",
    "rclone": "#7570b3",
    "curl-32": "#999999",
    "server": "#999999",
}
NAMES = {
    "curl-32": "curl, 32 connections",
    "rclone": "rclone mount",
    "runfs-ls": "runfs ls -R",
    "server": "the server alone",
}
LABELS = {
    "find": "mount +\\nfind",
    "grep": "grep -r\\n600 logs",
    "file": "394 MB\\nfile",
    "random": "200\\nrandom\\nreads",
    "random8": "8\\nrandom\\nreads",
    "first": "mount +\\nfirst byte",
    "readers": "64 readers\\nof the\\nfile",
    "readers-logs": "64 readers\\nof the\\nlogs",
}


def head(width, height):
    return f"""set terminal svg size {width},{height} font 'sans-serif,13' background 'white'
set logscale y
set grid ytics lc rgb '#dddddd'
set format y '%g'
set ylabel 'seconds'
set border 3
set tics nomirror
"""


def block(name, rows):
    return f"${name} << EOD\n" + "".join(rows) + "EOD\n"


def bars(found, figures):
    """Two panels: cold and after a remount, on the slow server."""
    setting, data, panels = "slow", "", ""
    for phase, title in (("cold", "cold"), ("remount", "after a remount, with the cache of the first mount")):
        programs = [name for name in COLOURS if figures.select(setting=setting, phase=phase, program=name)]
        rows, curves = [], []
        for workload in found["workloads"]:
            where = {"setting": setting, "workload": workload, "phase": phase}
            if figures.select(**where):
                values = [figures.median(program=name, **where) for name in programs]
                shown = ["NaN" if value is None else f"{value:.5f}" for value in values]
                rows.append(f'"{LABELS[workload]}" {" ".join(shown)}\n')
        for i, name in enumerate(programs):
            style = f"title '{NAMES.get(name, name)}' lc rgb '{COLOURS[name]}'"
            curves.append(f"${phase} using {i + 2}:xtic(1) {style}")
        if curves:
            data += block(phase, rows)
            panels += f"set title '{title}; {found['settings'][setting]}'\nplot {', '.join(curves)}\n"
    style = "set style data histograms\nset style histogram clustered gap 1\nset style fill solid 1 noborder\n"
    axes = "set yrange [0.001:100]\nset xtics scale 0\nset bmargin 4\nset key top right horizontal\n"
    return head(1000, 800) + data + style + axes + f"set multiplot layout 2,1\n{panels}unset multiplot\n"


def lines(found, figures):
    """A panel a setting: seconds over keys."""
    data, panels = "", ""
    for setting, title in found["settings"].items():
        curves = []
        for name, colour in COLOURS.items():
            points = [(count, figures.median(setting=setting, count=count, program=name)) for count in found["counts"]]
            points = [f"{count} {value:.5f}\n" for count, value in points if value is not None]
            if points:
                of = f"{setting}_{name.replace('-', '_')}"
                data += block(of, points)
                style = f"with linespoints lw 2 pt 7 ps 0.6 lc rgb '{colour}' title '{NAMES.get(name, name)}'"
                curves.append(f"${of} {style}")
        if curves:
            panels += f"set title 'listing: {title}'\nplot {', '.join(curves)}\n"
    axes = "set logscale x\nset xlabel 'keys'\nset format x '%.0s%c'\nset xrange [500:2000000]\n"
    rest = "set yrange [0.005:200]\nset key outside below\n"
    return head(1000, 480) + data + axes + rest + f"set multiplot layout 1,2\n{panels}unset multiplot\n"


def draw(found, figures, path):
    script = bars(found, figures) if found["benchmark"] == "run" else lines(found, figures)
    script = f"set output '{path}'\n{script}"
    done = subprocess.run(["gnuplot"], input=script.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("gnuplot: " + done.stderr.decode().strip())
