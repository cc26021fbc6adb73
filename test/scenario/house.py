"""house - a sample organisation of one's own for a test: made, served, spoken to by the command and by raw HTTPS.

The program is $SEKISHO (default build/sekisho). `House()` is a fresh copy of a sample that is made once a run."""
import atexit
import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import ssl
import struct
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("SEKISHO", os.path.join(ROOT, "build/sekisho")))
SHARED = os.environ.get("SEKISHO_SHARED", os.path.join(ROOT, "../shared"))
SLOW = 5 if os.environ.get("SEKISHO_SANITIZED") else 1      # sanitizers take their time
_sample = None


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SEKISHO_") and k not in ("LANG", "LC_ALL")}
    clean["ASAN_OPTIONS"] = "detect_leaks=0"      # LeakSanitizer traces, which a confined process may not
    clean.update(more)
    return clean


def sample():
    """The folder of a sample that nobody serves; copy it."""
    global _sample
    if _sample is None:
        top = tempfile.mkdtemp(prefix="sekisho-test-")
        atexit.register(shutil.rmtree, top, True)
        _sample = os.path.join(top, "D")
        done = subprocess.run([PROGRAM, "init", "--dir", _sample, "--sample"], env=environment(), capture_output=True,
                              text=True, timeout=120)
        if done.returncode != 0:
            _sample = None
            raise AssertionError(f"init --sample: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return _sample


def totp(secret, step):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class House:
    """A sample, running."""

    def __init__(self, start=True, preload=None, env=None):
        self.top = tempfile.mkdtemp(prefix="sekisho-test-")
        self.dir = os.path.join(self.top, "D")
        shutil.copytree(sample(), self.dir)
        self.people = {p["id"]: p for p in json.load(open(os.path.join(self.dir, "sample/people.json")))}
        self.steps, self.tokens, self.server = {}, {}, None
        self.preload, self.more, self.words = preload, env or {}, []
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.top, True)

    # ---- the server

    def start(self, wait=True):
        ready = os.path.join(self.top, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        more = dict(self.more)
        if self.preload:
            more["LD_PRELOAD"] = self.preload
        self.log = open(os.path.join(self.top, "log"), "ab")
        self.server = subprocess.Popen([PROGRAM, "serve", "--dir", self.dir, "--https", "127.0.0.1:0", "--ready-file", ready, *self.words],
                                       env=environment(**more), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20 * SLOW
        while wait and not os.path.exists(ready):
            if self.server.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"serve did not become ready: exit {self.server.poll()}\n{self.logged()}")
            time.sleep(0.01)
        if wait:
            self.ready = json.load(open(ready))
            self.url = self.ready["https"]
            self.host, port = self.url[len("https://"):].rsplit(":", 1)
            self.port = int(port)

    def stop(self, how=signal.SIGTERM, timeout=30):
        if self.server is None:
            return None
        if self.server.poll() is None:
            self.server.send_signal(how)
        code = self.server.wait(timeout)
        self.server = None
        self.log.close()
        return code

    def logged(self):
        return open(os.path.join(self.top, "log"), encoding="utf-8", errors="replace").read()

    def processes(self):
        """{role: pid} of the server and its children."""
        found = {}
        for pid in [str(self.server.pid)] + open(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read().split():
            found[open(f"/proc/{pid}/comm").read().strip()] = int(pid)
        return found

    # ---- HTTPS

    def tls(self, certificate=None):
        context = ssl.create_default_context(cafile=os.path.join(self.dir, "ca.pem"))
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def connect(self, certificate=None):
        return http.client.HTTPSConnection(self.host, self.port, context=self.tls(certificate), timeout=20 * SLOW)

    def http(self, method, path, person=None, body=None, purpose=None, connection=None, token=None, certificate=None, **headers):
        c = connection or self.connect(certificate)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if person or token:
            headers["Authorization"] = "Bearer " + (token or self.token(person))
        if purpose:
            headers["Sekisho-Purpose"] = purpose
        if isinstance(body, (dict, list)):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body)
        c.request(method, path, body=body.encode() if isinstance(body, str) else body, headers=headers)
        r = c.getresponse()
        answer = Answer(r.status, dict(r.getheaders()), r.read())
        if not connection:
            c.close()
        return answer

    def token(self, person):
        if person not in self.tokens:
            self.tokens[person] = self.login(person).json["token"]
        return self.tokens[person]

    def login(self, person, password=None, code=None, connection=None):
        """Takes the next unused step of the person's code; waits where there is none."""
        who = self.people[person]
        if code is None:
            step = max(int(time.time()) // 30 - 1 + (int(time.time()) % 30 > 25), self.steps.get(person, 0) + 1)
            while step > int(time.time()) // 30 + 1:
                time.sleep(0.2)
            self.steps[person] = step
            code = totp(who["totp_secret"], step)
        return self.http("POST", "/v1/login", body={"id": person, "password": password or who["password"], "totp": code},
                         connection=connection)

    # ---- the command

    def sekisho(self, *words, person=None, input=None, lang=None, timeout=60, **env):
        more = {"SEKISHO_URL": getattr(self, "url", ""), "SEKISHO_CA": os.path.join(self.dir, "ca.pem"),
                "SEKISHO_CONFIG": os.path.join(self.top, "contexts.json")}
        if person:
            more["SEKISHO_TOKEN"] = self.token(person)
        if lang:
            more["LANG"] = lang
        more.update(env)
        return subprocess.run([PROGRAM, *map(str, words)], env=environment(**more), input=input, capture_output=True,
                              timeout=timeout * SLOW, **({} if isinstance(input, bytes) else {"text": True}))

    def secrets(self, person):
        """Paths of files with the person's password and TOTP secret."""
        paths = []
        for key in ("password", "totp_secret"):
            paths.append(os.path.join(self.top, f"{person}.{key}"))
            with open(paths[-1], "w") as f:
                f.write(self.people[person][key] + "\n")
        return paths

    # ---- the book

    def entries(self, **filters):
        """Newest first, as audit sees them."""
        query = "&".join(f"{k}={v}" for k, v in filters.items())
        return self.http("GET", f"/v1/ledger?limit=1000&{query}", "aud1").json["items"]


def wait_until(condition, seconds=10, what="it"):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        time.sleep(0.02)
