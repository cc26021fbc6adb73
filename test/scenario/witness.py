"""A witness of C2SP tlog-witness, for tests: POST /add-checkpoint; it can be told to misbehave."""
import base64
import hashlib
import http.server
import struct
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def consistent(old, old_root, size, root, path):
    """RFC 9162 section 2.1.4.2."""
    if old == 0 or old == size:
        return not path and (old == 0 or old_root == root)
    path = list(path)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            fr, sr = node(c, fr), node(c, sr)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            sr = node(sr, c)
        at, last = at >> 1, last >> 1
    return fr == old_root and sr == root and last == 0


class Witness:
    def __init__(self, name="witness.example/w1"):
        self.name, self.key = name, Ed25519PrivateKey.generate()
        self.size, self.root, self.asked, self.mode, self.time = 0, hashlib.sha256(b"").digest(), 0, "good", None
        public = b"\4" + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(public).decode()}"
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, text = witness.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body):
        self.asked += 1
        if path != "/add-checkpoint":
            return 404, "text/plain", b""
        head, note = body.split(b"\n\n", 1)
        lines = head.decode().split("\n")
        old, proof = int(lines[0][4:]), [base64.b64decode(l) for l in lines[1:]]
        text = note.split(b"\n\n", 1)[0] + b"\n"
        size, root = int(text.split(b"\n")[1]), base64.b64decode(text.split(b"\n")[2])
        if self.mode == "down":
            return 503, "text/plain", b""
        if self.mode == "ahead":
            return 409, "text/x.tlog.size", b"%d\n" % (size + 1000)
        if old != self.size:
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        if self.mode == "fork" or not consistent(old, self.root, size, root, proof):
            return 422, "text/plain", b""
        self.size, self.root = size, root
        when = self.time or int(time.time())
        message = b"cosignature/v1\ntime %d\n" % when + text
        if self.mode == "forged":
            message += b"x"
        blob = self.id + struct.pack(">Q", when) + self.key.sign(message)
        return 200, "text/plain", f"\u2014 {self.name} {base64.b64encode(blob).decode()}\n".encode()
