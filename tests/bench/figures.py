"""The samples of a result file as figures: medians, ratios, counts. Nothing here formats anything but numbers."""
from statistics import median

MEGABYTE = 1_000_000
PEERS = ("s3fs", "rclone")
CURLS = ("curl", "curl-32")
UNPACKERS = ("archivemount", "curl-tar")


class Figures:
    """A program that failed at a workload once has no figures for it, whatever its other runs gave."""

    def __init__(self, found):
        self.errors = [sample for sample in found["samples"] if "error" in sample]
        without = {group(sample) for sample in self.errors}
        self.samples = [sample for sample in found["samples"] if group(sample) not in without]

    def select(self, **wanted):
        return [sample for sample in self.samples if fits(sample, wanted)]

    def failed(self, **wanted):
        return any(fits(sample, wanted) for sample in self.errors)

    def median(self, field="seconds", **wanted):
        """The median of a field, None where there is no sample of it. "bytes.object" is field `object` of `bytes`."""
        values = [value_of(sample, field) for sample in self.select(**wanted)]
        values = [value for value in values if value is not None]
        return median(values) if values else None

    def most(self, field, **wanted):
        values = [value_of(sample, field) for sample in self.select(**wanted)]
        values = [value for value in values if value is not None]
        return max(values) if values else None

    def best(self, programs, **wanted):
        values = [self.median(program=program, **wanted) for program in programs]
        values = [value for value in values if value is not None]
        return min(values) if values else None

    def programs(self):
        return {sample["program"] for sample in self.samples + self.errors}


def fits(sample, wanted):
    return all(sample.get(name) == value for name, value in wanted.items())


def group(sample):
    return tuple(sample.get(name) for name in ("setting", "workload", "count", "program"))


def value_of(sample, field):
    outer, _, inner = field.partition(".")
    if not inner:
        value = sample.get(outer)
        return sum(value.values()) if isinstance(value, dict) else value
    return sample[outer].get(inner, 0) if outer in sample else None


def ratio(value, other):
    return value / other if value is not None and other else None
