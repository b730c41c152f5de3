#!/usr/bin/env python3
"""What the benchmarks time and no standard program does. Prints "SECONDS DIGEST", the time without Python's own start.

readers.py random FILE SEED COUNT   COUNT reads of 4 KiB at places that SEED decides, one after the other
readers.py slices FILE COUNT        COUNT threads read their part of FILE each, all at once, in steps of 128 KiB
readers.py files DIR COUNT          COUNT threads read the files below DIR, each its share, all at once

The digest is over all bytes, in the order of places or names; `slices` gives their number instead, so that a digest of
hundreds of megabytes is not what is measured.
"""
import hashlib
import os
import random
import sys
import threading
import time

PAGE, STEP = 4096, 128 * 1024


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def at_once(count, work):
    """Runs work(0) … work(count - 1) in threads of their own; an exception in one of them is raised here."""
    failed = []

    def one(i):
        try:
            work(i)
        except Exception as error:  # handed on
            failed.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def digest(parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()


def read_random(file, seed, count):
    fd = os.open(file, os.O_RDONLY)
    pages = os.fstat(fd).st_size // PAGE
    chance = random.Random(int(seed))
    places = [chance.randrange(pages) * PAGE for _ in range(int(count))]
    parts = []
    seconds = timed(lambda: parts.extend(os.pread(fd, PAGE, place) for place in places))
    return seconds, digest(parts)


def read_slices(file, count):
    count, size = int(count), os.stat(file).st_size
    done = [0] * count

    def one(i):
        at, end = size * i // count, size * (i + 1) // count
        fd = os.open(file, os.O_RDONLY)
        buffer = memoryview(bytearray(STEP))
        while at < end:
            got = os.preadv(fd, [buffer[: min(STEP, end - at)]], at)
            if got == 0:
                raise EOFError(f"{file} ends at {at}, not at {size}")
            at += got
            done[i] += got
        os.close(fd)

    return timed(lambda: at_once(count, one)), str(sum(done))


def read_files(folder, count):
    paths = sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    parts = [b""] * len(paths)

    def one(i):
        for k in range(i, len(paths), int(count)):
            with open(paths[k], "rb", buffering=0) as file:
                parts[k] = file.read()

    return timed(lambda: at_once(int(count), one)), digest(parts)


kinds = {"random": read_random, "slices": read_slices, "files": read_files}
print("%.6f %s" % kinds[sys.argv[1]](*sys.argv[2:]))
