"""The archives of the benchmarks: one artifact, of this machine's shared libraries and headers, in four forms.

Its tar stream is the same each time on the same machine: sorted names, fixed times and owners, a manifest first, a pax
header for each member, as CI's own tools write them. Where the machine has too few libraries, they come again below
another stage, far beyond what a compressor remembers.
"""
import glob
import io
import os
import struct
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor

SIZE = 350_000_000  # of the tar stream, at least
HEADERS = 3000
LARGEST = 40_000_000
TIME = 1788264000.123456  # fractional, so that every member gets a pax header
STAGE = "compiler/part{}/stage"
XZ = ["--lzma2=preset=1,dict=8MiB"]  # the dictionary of preset 6, made faster
FRAME = 1 << 20

# name, ending, title
FORMS = (
    ("xz", ".tar.xz", "xz of one block"),
    ("xz-blocks", ".tar.xz", "xz of blocks of 4 MiB"),
    ("zst", ".tar.zst", "zstd of one frame"),
    ("zst-seekable", ".tar.zst", "seekable zstd, frames of 1 MiB"),
)


def plain_files(paths):
    """The files among them that are no links, and not empty, by name."""
    return sorted(path for path in paths if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path))


def sources():
    libraries = plain_files(glob.glob("/usr/lib/*-linux-gnu/*.so.*"))
    libraries = [path for path in libraries if os.path.getsize(path) <= LARGEST]
    headers = [os.path.join(place, name) for place, _, names in os.walk("/usr/include") for name in names]
    return libraries, plain_files(headers)[:HEADERS]


def member(name, **fields):
    info = tarfile.TarInfo(name)
    info.mtime = TIME
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def add_file(tar, name, source):
    info = member(name, size=os.path.getsize(source), mode=0o755 if ".so" in name else 0o644)
    with open(source, "rb") as file:
        tar.addfile(info, file)


def add_libraries(tar, folder, libraries):
    """Each with the link that a linker looks for; stops where the archive is large enough."""
    links = set()
    for path in libraries:
        if tar.offset >= SIZE:
            return
        name = os.path.join(folder, os.path.basename(path))
        link = name[: name.index(".so") + 3]
        add_file(tar, name, path)
        if link not in links:
            tar.addfile(member(link, type=tarfile.SYMTYPE, linkname=os.path.basename(name)))
        links.add(link)


def write_tar(path):
    libraries, headers = sources()
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        manifest = "".join(STAGE.format(part) + "\n" for part in range(9)).encode()
        tar.addfile(member("artifact_manifest.txt", size=len(manifest)), io.BytesIO(manifest))
        for header in headers:
            add_file(tar, STAGE.format(0) + header.removeprefix("/usr"), header)
        part = 0
        while tar.offset < SIZE:
            add_libraries(tar, STAGE.format(part) + "/lib", libraries)
            part += 1


def compress(argv, source, target):
    with open(source, "rb") as tar, open(target, "wb") as file:
        subprocess.run([*argv, "-c"], stdin=tar, stdout=file, check=True)


def one_frame(data):
    return subprocess.run(["zstd", "-q", "-3", "--check", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def seekable(source, target):
    """Frames with a seek table behind them, as contrib/seekable_format of zstd makes them."""
    with open(source, "rb") as tar:
        parts = list(iter(lambda: tar.read(FRAME), b""))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        frames = list(pool.map(one_frame, parts))
    table = b"".join(struct.pack("<II", len(frame), len(part)) for frame, part in zip(frames, parts))
    table += struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
    with open(target, "wb") as file:
        file.write(b"".join(frames) + struct.pack("<II", 0x184D2A5E, len(table)) + table)


def make(folder, tar):
    """Writes FOLDER/NAME.ENDING for each form, and TAR, which is their content."""
    os.makedirs(folder)
    write_tar(tar)
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(compress, ["xz", "-T1", *XZ], tar, f"{folder}/xz.tar.xz"),
            pool.submit(compress, ["xz", "-T0", *XZ, "--block-size=4MiB"], tar, f"{folder}/xz-blocks.tar.xz"),
            pool.submit(compress, ["zstd", "-q", "-3", "--no-check"], tar, f"{folder}/zst.tar.zst"),
            pool.submit(seekable, tar, f"{folder}/zst-seekable.tar.zst"),
        ]
        for job in jobs:
            job.result()
    for name, ending, _ in FORMS:
        os.utime(f"{folder}/{name}{ending}", (int(TIME), int(TIME)))
