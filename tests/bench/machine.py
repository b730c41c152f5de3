"""What was measured on and with: it belongs into every result, for figures mean nothing without it."""
import os
import platform
import re
import subprocess

from programs import HERE, RUNFS

VERSIONS = {
    "runfs": [RUNFS, "--version"],
    "s3fs": ["s3fs", "--version"],
    "rclone": ["rclone", "version"],
    "curl": ["curl", "--version"],
    "archivemount": ["dpkg-query", "-W", "-f", "archivemount ${Version}", "archivemount"],
    "xz": ["xz", "--version"],
    "zstd": ["zstd", "-q", "--version"],
    "nginx": ["nginx", "-v"],
    "fuse3": ["fusermount3", "--version"],
    "checkout": ["git", "-C", HERE, "describe", "--always", "--dirty"],
}


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    said = (done.stdout or done.stderr).splitlines()
    return said[0].strip() if done.returncode == 0 and said else None


def field(path, pattern):
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found[1] if found else None


def machine(work):
    return {
        "cpu": field("/proc/cpuinfo", r"^model name\s*: (.*)$"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(field("/proc/meminfo", r"^MemTotal:\s*(\d+)")) // 1000,
        "kernel": platform.release(),
        "system": field("/etc/os-release", r'^PRETTY_NAME="(.*)"$'),
        "filesystem": first_line(["findmnt", "-n", "-o", "FSTYPE", "-T", work]),
        "load_before": os.getloadavg()[0],
    }


def versions():
    return {name: first_line(argv) for name, argv in VERSIONS.items()}
