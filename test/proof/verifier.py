"""An independent verifier of bundles, written from LEDGER.md and FORMATS.md alone; it shares nothing with src/proof.

verify(bytes, vkey, …) returns None, or Fault with kind, member, index. It keeps everything in memory.
"""
import base64, ctypes, hashlib, hmac, re, struct
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Fault(Exception):
    def __init__(self, kind, member="-", index="-", text=""):
        super().__init__(kind, member, index, text)
        self.kind, self.member, self.index, self.text = kind, member, index, text

    def __str__(self):
        return f"{self.kind} {self.member} {self.index}"


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def be64(n):
    return struct.pack(">Q", n)


EMPTY = H()
zstd = ctypes.CDLL("libzstd.so.1")
for name in ("ZSTD_createDCtx", "ZSTD_DCtx_setParameter", "ZSTD_decompressStream", "ZSTD_freeDCtx"):
    getattr(zstd, name).restype = ctypes.c_size_t
zstd.ZSTD_createDCtx.restype = ctypes.c_void_p


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]


def decompress(data):
    """What comes out, and whether the frame is whole, alone and within its window."""
    ctx = ctypes.c_void_p(zstd.ZSTD_createDCtx())
    zstd.ZSTD_DCtx_setParameter(ctx, 100, 23)
    room = ctypes.create_string_buffer(4096)    # small, so that no single pass escapes the limit of the window
    source = ctypes.create_string_buffer(data, len(data))
    i = Buffer(ctypes.addressof(source), len(data), 0)
    out = []
    try:
        while True:
            o = Buffer(ctypes.addressof(room), len(room), 0)
            before = i.pos
            left = zstd.ZSTD_decompressStream(ctx, ctypes.byref(o), ctypes.byref(i))
            if zstd.ZSTD_isError(ctypes.c_size_t(left)):
                return b"".join(out), False
            out.append(room.raw[:o.pos])
            if left == 0:
                return b"".join(out), i.pos == len(data)
            if o.pos == 0 and i.pos == before:
                return b"".join(out), False
    finally:
        zstd.ZSTD_freeDCtx(ctx)


def window(data):
    head = data[:18].ljust(18, b"\0")
    d = head[4]
    if not d & 0x20:
        base = 1 << (10 + (head[5] >> 3))
        return base + base // 8 * (head[5] & 7)
    at, n = 5 + (0, 1, 2, 4)[d & 3], (1, 2, 4, 8)[d >> 6]
    return int.from_bytes(head[at:at + n], "little") + (256 if n == 2 else 0)


class Tar:
    def __init__(self, data):
        self.whole, self.at, self.size = True, 0, 0
        if data[:4] == b"\x28\xb5\x2f\xfd":
            if window(data) > 8 << 20:
                raise Fault("archive")
            data, self.whole = decompress(data)
        self.data = data

    def take(self, n, member="-"):
        out = self.data[self.at:self.at + n]
        if len(out) < n:
            raise Fault("archive", member)
        self.at += n
        return out

    def octal(self, field):
        m = re.fullmatch(rb"([0-7]+)[\0 ]*", field)
        if not m:
            raise Fault("archive")
        return int(m[1], 8)

    def next(self):
        """(name, size), or None at the end. First what pads the member before."""
        if any(self.take(-self.size % 512)):
            raise Fault("archive")
        h = self.take(512)
        if h == bytes(512):
            if self.take(512) != bytes(512) or self.at != len(self.data) or not self.whole:
                raise Fault("archive")
            return None
        if self.octal(h[148:156]) != sum(h[:148]) + sum(h[156:]) + 8 * 32:
            raise Fault("archive")
        if h[156:157] != b"0" or h[257:265] != b"ustar\x0000" or any(h[157:257]) or any(h[345:]):
            raise Fault("archive")
        name, _, rest = h[:100].partition(b"\0")
        if any(rest):
            raise Fault("archive")
        return name, self.octal(h[124:136])

    def member(self, wanted, limit):
        got = self.next()
        if got is None or got[0] != wanted.encode():
            raise Fault("archive")
        if got[1] > limit:
            raise Fault("archive", wanted)
        self.size = got[1]


# ---- deterministic CBOR ----

class Bad(Exception):
    pass


class Cbor:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def take(self, n):
        if n > self.end - self.at:
            raise Bad
        self.at += n
        return self.data[self.at - n:self.at]

    def head(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            if info not in (20, 21, 22):
                raise Bad
            return major, info
        if major == 6 or info > 27:
            raise Bad
        if info < 24:
            return major, info
        n = 1 << (info - 24)
        value = int.from_bytes(self.take(n), "big")
        if value < (24, 1 << 8, 1 << 16, 1 << 32)[info - 24]:
            raise Bad
        return major, value

    def item(self, level=1):
        major, value = self.head()
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return self.take(value)
        if major == 3:
            try:
                return self.take(value).decode()
            except UnicodeDecodeError:
                raise Bad
        if major == 7:
            return (False, True, None)[value - 20]
        if level > 8 or value > self.end - self.at:
            raise Bad
        if major == 4:
            return [self.item(level + 1) for _ in range(value)]
        out, last = {}, b""
        for _ in range(value):
            start = self.at
            key = self.item(level + 1)
            if isinstance(key, (bool, bytes, list, dict)) or key is None:
                raise Bad
            if self.data[start:self.at] <= last:
                raise Bad
            last = self.data[start:self.at]
            out[key] = self.item(level + 1)
        return out


def is_uint(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


def is_bytes(n):
    return lambda v: isinstance(v, bytes) and (n is None or len(v) == n)


def is_text(v):
    return isinstance(v, str)


TYPES = {0: lambda v: is_uint(v) and v == 1, 1: is_bytes(16), 2: is_uint, 3: is_text, 4: is_uint, 5: is_bytes(16),
         6: is_uint, 7: is_text, 8: is_text, 9: is_text, 10: is_uint,
         11: lambda v: isinstance(v, list) and all(map(is_text, v)), 12: is_bytes(32), 13: is_text, 14: is_text,
         15: lambda v: isinstance(v, dict) and all(map(is_text, v)), 16: is_text, 17: is_text,
         20: is_bytes(None), 21: is_bytes(32), 22: is_uint}


def parse_entry(data):
    if len(data) > 8192:
        raise Bad
    c = Cbor(data)
    e = c.item()
    if c.at != len(data) or not isinstance(e, dict) or not all(map(is_uint, e)):
        raise Bad
    if any(k not in e for k in (0, 1, 2, 3, 4, 6)) or len({20, 21, 22} & set(e)) not in (0, 3):
        raise Bad
    for k, v in e.items():
        if k in TYPES and not TYPES[k](v):
            raise Bad
    return e


def open_detail(e, key):
    if 20 not in e or len(key) != 32:
        raise Bad
    try:
        plain = AESGCM(key).decrypt(bytes(12), e[20], None)
    except (InvalidTag, ValueError):
        raise Bad
    if hmac.digest(key, plain, "sha256") != e[21]:
        raise Bad
    c = Cbor(plain)
    m = c.item()
    if c.at != len(plain) or not isinstance(m, dict) or not all(map(is_text, m)):
        raise Bad


# ---- trees ----

def join(l, r):
    return H(b"\1", l, r)


def split(n):
    return 1 << ((n - 1).bit_length() - 1)


def check_inclusion(leaf, m, n, path, root):
    """RFC 6962 PATH, from its definition."""
    def up(m, n, path):
        if n == 1:
            return leaf if not path else None
        if not path:
            return None
        k = split(n)
        side = up(m, k, path[:-1]) if m < k else up(m - k, n - k, path[:-1])
        if side is None:
            return None
        return join(side, path[-1]) if m < k else join(path[-1], side)
    return m < n and up(m, n, path) == root


def check_consistency(m, old, n, new, proof):
    if m > n:
        return False
    if m == n:
        return not proof and old == new and (n > 0 or new == EMPTY)
    if m == 0:
        return not proof and old == EMPTY

    def up(m, n, proof, whole):
        """(root of the first m, root of all n) or None."""
        if m == n:
            if whole:
                return (old, old) if not proof else None
            return (proof[0], proof[0]) if len(proof) == 1 else None
        if not proof:
            return None
        k = split(n)
        got = up(m, k, proof[:-1], whole) if m <= k else up(m - k, n - k, proof[:-1], False)
        if got is None:
            return None
        if m <= k:
            return got[0], join(got[1], proof[-1])
        return join(proof[-1], got[0]), join(proof[-1], got[1])
    return up(m, n, proof, True) == (old, new)


def spans(x, y):
    """The spans of the compact range of [x, y)."""
    out = []
    while x < y:
        i = 0
        while x % (2 << i) == 0 and x + (2 << i) <= y:
            i += 1
        out.append((x, x + (1 << i)))
        x += 1 << i
    return out


def whole_root(pieces):
    """pieces: (from, to, hash), adjacent from 0."""
    stack = []
    for p in pieces:
        stack.append(p)
        while len(stack) > 1:
            (a, b, l), (c, d, r) = stack[-2:]
            if b - a != d - c or a % (2 * (b - a)):
                break
            stack[-2:] = [(a, d, join(l, r))]
    if not stack:
        return EMPTY
    root = stack[-1][2]
    for p in reversed(stack[:-1]):
        root = join(p[2], root)
    return root


# ---- the map ----

def bit(label, depth):
    return label[depth // 8] >> (7 - depth % 8) & 1


def map_root(label, head, path):
    depths = [d for d, _ in path]
    if any(d > 255 for d in depths) or any(a <= b for a, b in zip(depths, depths[1:])):
        return None
    h = H(b"\x10", label, head)
    for d, s in path:
        l, r = (s, h) if bit(label, d) else (h, s)
        h = H(b"\x11", struct.pack(">H", d), l, r)
    return h


def check_place(log, root):
    path = [(s["depth"], s["sibling"]) for s in log["path"]]
    if "absent" not in log:
        return map_root(log["label"], H(b"\x12", be64(log["size"]), log["root"]), path) == root
    if log["size"] or log.get("members"):
        return False
    other = log["absent"]
    if other is None:
        return not path and root == bytes(32)
    return other["label"] != log["label"] and map_root(other["label"], other["head"], path) == root and \
        all(bit(other["label"], d) == bit(log["label"], d) for d, _ in path)


# ---- notes ----

SPACES = re.compile(r"[\s\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def b64(text):
    if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) or len(text) % 4:
        raise Bad
    try:
        out = base64.b64decode(text, validate=True)
    except ValueError:
        raise Bad
    if base64.b64encode(out).decode() != text:
        raise Bad
    return out


def b64_hash(text):
    out = b64(text)
    if len(out) != 32:
        raise Bad
    return out


def parse_vkey(text):
    name, ident, key = text.split("+", 2)
    data = base64.b64decode(key)
    assert H(name.encode(), b"\n", data)[:4].hex() == ident
    return name, bytes.fromhex(ident), data[0], Ed25519PublicKey.from_public_bytes(data[1:])


def parse_note(note):
    if any(ord(c) < 32 and c != "\n" for c in note):
        raise Bad
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n") or at + 2 >= len(note):
        raise Bad
    text, signatures = note[:at + 1], []
    for line in note[at + 2:-1].split("\n"):
        if not line.startswith("\u2014 ") or line.count(" ") < 2:
            raise Bad
        name, blob = line[2:].split(" ", 1)
        if not name or "+" in name or SPACES.search(name):
            raise Bad
        blob = b64(blob)
        if len(blob) < 5:
            raise Bad
        signatures.append((name, blob[:4], blob[4:]))
    return text, signatures


def signed(text, signatures, key):
    """How many signatures by the key; raises Bad if one fails."""
    name, ident, kind, public = key
    found = 0
    for n, i, s in signatures:
        if n != name or i != ident:
            continue
        message = text.encode()
        if kind == 4:
            if len(s) != 72:
                raise Bad
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(s[:8], "big") + message
            s = s[8:]
        try:
            public.verify(s, message)
        except InvalidSignature:
            raise Bad
        found += 1
    return found


def check_note(note, policy, now, member):
    try:
        text, signatures = parse_note(note)
    except Bad:
        raise Fault("checkpoint", member)
    try:
        if not signed(text, signatures, policy["key"]):
            raise Bad
    except Bad:
        raise Fault("signature", member)
    try:
        count = sum(signed(text, signatures, w) > 0 for w in policy["witnesses"])
        if now and count < policy["quorum"]:
            raise Bad
    except Bad:
        raise Fault("witness", member)
    lines = text.split("\n")
    try:
        if len(lines) < 4 or lines[0] != policy["key"][0] or not re.fullmatch("0|[1-9][0-9]*", lines[1]):
            raise Bad
        if int(lines[1]) >= 1 << 64:
            raise Bad
        return int(lines[1]), b64_hash(lines[2])
    except Bad:
        raise Fault("checkpoint", member)


# ---- proof.json ----

def strict_json(data):
    import json

    def pairs(items):
        out = dict(items)
        if len(out) != len(items):
            raise Bad
        return out

    def integer(text):
        if text.startswith("-") or int(text) >= 1 << 53:
            raise Bad
        return int(text)

    def no(_):
        raise Bad
    try:
        text = data.decode()
        out = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=no, parse_constant=no)
        json.dumps(out, ensure_ascii=False).encode()        # no half surrogate anywhere
        return out
    except (ValueError, RecursionError):
        raise Bad


def shape(value, form):
    """Checks and decodes: form is a type, "hash", "base64", [form], or {key or key?: form}."""
    if form == "hash":
        return b64_hash(shape(value, str))
    if form == "base64":
        return b64(shape(value, str))
    if form == "absent":
        return None if value is None else shape(value, {"label": "hash", "head": "hash"})
    if isinstance(form, list):
        return [shape(v, form[0]) for v in shape(value, list)]
    if isinstance(form, dict):
        shape(value, dict)
        names = {k.rstrip("?"): f for k, f in form.items()}
        if any(k not in names for k in value) or any(k not in value for k in form if not k.endswith("?")):
            raise Bad
        return {k: shape(v, names[k]) for k, v in value.items()}
    if not isinstance(value, form) or isinstance(value, bool):
        raise Bad
    return value


MAP = {"covers": int, "root": "hash", "inclusion": ["hash"]}
LOG = {"name": str, "label": "hash", "size": int, "root": "hash", "path": [{"depth": int, "sibling": "hash"}],
       "absent?": "absent"}
TOP = {"format": str, "checkpoint": str, "map": MAP, "time?": [int], "timestamps?": ["base64"],
       "logs": [LOG | {"from": int, "to": int, "left": ["hash"], "right": ["hash"], "members": [str]}],
       "previous?": {"checkpoint": str, "consistency": ["hash"], "map": MAP, "logs": [LOG | {"consistency": ["hash"]}]}}


def parse_proof(data):
    p = shape(strict_json(data), TOP)
    if p["format"] != "sekisho-bundle/1":
        raise Bad
    if "time" in p and (len(p["time"]) != 2 or p["time"][0] > p["time"][1]):
        raise Bad
    number = 0
    for log in p["logs"]:
        if not log["from"] <= log["to"] <= log["size"]:
            raise Bad
        for m in log["members"]:
            number += 1
            if m != "entries-%06d.cbor" % number:
                raise Bad
    return p


def check_map_leaf(m, n, root):
    leaf = H(b"\0", b"\1", be64(m["covers"]), m["root"])
    return n > 0 and m["covers"] <= n - 1 and check_inclusion(leaf, n - 1, n, m["inclusion"], root)


def check_maps(p, policy):
    names = [log["name"] for log in p["logs"]]
    labels = [log["label"] for log in p["logs"]]
    if names.count("everyone") != 1 or names[-1] != "everyone" or len(set(names)) < len(names) or \
            len(set(labels)) < len(labels):
        return False
    for log in p["logs"]:
        if log["name"] in ("vendor", "everyone") and log["label"] != H(log["name"].encode()):
            return False
        if not check_place(log, p["map"]["root"]):
            return False
    for name, label in policy["labels"].items():
        if not any(log["name"] == name for log in p["logs"]):
            return False
        if any((log["name"] == name) != (log["label"] == label) for log in p["logs"]):
            return False
    return True


def check_previous(p, n, root, policy):
    prev = p.get("previous")
    if prev is not None:
        m, old = check_note(prev["checkpoint"], policy, False, "proof.json")
        if not check_consistency(m, old, n, root, prev["consistency"]) or not check_map_leaf(prev["map"], m, old) or \
                prev["map"]["covers"] > p["map"]["covers"] or len(prev["logs"]) != len(p["logs"]):
            raise Fault("consistency", "proof.json")
        for a, b in zip(prev["logs"], p["logs"]):
            if a["name"] != b["name"] or a["label"] != b["label"] or not check_place(a, prev["map"]["root"]) or \
                    not check_consistency(a["size"], a["root"], b["size"], b["root"], a["consistency"]):
                raise Fault("consistency", "proof.json")
    if policy["kept"] is not None:
        k = check_note(policy["kept"], policy, False, "-")
        if k != (n, root) and not (prev is not None and k == (m, old)):
            raise Fault("consistency", "proof.json")


def items(tar, member):
    """Each [index, entry, key or None] of the member that was begun; what is cut comes as a fault after what is whole."""
    rest = tar.data[tar.at:tar.at + tar.size]
    cut = len(rest) < tar.size
    c = Cbor(rest)
    while c.at < len(rest):
        try:
            head = c.head()
            if head not in ((4, 2), (4, 3)):
                raise Bad
            index = c.head()
            size = c.head()
            if index[0] != 0 or size[0] != 2 or size[1] > tar.size - c.at:
                raise Bad
            if size[1] > 8192:
                raise Fault("entry", member, index[1])
            entry, key = c.take(size[1]), None
            if head[1] == 3:
                key = c.head()
                if key[0] != 2 or key[1] > tar.size - c.at:
                    raise Bad
                key = bytes(33) if key[1] != 32 else c.take(32)
        except Bad:
            raise Fault("archive", member)
        yield index[1], entry, key
    if cut:
        raise Fault("archive", member)
    tar.at += tar.size


class Span:
    def __init__(self):
        self.start = self.end = False
        self.first, self.last = [], []


def check_log(tar, p, number, span, policy):
    log = p["logs"][number]
    prev = p.get("previous")
    member, seq, shown, pieces = "proof.json", log["from"], [], []
    for member in log["members"]:
        tar.member(member, 64 << 20)
        if tar.size == 0:
            raise Fault("archive", member)
        for index, data, key in items(tar, member):
            try:
                e = parse_entry(data)
                if e[3] != log["name"]:
                    raise Bad
            except Bad:
                raise Fault("entry", member, index)
            if e[2] != seq or (shown and index <= shown[-1][0]) or index >= p["map"]["covers"] or \
                    (shown and e[4] < shown[-1][1]) or seq >= log["to"]:
                raise Fault("order", member, index)
            if prev is not None and (index < prev["map"]["covers"]) != (seq < prev["logs"][number]["size"]):
                raise Fault("consistency", member, index)
            if key is not None:
                try:
                    open_detail(e, key)
                except Bad:
                    raise Fault("opening", member, index)
            pieces.append((seq, seq + 1, H(b"\0", b"\2", be64(index), H(data))))
            shown.append((index, e[4]))
            if policy["leaves"] is not None and policy["leaves"][index] != b"\0" + H(data):
                raise Fault("inclusion", member, index)
            seq += 1
    if seq < log["to"]:
        raise Fault("order", member)
    if "time" in p:
        since, until = p["time"]
        if not (log["from"] == 0 or (shown and shown[0][1] < since)) or \
                not (log["to"] == log["size"] or (shown and shown[-1][1] >= until)):
            raise Fault("order", member)
    elif log["name"] == "everyone":
        first = min(span.first, default=None)
        last = max(span.last, default=None)
        if log["from"] != 0 and (span.start or (first is not None and not (shown and shown[0][0] < first))):
            raise Fault("order", member)
        if log["to"] != log["size"] and (span.end or (last is not None and not (shown and shown[-1][0] > last))):
            raise Fault("order", member)
    span.start |= log["from"] == 0
    span.end |= log["to"] == log["size"]
    if shown:
        span.first.append(shown[0][0])
        span.last.append(shown[-1][0])
    left, right = spans(0, log["from"]), spans(log["to"], log["size"])
    if len(left) != len(log["left"]) or len(right) != len(log["right"]):
        raise Fault("root", member)
    pieces = [(a, b, h) for (a, b), h in zip(left, log["left"])] + pieces + \
             [(a, b, h) for (a, b), h in zip(right, log["right"])]
    if whole_root(pieces) != log["root"]:
        raise Fault("root", member)


def run(data, policy):
    tar = Tar(data)
    for cover in ("cover.en.txt", "cover.ja.txt"):
        tar.member(cover, 1 << 62)
        tar.take(tar.size, cover)
    tar.member("proof.json", 1 << 20)
    try:
        p = parse_proof(tar.take(tar.size, "proof.json"))
    except Bad:
        raise Fault("archive", "proof.json")
    n, root = check_note(p["checkpoint"], policy, True, "proof.json")
    if not check_map_leaf(p["map"], n, root):
        raise Fault("inclusion", "proof.json")
    if not check_maps(p, policy):
        raise Fault("map", "proof.json")
    check_previous(p, n, root, policy)
    span = Span()
    for number in range(len(p["logs"])):
        check_log(tar, p, number, span, policy)
    if tar.next() is not None:
        raise Fault("archive")


def verify(data, vkey, labels=None, kept=None, witnesses=(), quorum=0, leaves=None):
    policy = {"key": parse_vkey(vkey), "labels": labels or {}, "kept": kept,
              "witnesses": [parse_vkey(w) for w in witnesses], "quorum": quorum, "leaves": leaves}
    try:
        run(data, policy)
    except Fault as fault:
        return fault
    return None


if __name__ == "__main__":
    import sys
    fault = verify(open(sys.argv[1], "rb").read(), sys.argv[2])
    print("FAULT %s" % fault if fault else "OK")
    sys.exit(7 if fault else 0)
