"""The programs the benchmarks compare, and how they are mounted, watched, timed and ended.

s3fs and rclone are tuned for the workloads here: s3fs fetches 16 parts at once, rclone keeps whole files, listings are
trusted for as long as the mount lives, and both have a disk cache.
"""
import os
import select
import signal
import subprocess
import time

BUCKET = "therock-ci-artifacts"
STEP_SECONDS = 120  # a single step that takes longer has failed
HERE = os.path.dirname(os.path.realpath(__file__))
RUNFS = os.environ.get("RUNFS") or os.path.realpath(os.path.join(HERE, "../../build/release/src/cli/runfs"))
FOREIGN = ("AWS_", "GITHUB_", "THEROCK_", "SSL_CERT_", "RCLONE_")
FOREIGN_ENDS = ("_PROXY", "_proxy", "CA_BUNDLE")


class Failed(Exception):
    """A program that failed, hung or gave wrong bytes; the message says which."""


def clean_environment(home):
    """Nothing of the caller's decides what is measured: no credentials, proxies, certificates or settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN) and not k.endswith(FOREIGN_ENDS)}
    kept.pop("RELEASE_TYPE", None)
    kept.pop("IS_PR_FROM_FORK", None)
    return kept | {"HOME": home, "XDG_CACHE_HOME": home, "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8"}


def timed(argv, env, output, cwd=None, seconds=STEP_SECONDS, rescue=None, silent=False):
    """Runs argv and gives the seconds it took; `output` is a file for stdout and stderr, where silent for stderr only.

    A process that waits for a dead mount cannot be killed, so `rescue` is called first: it ends the driver.
    """
    name = os.path.basename(argv[0])
    if cwd:  # env(1) goes there, not Popen, which would wait for a mount that does not answer
        argv = ["env", "-C", cwd, *argv]
    began = time.perf_counter()
    with open(output, "wb") as file:
        stdout = subprocess.DEVNULL if silent else file
        process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=stdout, stderr=file)
    try:
        ended = has_ended(process.pid, seconds)
        took = time.perf_counter() - began
    finally:
        if process.poll() is None:
            if rescue:
                rescue()
            process.kill()
            process.wait()
    if not ended:
        raise Failed(f"{name}: no end after {seconds} s")
    if process.returncode != 0:
        with open(output, errors="replace", encoding="utf-8") as file:
            said = file.read().strip()[-300:]
        raise Failed(f"{name}: exit {process.returncode}: {said}")
    return took


def has_ended(pid, seconds):
    """Waits for a child's end without the naps of Popen.wait, which are up to 50 ms long."""
    handle = os.pidfd_open(pid)
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


def runfs_knows_cache(env):
    """The option cache=DIR came later than the program: without it there is nothing on disk to come back to."""
    asked = [RUNFS, "ls", "-o", "cache=/nonexistent/cache", "/nonexistent/run"]
    said = subprocess.run(asked, env=env, capture_output=True, text=True, timeout=STEP_SECONDS, check=False).stderr
    return "'cache': unknown" not in said


def runfs_options(url, cache):
    options = f"endpoint={url},region=us-east-1,path-style,no-sign-request"
    return options + (f",cache={cache}" if cache else "")


def runfs(url, run, place, cache):
    return [RUNFS, "mount", run, place, "-o", runfs_options(url, cache)]


def s3fs(url, run, place, cache):
    options = f"ro,public_bucket=1,url={url},endpoint=us-east-1,use_path_request_style,listobjectsv2"
    options += f",parallel_count=16,stat_cache_expire=900,use_cache={cache}"
    return ["s3fs", f"{BUCKET}:/{run}-linux", place, "-o", options]


def rclone(url, run, place, cache):
    remote = ["--s3-provider", "Other", "--s3-endpoint", url, "--s3-force-path-style", "--s3-list-version", "2"]
    local = ["--read-only", "--no-modtime", "--dir-cache-time", "1h", "--vfs-cache-mode", "full", "--cache-dir", cache]
    return ["rclone", "mount", f":s3:{BUCKET}/{run}-linux", place, "--config", "/dev/null", *remote, *local, "--daemon"]


MOUNTERS = {"runfs": runfs, "s3fs": s3fs, "rclone": rclone}
OLD = "old"  # another build of runfs, to compare with


def add_old(path):
    """Makes the program at PATH, of an earlier version with the same options, one of those that are compared."""
    MOUNTERS[OLD] = lambda url, run, place, cache: [path, *runfs(url, run, place, cache)[1:]]


class Mount:
    """One mount of one program. `up` and `down` wait for what they say; as a context it is down at the end."""

    def __init__(self, argv, place, env, log):
        self.argv, self.place, self.env, self.log = argv, place, env, log
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def up(self, seconds=STEP_SECONDS):
        os.makedirs(self.place, exist_ok=True)
        timed(self.argv, self.env, self.log, seconds=seconds, rescue=self.kill)
        if not is_mounted(self.place):
            raise Failed(f"{self.argv[0]}: not mounted though it says so")

    def up_in_foreground(self):
        """For a program that does not go into the background by itself."""
        os.makedirs(self.place, exist_ok=True)
        self.process = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not is_mounted(self.place):
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failed(f"{self.argv[0]}: does not mount")
            time.sleep(0.005)

    def drivers(self):
        return processes_with(lambda argument: argument == self.place)

    def memory(self, field):
        """VmRSS or VmHWM (the peak) of the driver, in KiB."""
        total = 0
        for pid in self.drivers():
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                    total += sum(int(line.split()[1]) for line in status if line.startswith(field + ":"))
            except OSError:
                pass  # ended meanwhile
        return total

    def kill(self):
        for pid in self.drivers():
            kill(pid)

    def down(self):
        if is_mounted(self.place):
            unmount(self.place)
        began = time.monotonic()
        while self.alive():
            waited = time.monotonic() - began
            if waited > 40:
                raise Failed(f"{self.argv[0]}: cannot be ended")
            if waited > 20:
                self.kill()
            time.sleep(0.005)

    def alive(self):
        if self.process:
            self.process.poll()  # or it would stay as a zombie
        return bool(self.drivers())


def processes_with(fits):
    """Other processes that have an argument that fits: a path below a directory of our own."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if any(fits(os.fsdecode(argument)) for argument in file.read().split(b"\0")):
                        found.append(int(name))
            except OSError:
                pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def mounts_below(directory):
    """Mountpoints below a directory, the innermost first; asks nothing of the mounts themselves."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        places = [line.split()[4].replace("\\040", " ") for line in file]
    return [place for place in reversed(places) if place == directory or place.startswith(directory + "/")]


def is_mounted(place):
    return place in mounts_below(place)


def unmount(place):
    for options in (["-u"], ["-uz"]):
        for _ in range(20):
            done = subprocess.run(["fusermount3", *options, place], capture_output=True, check=False)
            if done.returncode == 0 or not is_mounted(place):
                return
            time.sleep(0.05)


def end_below(directory):
    """Clears what a failure may have left: mounts and processes, none but those below a directory of our own."""
    for place in mounts_below(directory):
        unmount(place)
    for pid in processes_with(lambda argument: argument.startswith(directory + "/")):
        kill(pid)
