"""Tables in Markdown, and the figures in their cells."""
NONE = "–"


def number(value):
    """Three digits, as much as a median of a few runs can bear."""
    if value is None:
        return NONE
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + "\n"


def cell(figures, runs, **wanted):
    value = figures.median(**wanted)
    if value is None:
        where = {name: wanted[name] for name in wanted if name != "phase"}
        return "failed" if figures.failed(**where) else NONE
    return number(value) + (" *" if len(figures.select(**wanted)) < runs else "")
