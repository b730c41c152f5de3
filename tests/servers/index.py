#!/usr/bin/env python3
"""index.py DATA: the object index of nginx-start as JSON on stdout.

Each folder of DATA is a bucket; its files are its objects. A file DATA/BUCKET.keys adds objects without files of their
own, for keys no file system can hold or too many to write: lines "PERCENT-ENCODED-KEY<TAB>FILE", FILE relative to DATA
and holding the object's bytes. ETags are those nginx itself gives for the file.
"""
import json
import os
import sys
import time
import urllib.parse
from xml.sax.saxutils import escape

XML_KEY = {'"': "&quot;", "\r": "&#13;"}


def entry(status):
    seconds, size = int(status.st_mtime), status.st_size
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))
    return (
        f"<LastModified>{stamp}</LastModified><ETag>&quot;{seconds:x}-{size:x}&quot;</ETag>"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass>"
    )


def files_of(bucket):
    """Yields (key as bytes, "", entry) for every file below bucket."""
    for folder, folders, names in os.walk(bucket, followlinks=True):
        for name in names:
            path = os.path.join(folder, name)
            yield os.path.relpath(path, bucket), b"", entry(os.stat(path))


def extras_of(data, listing):
    """Yields (key, file, entry) for every line of a .keys file."""
    known = {}
    with open(listing, "rb") as lines:
        for line in lines:
            key, file = line.rstrip(b"\n").split(b"\t")
            if file not in known:
                known[file] = entry(os.stat(os.path.join(data, file)))
            yield urllib.parse.unquote_to_bytes(key), file, known[file]


def bucket_index(data, name):
    objects = list(files_of(os.path.join(data, name)))
    extra = os.path.join(data, name + b".keys")
    if os.path.exists(extra):
        objects += extras_of(data, extra)
    objects.sort()
    return {
        "keys": [key.decode("latin-1") for key, _, _ in objects],
        "xml": [escape(key.decode("utf-8", "replace"), XML_KEY) for key, _, _ in objects],
        "files": [file.decode("latin-1") for _, file, _ in objects],
        "entries": [xml for _, _, xml in objects],
    }


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: index.py DATA")
    data = os.fsencode(sys.argv[1])
    buckets = sorted(name for name in os.listdir(data) if os.path.isdir(os.path.join(data, name)))
    json.dump({os.fsdecode(name): bucket_index(data, name) for name in buckets}, sys.stdout)


main()
