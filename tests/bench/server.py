"""nginx as an S3 server for the benchmarks: run it, and count from its access log what clients asked for.

One nginx, two ports over the same data: `plain` answers at once and as fast as it can; `slow` waits before each answer
and limits each connection. Both are native (a timer in njs, sendfile and limit_rate), because the fault proxy of
tests/servers copies every byte once more and becomes what is measured. Anonymous, on 127.0.0.1.
"""
import functools
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from urllib.parse import quote

DELAY_MS = 20
# nginx sends a piece, then waits as many whole milliseconds as the piece may take. Pieces of a little more than 5 ms
# give the rate, with what waking up and sending take, and to requests of 1 MiB as well.
RATE, PIECE = "90000000", "472k"
MODULE = "/usr/lib/nginx/modules/ngx_http_js_module.so"
HERE = os.path.dirname(os.path.realpath(__file__))
LOG_FORMAT = r"$request_method\t$request_uri\t$status\t$body_bytes_sent"
PLAIN_KEY = re.compile(r"[ !#$%'-;=?-~]+")  # ASCII that XML takes as it is


@functools.lru_cache
def stamp(mtime):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(mtime))


def entry(key, size, mtime):
    """One key of a listing, with the ETag nginx gives the file."""
    if not PLAIN_KEY.fullmatch(key):
        raise ValueError(f"{key!r}: the benchmarks' server knows plain ASCII keys only")
    return (
        f"<Contents><Key>{quote(key, safe='/-._~')}</Key><LastModified>{stamp(mtime)}</LastModified>"
        f"<ETag>&quot;{mtime:x}-{size:x}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass>"
        "</Contents>"
    )


def bucket_of(entries):
    """A bucket of the index from its entries in key order: their text and where each begins, for server.js."""
    at, end = [0], 0
    for text in entries:
        end += len(text)
        at.append(end)
    return {"text": "".join(entries), "at": at}


def bucket_of_files(folder):
    """The index of a folder whose files are objects."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            status = os.stat(os.path.join(place, name))
            found.append((os.path.relpath(os.path.join(place, name), folder), status.st_size, int(status.st_mtime)))
    return bucket_of([entry(*one) for one in sorted(found)])


def free_ports(count):
    """Ports nobody listens on at this moment; start tries again where somebody was quicker."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def server_block(name, port, directory, data, slow):
    objects = "js_content bench.delayed;" if slow else "try_files $file @missing;"
    return f"""
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    access_log {directory}/{name}.log requests;
    root {data};
    max_ranges 1;
    error_page 404 = @missing;
    set $delay_ms {DELAY_MS if slow else 0};
    {f"limit_rate {RATE}; sendfile_max_chunk {PIECE};" if slow else ""}
    location / {{ {objects} }}
    location ~ ^/[^/]*/?$ {{ js_content bench.bucket; }}
    location @object {{ try_files $file @missing; }}
    location @missing {{ js_content bench.missing; }}
    location = /.status {{ stub_status; access_log off; }}
  }}"""


def conf_of(directory, data, ports, stand_in):
    user = "user root;" if os.geteuid() == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {directory}/tmp; " for kind in kinds)
    return f"""load_module {MODULE};
{user}
worker_processes auto;
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
  js_import bench from {HERE}/server.js;
  js_preload_object index from {directory}/index.json;
  log_format requests '{LOG_FORMAT}';
  {temporary}
  map $uri $file {{ {f'"~{stand_in[0]}" {stand_in[1]};' if stand_in else ""} default $uri; }}
  default_type binary/octet-stream;
  server_tokens off;
  merge_slashes off;
  sendfile on;
  sendfile_max_chunk 4m;
  tcp_nopush on;
  keepalive_requests 1000000;
  keepalive_timeout 3600s;
  reset_timedout_connection on;
  open_file_cache max=4096 inactive=1h;
  open_file_cache_valid 1h;
{server_block("plain", ports[0], directory, data, False)}
{server_block("slow", ports[1], directory, data, True)}
}}
"""


class Log:
    """An access log, read on from where it was read before."""

    def __init__(self, path):
        self.path, self.position = path, 0

    def read_on(self):
        """Requests and body bytes since the last call, by kind, and how many were refused."""
        requests, sent, refused = Counter(), Counter(), 0
        with open(self.path, encoding="utf-8") as log:
            log.seek(self.position)
            for line in log:
                method, uri, status, size = line.rstrip("\n").split("\t")
                kind = kind_of(method, uri)
                requests[kind] += 1
                sent[kind] += int(size)
                refused += int(status) >= 400
            self.position = log.tell()
        return {"requests": dict(requests), "bytes": dict(sent), "refused": refused}


def kind_of(method, uri):
    path, _, query = uri.partition("?")
    if method == "HEAD":
        return "head"
    if method == "GET" and "/" in path.strip("/"):
        return "object"
    return "list" if "list-type=" in query else "other"


class Server:
    """Use as a context manager. `stand_in` is (a regular expression, a path): keys that match are all that one file."""

    def __init__(self, directory, data, index, stand_in=None):
        self.directory, self.data, self.stand_in = directory, data, stand_in
        os.makedirs(directory)
        with open(os.path.join(directory, "index.json"), "w", encoding="ascii") as file:
            json.dump(index, file)
        self.process = None
        self.ports, self.logs = {}, {}

    def __enter__(self):
        for _ in range(5):
            ports = free_ports(2)
            conf = os.path.join(self.directory, "nginx.conf")
            with open(conf, "w", encoding="utf-8") as file:
                file.write(conf_of(self.directory, self.data, ports, self.stand_in))
            self.process = subprocess.Popen(
                ["nginx", "-c", conf, "-e", os.path.join(self.directory, "error.log")],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            if self.answers(ports):
                self.ports = dict(zip(("plain", "slow"), ports))
                self.logs = {name: Log(os.path.join(self.directory, name + ".log")) for name in self.ports}
                return self
            self.stop()
        with open(os.path.join(self.directory, "error.log"), encoding="utf-8") as log:
            raise RuntimeError("nginx does not start: " + log.read()[-500:])

    def __exit__(self, *_):
        self.stop()

    def answers(self, ports):
        """Waits until both ports answer; false where nginx ended, or did not begin within a minute."""
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                for port in ports:
                    status(port)
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def url(self, setting):
        return f"http://127.0.0.1:{self.ports[setting]}"

    def settle(self, seconds=2.0):
        """Waits until nothing is being answered any more, so that the log is complete; false where it goes on."""
        end = time.monotonic() + seconds
        while True:
            writing = int(re.search(r"Writing: (\d+)", status(self.ports["plain"]))[1])
            if writing <= 1:  # this very request
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.01)


def status(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/.status")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
