"""What `run` and `list` share: a working directory that is cleaned up whatever happens, and the result file."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import machine
import programs

MEGABYTE = 1_000_000


class Bench:
    """Use as a context manager. `dir` is on the disk caches are measured on: below $TMPDIR, by default /var/tmp."""

    def __init__(self):
        self.dir = self.env = None

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit("ended by a signal"))
        subprocess.run([os.path.join(programs.HERE, "install-packages")], check=True)
        if not os.access(programs.RUNFS, os.X_OK):
            sys.exit(f"{programs.RUNFS} is missing: build the release preset, or set RUNFS")
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            sys.exit("/dev/fuse is missing or closed to you: nothing can be mounted here")
        parent = os.environ.get("TMPDIR", "/var/tmp")
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="runfs-bench.", dir=parent))
        self.env = programs.clean_environment(self.path("home"))
        os.mkdir(self.path("home"))
        # ext4 puts such a directory's children far from each other, see `emptied`; elsewhere it means nothing.
        subprocess.run(["chattr", "+T", self.dir], capture_output=True, check=False)
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        programs.end_below(self.dir)
        if not programs.mounts_below(self.dir):
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def fresh(self, name):
        """An empty directory nobody has used before."""
        return tempfile.mkdtemp(prefix=name + ".", dir=self.dir)

    def sync(self):
        """Writes out what earlier steps left, so that the next one does not pay for it."""
        subprocess.run(["sync", "-f", self.dir], check=False)

    def emptied(self, folder):
        """Gives a folder's space back without unlinking anything.

        For minutes ext4 passes over the inodes of unlinked files one by one when it makes new ones: a program would
        pay for the files of the one before it, three times the work's own time in a trial.
        """
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    os.truncate(path, 0)


def tell(text):
    print(text, file=sys.stderr, flush=True)


def result(bench, kind, **more):
    """The frame of a result file; samples are added to its `samples`."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "benchmark": kind,
        "started": started,
        "machine": machine.machine(bench.dir),
        "versions": machine.versions(),
        **more,
        "samples": [],
    }


def write(found, folder, name):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)
    return path
