"""RFC 3161 time stamps: asked through the courier when a bundle is made, verified offline against the authority's certificate."""
import http.server
import os
import subprocess
import tempfile
import threading
import time
import unittest

from house import House, PROGRAM, environment

CONFIG = """[tsa]
default_tsa = here
[here]
serial = %(dir)s/serial
crypto_device = builtin
signer_cert = %(dir)s/tsa.pem
signer_key = %(dir)s/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
"""


class Authority:
    def __init__(self):
        self.dir, self.mode = tempfile.mkdtemp(prefix="sekisho-tsa-"), "good"
        run = lambda *w: subprocess.run(["openssl", *w], check=True, capture_output=True, cwd=self.dir)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/CN=Test CA", "-days", "30")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA")
        open(f"{self.dir}/ext", "w").write("extendedKeyUsage=critical,timeStamping\n")
        run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "30", "-extfile", "ext")
        open(f"{self.dir}/serial", "w").write("01\n")
        open(f"{self.dir}/tsa.cnf", "w").write(CONFIG % {"dir": self.dir})
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = authority.reply(body)
                self.send_response(200 if reply else 500)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply(self, query):
        if self.mode == "down":
            return b""
        if self.mode == "other":        # a stamp on something else
            subprocess.run(["openssl", "ts", "-query", "-digest", "00" * 32, "-sha256", "-cert", "-out", "other.tsq"], check=True, cwd=self.dir,
                           capture_output=True)
            query = open(f"{self.dir}/other.tsq", "rb").read()
        open(f"{self.dir}/q.tsq", "wb").write(query)
        subprocess.run(["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq", "-out", "r.tsr"], check=True, cwd=self.dir, capture_output=True)
        return open(f"{self.dir}/r.tsr", "rb").read()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        subprocess.run(["rm", "-rf", self.dir])


class Timestamps(unittest.TestCase):
    def test_a_bundle_bears_a_stamp_that_holds_offline(self):
        with House() as h:
            authority = Authority()
            self.addCleanup(authority.stop)
            asked = h.http("POST", "/v1/timestamp", "sec1", body={"url": authority.url})
            self.assertEqual(h.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec2", body={}).status, 200)
            path = os.path.join(h.top, "bundle")
            create = lambda: h.sekisho("bundle", "create", "--subscriber", "acme", path, person="acme-user1")
            done = create()
            self.assertEqual(done.returncode, 0, done.stderr)
            key = h.sekisho("ledger", "key").stdout.strip()
            verify = lambda ca: subprocess.run([PROGRAM, "bundle", "verify", path, "--key", key, "--timestamp", ca], env=environment(),
                                               capture_output=True, text=True)
            told = verify(f"{authority.dir}/ca.pem")
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
            other = Authority()
            self.addCleanup(other.stop)
            self.assertEqual(verify(f"{other.dir}/ca.pem").returncode, 7)
            for mode in ("down", "other"):
                authority.mode = mode
                self.assertEqual(create().returncode, 8, mode)
            asked = h.http("POST", "/v1/timestamp", "sec1", body={"url": "none"})
            h.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec2", body={})
            self.assertEqual(create().returncode, 0)
            self.assertEqual(h.http("POST", "/v1/timestamp", "sec1", body={"url": "http://192.0.2.1"}).status, 400)


if __name__ == "__main__":
    unittest.main()
