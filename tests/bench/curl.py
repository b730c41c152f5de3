"""curl as the measure of what the server and the wire give: one stream, and 32 connections at once, to the same disk.

A transfer is what is timed as `cold`; reading the copy it made with the workload's own program is `again`.
"""
import filecmp
import os
import subprocess

from programs import BUCKET, Failed, timed
from workloads import BIG, BIG_SIZE, LOGS, ONE_LOG, RUN_ID

CONNECTIONS = 32
CURL = ["curl", "-q", "-sS", "--no-progress-meter", "--fail", "--noproxy", "*", "--globoff"]
PARALLEL = ["-Z", "--parallel-immediate", "--parallel-max", str(CONNECTIONS)]


def url_of(server_url, path):
    return f"{server_url}/{BUCKET}/{RUN_ID}-linux/{path}"


def configuration(path, transfers):
    """Writes a configuration file of curl with transfers (URL, file, range or None)."""
    blocks = []
    for url, output, part in transfers:
        block = f'url = "{url}"\noutput = "{output}"\n'
        blocks.append(block + (f"range = {part}\n" if part else ""))
    with open(path, "w", encoding="utf-8") as file:
        file.write("next\n".join(blocks))


def log_transfers(server_url, root, folder):
    """Transfers of all logs to a folder; with None for it, to nowhere. So does range_transfers for the big file."""
    with os.scandir(os.path.join(root, LOGS)) as found:
        names = sorted(one.name for one in found if one.is_file())
    outputs = [f"{folder}/{name}" if folder else "/dev/null" for name in names]
    return [(url_of(server_url, f"{LOGS}/{name}"), output, None) for name, output in zip(names, outputs)]


def range_transfers(server_url, folder):
    parts = []
    for i in range(CONNECTIONS):
        start, end = BIG_SIZE * i // CONNECTIONS, BIG_SIZE * (i + 1) // CONNECTIONS
        output = f"{folder}/part{i:02}" if folder else "/dev/null"
        parts.append((url_of(server_url, BIG), output, f"{start}-{end - 1}"))
    return parts


def parallel(env, transfers, scratch):
    """Seconds that curl takes for all transfers over 32 connections."""
    configuration(scratch + ".conf", transfers)
    return timed([*CURL, *PARALLEL, "-K", scratch + ".conf"], env, scratch)


def one(env, url, output, scratch):
    return timed([*CURL, "-o", output, url], env, scratch)


def check_parts(root, folder):
    """The parts of the big file, one after the other, are the file."""
    names = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    cat = subprocess.Popen(["cat", *names], stdout=subprocess.PIPE)
    compared = subprocess.run(["cmp", "-", os.path.join(root, BIG)], stdin=cat.stdout, check=False)
    cat.stdout.close()
    if cat.wait() != 0 or compared.returncode != 0:
        raise Failed("curl: wrong bytes")


# The jobs yield (phase, seconds) and check what they got.


def listing(env, _root, server_url, folder, scratch):
    url = f"{server_url}/{BUCKET}?list-type=2&prefix={RUN_ID}-linux%2F"
    yield "cold", one(env, url, folder + "/page", scratch)


def first_byte(env, _root, server_url, folder, scratch):
    yield "cold", timed([*CURL, "-r", "0-0", "-o", folder + "/byte", url_of(server_url, ONE_LOG)], env, scratch)


def logs(env, root, server_url, folder, scratch):
    yield "cold", parallel(env, log_transfers(server_url, root, folder), scratch)
    yield "again", timed(["grep", "-rn", "ninja: error", folder], env, scratch)
    for name in os.listdir(folder):
        if not filecmp.cmp(os.path.join(folder, name), os.path.join(root, LOGS, name), shallow=False):
            raise Failed(f"curl: wrong bytes: {name}")


def one_stream(env, root, server_url, folder, scratch):
    yield "cold", one(env, url_of(server_url, BIG), folder + "/whole", scratch)
    yield "again", timed(["cat", folder + "/whole"], env, scratch, silent=True)
    check_parts(root, folder)


def ranges(env, root, server_url, folder, scratch):
    yield "cold", parallel(env, range_transfers(server_url, folder), scratch)
    names = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    yield "again", timed(["cat", *names], env, scratch, silent=True)
    check_parts(root, folder)


# workload → name of the column → job
JOBS = {
    "find": {"curl": listing},
    "first": {"curl": first_byte},
    "grep": {"curl-32": logs},
    "file": {"curl": one_stream, "curl-32": ranges},
}
