"""What is done to a run, the same for every program: commands that are timed, and how their result is checked.

Every command runs in the root of the run. What it must print is what it prints in the original directory.
"""
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import Callable

from programs import HERE, Failed, timed

RUN_ID = "12345678901"
BIG = "tarballs/therock-dist-linux-multiarch-7.1.0.tar.gz"
BIG_SIZE = 394_000_000
LOGS = "logs/gfx94X-dcgpu"
ONE_LOG = LOGS + "/sub300_configure.log"
PHASES = ("cold", "again", "remount")


def readers(*arguments):
    return [sys.executable, "-S", "-E", os.path.join(HERE, "readers.py"), *map(str, arguments)]


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    command: Callable[[int], list]  # argv for the Nth run of the benchmark
    with_mount: bool = False  # whether mounting is part of what is timed
    times_itself: bool = False  # prints its seconds first; see readers.py
    silent: bool = False  # what it prints goes nowhere
    whole: tuple = ()  # what has to be compared with the original afterwards, since the output does not tell


WORKLOADS = (
    Workload(
        "find",
        "mount + find of all files",
        lambda n: ["find", ".", "-type", "f", "-printf", r"%P\t%s\n"],
        with_mount=True,
    ),
    Workload("grep", "grep -r over 600 logs", lambda n: ["grep", "-rn", "ninja: error", LOGS]),
    Workload("file", "394 MB file, sequentially", lambda n: ["cat", BIG], silent=True, whole=(BIG,)),
    Workload(
        "random",
        "200 random 4 KiB reads of it",
        lambda n: readers("random", BIG, n, 200),
        times_itself=True,
    ),
    Workload(
        "random8",
        "8 random 4 KiB reads of it",
        lambda n: readers("random", BIG, 1000 + n, 8),
        times_itself=True,
    ),
    Workload(
        "first",
        "mount + first byte of a log",
        lambda n: ["head", "-c", "1", ONE_LOG],
        with_mount=True,
    ),
    Workload(
        "readers",
        "64 parallel readers of the file",
        lambda n: readers("slices", BIG, 64),
        times_itself=True,
        whole=(BIG,),
    ),
    Workload(
        "readers-logs",
        "64 parallel readers of the logs",
        lambda n: readers("files", LOGS, 64),
        times_itself=True,
    ),
)


class Checker:
    """Knows from the original directory what each command prints."""

    def __init__(self, root, env, scratch):
        self.root, self.env, self.scratch = root, env, scratch
        self.known = {}

    def output(self, path, workload):
        """The lines of an output in an order of its own, without the seconds."""
        with open(path, "rb") as file:
            said = file.read()
        return sorted(said.split()[1:] if workload.times_itself else said.split(b"\n"))

    def expected(self, workload, n):
        key = (workload.name, n)
        if key not in self.known:
            timed(workload.command(n), self.env, self.scratch, cwd=self.root, silent=workload.silent)
            self.known[key] = self.output(self.scratch, workload)
        return self.known[key]

    def check_output(self, path, workload, n):
        got, wanted = self.output(path, workload), self.expected(workload, n)
        if got != wanted:
            other = next(iter(set(got) ^ set(wanted)), b"")
            raise Failed(f"wrong result: {len(got)} lines, not {len(wanted)}; one that differs: {other!r}")

    def check_files(self, workload, root, rescue):
        for path in workload.whole:
            files = [os.path.join(root, path), os.path.join(self.root, path)]
            timed(["cmp", *files], self.env, self.scratch, rescue=rescue)


def seconds_of(workload, took, path):
    if not workload.times_itself:
        return took
    with open(path, "rb") as file:
        return float(file.read().split()[0])


def make_run(data, env):
    """Makes the run below DATA with make-run of the tests, without the names that only some programs can show."""
    maker = os.path.join(HERE, "../fixtures/make-run")
    done = subprocess.run([maker, data, "600", "0.2"], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    root = done.stdout.strip()
    odd = os.path.join(root, "logs/odd names")
    for name in os.listdir(odd):
        os.unlink(os.path.join(odd, name))
    os.rmdir(odd)
    add_big_file(root)
    return root


def add_big_file(root):
    chance = random.Random("big")
    path = os.path.join(root, BIG)
    with open(path, "wb") as file:
        left = BIG_SIZE
        while left:
            count = min(left, 1 << 20)
            file.write(chance.randbytes(count))
            left -= count
    os.utime(path, (1788264000, 1788264000))


def warm(root):
    """Reads everything once, so that the server never waits for a disk. Gives the number of files and of bytes."""
    files = size = 0
    for place, _, names in os.walk(root):
        for name in names:
            with open(os.path.join(place, name), "rb", buffering=0) as file:
                files += 1
                while count := len(file.read(1 << 20)):
                    size += count
    return files, size
