"""Makes the archives that the tar reader is compared on, with Python's tarfile, GNU tar, bsdtar and by hand. Each
function takes a directory to work in, and what to call with an archive's path and the programs that cannot read it.
"""
import io
import os
import subprocess
import tarfile
from pathlib import Path

NS = 10**9


def run(*command, **options):
    subprocess.run(command, check=True, **options)


LONG = "long/" + "d" * 140 + "/" + "e" * 140 + "/" + "n" * 150
MIDDLE = "m" * 90 + "/" + "n" * 90


def make_files(root):
    """A directory with everything that GNU tar and bsdtar can archive."""
    def write(name, content=b"x", mtime=1_600_000_000 * NS + 123_456_789, mode=0o644):
        full = os.path.join(root.encode(), name if isinstance(name, bytes) else name.encode())
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content)
        os.chmod(full, mode)
        os.utime(full, ns=(mtime, mtime))

    write("plain", b"content\n" * 100)
    write("empty", b"")
    write("block", b"b" * 512)
    write("exec", b"#!/bin/sh\n", mode=0o755)
    write("sticky", mode=0o1640)
    write("ü/ñandú", "ü".encode())
    write(b"raw/\xff\xfe \x01", b"raw")
    write("with space/and\nnewline\\", b"y")
    write(MIDDLE, b"middle")
    write("old", mtime=0)
    os.symlink("plain", os.path.join(root, "symlink"))
    os.symlink("t" * 300, os.path.join(root, "long-symlink"))
    os.link(os.path.join(root, "plain"), os.path.join(root, "hard"))
    os.makedirs(os.path.join(root, "directory/empty"))
    os.chmod(os.path.join(root, "directory"), 0o2750)
    os.mkfifo(os.path.join(root, "fifo"))
    return write


def make_sparse(root):
    os.makedirs(root)
    size = 4 << 20
    for name, pieces in (("holes", range(0, size, size // 4)), ("many", range(0, size, 65536)), ("all-hole", ()),
                         ("end", (size - 1,)), ("start", (0,))):
        with open(os.path.join(root, name), "wb") as file:
            for at in pieces:
                file.seek(at)
                file.write(f"at {at}\n".encode() if at < size - 1 else b"z")
            file.truncate(size)
    Path(root, "none").write_bytes(b"not sparse")


def entries(root, but=()):
    return sorted(name for name in os.listdir(root.encode()) if name not in but)


def gnu_archives(work, check):
    root = os.path.join(work, "files")
    os.mkdir(root)
    write = make_files(root)
    write(LONG, b"long")
    write("before-1970", mtime=-(10**9) * NS - 1)
    too_much = {"v7": (b"m" * 90, b"long-symlink", b"long", b"fifo", b"before-1970"),
                "ustar": (b"long-symlink", b"long", b"before-1970")}
    for form in ("v7", "ustar", "oldgnu", "gnu", "posix"):
        path = os.path.join(work, f"gnu-{form}.tar")
        run("tar", "-cf", path, f"--format={form}", *entries(root, too_much.get(form, ())), cwd=root)
        check(path, bsdtar=form != "posix")
    for form in ("gnu", "posix"):
        path = os.path.join(work, f"gnu-{form}-dot.tar")
        run("tar", "-cf", path, f"--format={form}", "--exclude=./raw", ".", cwd=root)
        check(path)
    for form, name in (("ustar", "ustar"), ("pax", ""), ("gnutar", "")):
        path = os.path.join(work, f"bsdtar-{form}.tar")
        run("bsdtar", "-cf", path, f"--format={form}", *entries(root, too_much.get(name, ())), cwd=root,
            stderr=subprocess.DEVNULL)
        check(path)


def sparse_archives(work, check):
    root = os.path.join(work, "sparse")
    make_sparse(root)
    forms = [("oldgnu", ()), ("gnu", ())]
    forms += [("posix", (f"--sparse-version={version}",)) for version in ("0.0", "0.1", "1.0")]
    for form, options in forms:
        path = os.path.join(work, "-".join(("sparse", form, *options)).replace("--sparse-version=", "") + ".tar")
        run("tar", "-cSf", path, f"--format={form}", *options, *sorted(os.listdir(root)), cwd=root)
        assert os.path.getsize(path) < 4 << 20, "written in full"
        check(path)
    path = os.path.join(work, "sparse-bsdtar.tar")
    run("bsdtar", "-cf", path, "--format=pax", "--read-sparse", *sorted(os.listdir(root)), cwd=root)
    check(path)


def info(name, kind=tarfile.REGTYPE, mtime=1_500_000_000, mode=0o644, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.mtime, member.mode, member.linkname = kind, mtime, mode, link
    return member


def python_members(form):
    """(TarInfo, content) of an archive as CI makes them, and worse."""
    pax = form == tarfile.PAX_FORMAT
    long = form != tarfile.USTAR_FORMAT
    members = [
        (info("artifact_manifest.txt", mtime=1_650_000_000.987654321 if pax else 1_650_000_000), b"core/stage\n"),
        (info("core/stage/bin/tool", mode=0o755), b"\x7fELF" * 1000),
        (info("core/stage/lib/libx.so.1"), b"x" * 1537),
        (info("core/stage/lib/libx.so", tarfile.SYMTYPE, link="libx.so.1"), b""),
        (info("core/stage/lib/hard", tarfile.LNKTYPE, link="core/stage/lib/libx.so.1"), b""),
        (info("twice"), b"the first"),
        (info("named-twice", tarfile.LNKTYPE, link="twice"), b""),
        (info("twice", mtime=1_500_000_001), b"the second"),
        (info("./dotted//twice/./file"), b"d"),
        (info("dir/", tarfile.DIRTYPE, mode=0o700), b""),
        (info("dir", tarfile.DIRTYPE, mode=0o711), b""),
        (info("fifo", tarfile.FIFOTYPE), b""),
        (info("contiguous", tarfile.CONTTYPE), b"c" * 513),
        (info("epoch", mtime=0), b""),
        (info("ü-utf8"), b"u"),
    ]
    if long:
        members += [
            (info(LONG), b"long"),
            (info("to-long", tarfile.SYMTYPE, link="t" * 300), b""),
            (info("hard-to-long", tarfile.LNKTYPE, link=LONG), b""),
            (info("negative", mtime=-1.5 if pax else -2), b"n"),
            (info("raw-\udcff\udcfe"), b"r"),
        ]
    return members


def write_python(path, form, members):
    with tarfile.open(path, "w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def python_archives(work, check):
    for form, name in ((tarfile.USTAR_FORMAT, "ustar"), (tarfile.GNU_FORMAT, "gnu"), (tarfile.PAX_FORMAT, "pax")):
        path = os.path.join(work, f"python-{name}.tar")
        write_python(path, form, python_members(form))
        check(path, bsdtar=name != "pax")  # which refuses pax names that are no UTF-8
        if name == "pax":
            path = os.path.join(work, "python-pax-utf8.tar")
            write_python(path, form, [pair for pair in python_members(form) if "\udcff" not in pair[0].name])
            check(path)
    path = os.path.join(work, "python-global.tar")
    headers = {"mtime": "1234567890.5", "comment": "c" * 600}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
        for name in ("a", "b"):
            member = info(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"g"))
    check(path, bsdtar=False)  # which does not heed global headers


def odd_archive(work, check):
    """Members that get in each other's way: extraction decides."""
    file, hard, sym, directory = tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE
    members = [
        ("empty", directory, ""), ("empty", file, ""),
        ("full/x", file, ""), ("full", file, ""), ("full", sym, "x"), ("full", hard, "full/x"),
        ("file", file, ""), ("file/beneath", file, ""), ("file/beneath/deep", directory, ""),
        ("symlink", sym, "target"), ("symlink", directory, ""), ("symlink/in", file, ""),
        ("broken", hard, "missing"), ("to-directory", hard, "full"),
        ("early", hard, "late"), ("late", file, ""),
        ("self", file, ""), ("self", hard, "self"),
        ("stays", file, ""), ("stays", hard, "missing"),
        ("link-to-symlink", sym, "nowhere"), ("same-symlink", hard, "link-to-symlink"),
        ("c", file, ""), ("b", hard, "c"), ("a", hard, "b"), ("c", file, ""), ("c2", hard, "c"),
        ("cycle1", hard, "cycle2"), ("cycle2", hard, "cycle1"),
        ("filled", hard, "missing"), ("filled/in", file, ""),
        ("was-file", file, ""), ("was-file", directory, ""), ("was-file/in", file, ""),
        ("new/parents/of/link", hard, "self"),
        ("twice", directory, ""), ("twice/in", file, ""), ("twice", directory, ""),
    ]
    path = os.path.join(work, "odd.tar")
    write_python(path, tarfile.PAX_FORMAT,
                 [(info(name, kind, 1_500_000_000 + i, 0o700 if kind == directory else 0o600, link),
                   str(i).encode() if kind == file else b"") for i, (name, kind, link) in enumerate(members)])
    check(path, python=False, bsdtar=False)


def v7_header(name, size, type_letter=b"\0", link=b""):
    """A header of 1979: no magic, blanks where others have zeros."""
    head = name.ljust(100, b"\0") + b"   644 \0" + b"     0 \0" * 2 + f"{size:11o} ".encode()
    head += b"14000000000 " + b" " * 8  # the time, and blanks in place of the checksum
    head = (head + type_letter + link.ljust(100, b"\0")).ljust(512, b"\0")
    return head[:148] + f"{sum(head):6o}\0 ".encode() + head[156:]


def v7_archives(work, check):
    path = os.path.join(work, "v7-ish.tar")
    content = b"seventh edition\n"
    blocks = [v7_header(b"old/", 0), v7_header(b"old/file", len(content)), content.ljust(512, b"\0"),
              v7_header(b"old/link", 0, b"1", b"old/file"), v7_header(b"old/symlink", 0, b"2", b"file")]
    Path(path).write_bytes(b"".join(blocks))  # without an end
    check(path)


ALL = (python_archives, odd_archive, gnu_archives, sparse_archives, v7_archives)
