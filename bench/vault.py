import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, "test/scenario")
from house import House

SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))


def wrk(url, connections, script=None, headers=()):
    """Requests a second; None if any answer was not 2xx or 3xx."""
    words = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{SECONDS}s"]
    for h in headers:
        words += ["-H", h]
    if script:
        words += ["-s", script]
    out = subprocess.run(words + [url], capture_output=True, text=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        return None
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def nginx(top, body):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{top}/key.pem",
                    "-out", f"{top}/cert.pem", "-days", "1", "-subj", "/CN=localhost"], check=True, capture_output=True)
    os.makedirs(f"{top}/www")
    open(f"{top}/www/4711", "wb").write(body)
    os.chmod(top, 0o755)
    with open(f"{top}/nginx.conf", "w") as f:
        f.write(f"""pid {top}/nginx.pid; worker_processes 2; error_log {top}/error.log; daemon off; user root;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; ssl_protocols TLSv1.3;
server {{ listen 127.0.0.1:18999 ssl; ssl_certificate {top}/cert.pem; ssl_certificate_key {top}/key.pem; root {top}/www; }} }}""")
    p = subprocess.Popen(["nginx", "-c", f"{top}/nginx.conf", "-p", top], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return p


def memory(house, kind="Pss"):
    """KB of each process. Pss counts a page that several share once in all, Rss once for each."""
    return {role: int(re.search(rf"^{kind}:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1))
            for role, pid in house.processes().items()}


def connections_memory(house, n=1000):
    before = memory(house)["serve"]
    kept = []
    for _ in range(n):
        c = house.connect()
        c.connect()
        kept.append(c)
    time.sleep(0.3)
    after = memory(house)["serve"]
    for c in kept:
        c.close()
    return (after - before) / n


def main():
    top = tempfile.mkdtemp(prefix="sekisho-bench-")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    with House() as house:
        idle, rss = memory(house), memory(house, "Rss")
        token = house.token("sup1")
        body = house.http("GET", "/v1/subscribers/acme/objects/tickets/4711", "sup1", purpose="C").body
        web = nginx(top, body)
        put = os.path.join(top, "put.lua")
        open(put, "w").write('local n = 0\nrequest = function()\n n = n + 1\n return wrk.format("PUT", "/v1/subscribers/acme/objects/tickets/b" .. n, nil, "' +
                             "x" * len(body) + '")\nend\n')
        print(f"commit {commit}, {len(body)} bytes, {SECONDS} s a row, TLS 1.3 keep-alive, wrk -t1, both on {os.cpu_count()} cores")
        print(f"{'connections':>12}{'nginx/s':>10}{'get/s':>10}{'ratio':>8}{'put/s':>10}")
        headers = ["Authorization: Bearer " + token, "Sekisho-Purpose: C"]
        try:
            for c in (1, 8, 64):
                a = wrk("https://127.0.0.1:18999/4711", c)
                b = wrk(house.url + "/v1/subscribers/acme/objects/tickets/4711", c, headers=headers)
                p = wrk(house.url, c, put, headers)
                print(f"{c:12}{a or 0:10.0f}{b or 0:10.0f}{(b or 0) / a if a else 0:8.2f}{p or 0:10.0f}", flush=True)
        finally:
            web.terminate()
            web.wait()
        each = connections_memory(house)
        print(f"idle memory: {sum(idle.values()) / 1024:.1f} MB ({', '.join(f'{k} {v / 1024:.1f}' for k, v in idle.items())}); aim < 40; "
              f"with shared pages counted for each process {sum(rss.values()) / 1024:.1f}")
        print(f"memory a connection: {each:.1f} KB; aim < 50")
    shutil.rmtree(top, True)


main()
