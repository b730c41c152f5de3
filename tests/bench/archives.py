"""The archive part of the benchmarks: one artifact in four forms, looked into by runfs, by archivemount over s3fs, and
unpacked by `curl | tar`, from the slow server. `Archives` does for a form what Run of `run` does for a workload.

Phases: `list` is mount and find with empty caches, `relist` the same with the caches of the first mount, `all` is
`tar -c` of all members after the first listing, `member` one member near the end, by a mount that has the table of
contents and nothing else. Of `curl | tar`, `all` is `tar -c` of an unpacked copy on disk.
"""
import hashlib
import os
import shlex
import shutil
import subprocess
import tarfile
import time

import artifact
from curl import CURL
from programs import BUCKET, MOUNTERS, OLD, Failed, Mount, timed

ARCHIVES_ID = "12345678902"
PHASES = ("list", "relist", "all", "member")
SETTING = "slow"
FIND = ["find", ".", "-mindepth", "1", "-printf", r"%P\n"]
MEMBER_AT = 0.93  # where in the tar stream the late member stands


class Form:
    def __init__(self, name, ending, title):
        self.name, self.file, self.title = name, name + ending, title
        self.filter = "--xz" if ending.endswith("xz") else "--zstd"


FORMS = {name: Form(name, ending, title) for name, ending, title in artifact.FORMS}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Archives:
    def __init__(self, bench, s3):
        self.bench, self.s3, self.env = bench, s3, bench.env

    @staticmethod
    def make(bench):
        """Makes the archives where a server will find them, and gives what belongs into the result of them."""
        tar, folder = bench.path("artifact.tar"), bench.path("data", BUCKET, f"{ARCHIVES_ID}-linux")
        artifact.make(folder, tar)
        with tarfile.open(tar) as whole:
            members = whole.getmembers()
        return {
            "members": len(members),
            "tar_bytes": os.path.getsize(tar),
            "content_bytes": sum(one.size for one in members),
            "bytes": {form.name: os.path.getsize(f"{folder}/{form.file}") for form in FORMS.values()},
        }

    def prepare(self):
        """What the originals say."""
        tar, self.unpacked = self.bench.path("artifact.tar"), self.bench.path("unpacked")
        os.mkdir(self.unpacked)
        subprocess.run(["tar", "-xf", tar, "-C", self.unpacked], check=True)
        with tarfile.open(tar) as whole:
            files = [one for one in whole.getmembers() if one.isreg()]
        behind = [one for one in files if one.offset >= MEMBER_AT * os.path.getsize(tar) and one.size >= 100_000]
        self.member = behind[0].name
        timed(FIND, self.env, self.bench.path("output"), self.unpacked)
        self.names = self.lines(self.bench.path("output"))
        self.content = self.digest_below(self.unpacked)

    def jobs(self):
        ours = {name: lambda form, name=name: self.runfs(form, name) for name in ("runfs", OLD) if name in MOUNTERS}
        return ours | {"archivemount": self.archivemount, "curl-tar": self.curl_tar}

    # --- what is timed, and checked

    @staticmethod
    def lines(path):
        with open(path, "rb") as file:
            return {line.rstrip(b"/") for line in file.read().split(b"\n")} - {b""}

    def digest_below(self, folder, rescue=None):
        script = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum"
        output = self.bench.path("output")
        timed(["sh", "-c", script], self.env, output, folder, rescue=rescue)
        with open(output, encoding="ascii") as file:
            return file.read()

    def check_names(self, path):
        found = self.lines(path)
        if found != self.names:
            other = next(iter(found ^ self.names))
            raise Failed(f"wrong names: {len(found)}, not {len(self.names)}; one that differs: {other!r}")

    def check_member(self, path):
        if digest(path) != digest(os.path.join(self.unpacked, self.member)):
            raise Failed(f"wrong bytes: {self.member}")

    def listed(self, mount, folder):
        """Mounts and lists; gives the seconds of both, and of find alone."""
        output = self.bench.path("output")
        began = time.perf_counter()
        mount.up()
        alone = timed(FIND, self.env, output, folder, rescue=mount.kill)
        both = time.perf_counter() - began
        self.check_names(output)
        return both, alone

    def all_members(self, folder, rescue=None):
        script = "set -o pipefail; tar -cf - . | cat >/dev/null"
        return timed(["bash", "-c", script], self.env, self.bench.path("output"), folder, rescue=rescue)

    def sample(self, phase, seconds, mounts=(), **more):
        settled = self.s3.settle()
        memory = {"rss_kib": sum(mount.memory("VmHWM") for mount in mounts)} if mounts else {}
        return {"phase": phase, "seconds": seconds, "settled": settled, **memory, **more, **self.log().read_on()}

    def log(self):
        return self.s3.logs[SETTING]

    def begin(self):
        self.s3.settle()
        self.bench.sync()
        self.log().read_on()

    # --- the programs; each yields a sample a phase

    def runfs_mount(self, name, cache):
        place = self.bench.fresh("runfs")
        argv = MOUNTERS[name](self.s3.url(SETTING), ARCHIVES_ID, place, cache)
        return Mount([*argv[:-1], argv[-1] + ",archives"], place, self.env, self.bench.path("mount.log"))

    def runfs(self, form, name):
        cache, late = self.bench.fresh("runfs-cache"), self.bench.fresh("runfs-cache")
        try:
            yield from self.runfs_listings(form, name, cache)
            if os.path.isdir(cache + "/tables"):
                shutil.copytree(cache + "/tables", late + "/tables")
            yield self.runfs_member(form, name, late)
        finally:
            self.bench.emptied(cache)
            self.bench.emptied(late)

    def runfs_listings(self, form, name, cache):
        for phase in ("list", "relist"):
            self.begin()
            with self.runfs_mount(name, cache) as mount:
                folder = f"{mount.place}/{form.name}"
                both, alone = self.listed(mount, folder)
                yield self.sample(phase, both, [mount], find_seconds=alone)
                if phase == "list":
                    yield self.sample("all", self.all_members(folder, mount.kill), [mount])
                    if self.digest_below(folder, mount.kill) != self.content:
                        raise Failed("wrong bytes of members")

    def runfs_member(self, form, name, cache):
        output = self.bench.path("output")
        self.begin()
        with self.runfs_mount(name, cache) as mount:
            began = time.perf_counter()
            mount.up()
            timed(["cat", self.member], self.env, output, f"{mount.place}/{form.name}", rescue=mount.kill)
            seconds = time.perf_counter() - began
            self.check_member(output)
            return self.sample("member", seconds, [mount])

    def archivemount(self, form):
        """Reading all members is left out: archivemount decodes from the start for each of them."""
        caches = {phase: self.bench.fresh("s3fs-cache") for phase in ("list", "member")}
        caches["relist"] = caches["list"]
        try:
            for phase in ("list", "relist", "member"):
                store, place = self.bench.fresh("s3fs"), self.bench.fresh("archivemount")
                argv = MOUNTERS["s3fs"](self.s3.url(SETTING), ARCHIVES_ID, store, caches[phase])
                upper = ["archivemount", "-o", "readonly", f"{store}/{form.file}", place]
                self.begin()
                with Mount(argv, store, self.env, self.bench.path("mount.log")) as below:
                    with Mount(upper, place, self.env, self.bench.path("mount.log")) as mount:
                        yield self.sample(phase, self.archivemounted(phase, below, mount), [below, mount])
        finally:
            for cache in caches.values():
                self.bench.emptied(cache)

    def archivemounted(self, phase, below, mount):
        output = self.bench.path("output")
        began = time.perf_counter()
        below.up()
        if phase != "member":
            return time.perf_counter() - began + self.listed(mount, mount.place)[0]
        mount.up()
        timed(["cat", self.member], self.env, output, mount.place, rescue=mount.kill)
        seconds = time.perf_counter() - began
        self.check_member(output)
        return seconds

    def piped(self, form, *options):
        """Seconds of `curl | tar`; what tar says or gives goes to `output`."""
        url = f"{self.s3.url(SETTING)}/{BUCKET}/{ARCHIVES_ID}-linux/{form.file}"
        unpack = shlex.join(["tar", form.filter, "-f", "-", *options])
        script = f"set -o pipefail; {shlex.join([*CURL, url])} | {unpack}"
        self.begin()
        return timed(["bash", "-c", script], self.env, self.bench.path("output"))

    def curl_tar(self, form):
        output, copy = self.bench.path("output"), self.bench.fresh("copy")
        yield self.sample("list", self.piped(form, "-t"))
        if not self.lines(output) <= self.names:
            raise Failed("wrong names")
        yield self.sample("member", self.piped(form, "-x", "-O", self.member))
        self.check_member(output)
        try:
            self.piped(form, "-x", "-C", copy)
            self.bench.sync()
            yield self.sample("all", self.all_members(copy))
        finally:
            self.bench.emptied(copy)
