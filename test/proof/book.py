"""A ledger in a few lines, to make bundles of any sort: true ones, and ones whose maker holds the key and lies."""
import base64, hashlib, hmac, io, json, random, struct, subprocess, tarfile
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ORIGIN = "ledger.example.com/book"


def sha(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


def cbor(v):
    def head(major, n):
        for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << 8 * size:
                return bytes([major << 5 | code]) + n.to_bytes(size, "big")
    if v is None or v is True or v is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[v]
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    return head(5, len(v)) + b"".join(k + x for k, x in sorted((cbor(k), cbor(x)) for k, x in v.items()))


# RFC 6962 §2.1, as it is written there
def mth(d):
    if len(d) < 2:
        return sha(b"\0" + d[0]) if d else sha(b"")
    k = 1 << ((len(d) - 1).bit_length() - 1)
    return sha(b"\1" + mth(d[:k]) + mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = 1 << ((len(d) - 1).bit_length() - 1)
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def proof(m, d):
    def sub(m, d, whole):
        if m == len(d):
            return [] if whole else [mth(d)]
        k = 1 << ((len(d) - 1).bit_length() - 1)
        return sub(m, d[:k], whole) + [mth(d[k:])] if m <= k else sub(m - k, d[k:], False) + [mth(d[:k])]
    return sub(m, d, True) if 0 < m < len(d) else []


def compact(x, y, d):
    out = []
    while x < y:
        n = 1
        while x % (2 * n) == 0 and x + 2 * n <= y:
            n *= 2
        out.append(mth(d[x:x + n]))
        x += n
    return out


def bit(label, i):
    return label[i // 8] >> (7 - i % 8) & 1


def map_tree(leaves):
    """leaves: {label: head}. (root, {label: [(depth, sibling) from the leaf up]})"""
    if not leaves:
        return bytes(32), {}
    if len(leaves) == 1:
        (label, head), = leaves.items()
        return sha(b"\x10" + label + head), {label: []}
    depth = next(i for i in range(256) if len({bit(x, i) for x in leaves}) == 2)
    sides = [map_tree({x: h for x, h in leaves.items() if bit(x, depth) == b}) for b in (0, 1)]
    paths = {x: p + [(depth, sides[1 - b][0])] for b in (0, 1) for x, p in sides[b][1].items()}
    return sha(b"\x11" + struct.pack(">H", depth) + sides[0][0] + sides[1][0]), paths


class Signer:
    def __init__(self, name, seed, kind=1):
        self.name, self.kind = name, kind
        self.key = Ed25519PrivateKey.from_private_bytes(sha(seed))
        public = bytes([kind]) + self.key.public_key().public_bytes(serialization.Encoding.Raw,
                                                                    serialization.PublicFormat.Raw)
        self.id = sha(name.encode() + b"\n" + public)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(public)}"

    def line(self, text, time=1767225600):
        message, before = text.encode(), b""
        if self.kind == 4:
            before, message = struct.pack(">Q", time), b"cosignature/v1\ntime %d\n" % time + message
        return f"\u2014 {self.name} {b64(self.id + before + self.key.sign(message))}\n"


class Book:
    """`leaves` is the main log; `logs` name -> [(main index, entry bytes, time, detail key)]; `maps` tree size -> (covers, root, paths, heads, sizes)."""

    def __init__(self, seed=1, names=("acme", "globex", "vendor", "everyone")):
        self.random, self.names = random.Random(seed), names
        self.signer = Signer(ORIGIN, b"log")
        self.leaves, self.logs, self.maps, self.time = [], {n: [] for n in names}, {}, 1767225600000000

    def label(self, name):
        return sha(name.encode()) if name in ("vendor", "everyone") else hmac.digest(b"k" * 32, name.encode(), "sha256")

    def add(self, name, **change):
        """`change`: keys of the entry (k4=…), or raw=bytes for all of it."""
        rnd, seq = self.random, len(self.logs[name])
        self.time += rnd.randrange(0, 3000)
        e = {0: 1, 1: rnd.randbytes(16), 2: seq, 3: name, 4: self.time, 6: 0, 7: "psn_%04x" % rnd.randrange(9999),
             9: "object.get", 10: 1, 13: f"{name}/tickets/{rnd.randrange(9999)}", 15: {"rows": rnd.randrange(300)}}
        key = hmac.digest(b"l" * 32, e[1], "sha256")
        plain = change.pop("plain", cbor({"statement": "select %d" % seq}))
        e[20], e[21], e[22] = AESGCM(key).encrypt(bytes(12), plain, None), hmac.digest(key, plain, "sha256"), 0
        raw = change.pop("raw", None)
        e.update({int(k[1:]): v for k, v in change.items()})
        data = raw if raw is not None else cbor({k: v for k, v in e.items() if v is not None})
        self.logs[name].append((len(self.leaves), data, e[4], key))
        self.leaves.append(b"\0" + sha(data))

    def fill(self, count):
        for _ in range(count):
            self.add(self.random.choice([n for n in self.names if n != "everyone"] * 4 + ["everyone"]))

    def tree_of(self, name, size):
        return [b"\2" + struct.pack(">Q", i) + sha(d) for i, d, _, _ in self.logs.get(name, [])[:size]]

    def size_at(self, name, covers):
        return sum(i < covers for i, *_ in self.logs.get(name, ()))

    def heads(self, covers, empty=()):
        out = {}
        for name in self.logs:
            n = self.size_at(name, covers)
            if n or name in empty:
                out[self.label(name)] = sha(b"\x12" + struct.pack(">Q", n) + mth(self.tree_of(name, n)))
        return out

    def map_leaf(self, covers=None, empty=("everyone",)):
        """Closes the tree with a map leaf; returns the tree's size."""
        covers = len(self.leaves) if covers is None else covers
        heads = self.heads(covers, empty)
        root, paths = map_tree(heads)
        self.leaves.append(b"\1" + struct.pack(">Q", covers) + root)
        self.maps[len(self.leaves)] = covers, root, paths, heads, {n: self.size_at(n, covers) for n in self.logs}
        return len(self.leaves)

    def note(self, size, origin=ORIGIN, witnesses=(), root=None, signer=None):
        text = f"{origin}\n{size}\n{b64(root or mth(self.leaves[:size]))}\n"
        return text + "\n" + (signer or self.signer).line(text) + "".join(w.line(text) for w in witnesses)

    def map_part(self, size):
        covers, root = self.maps[size][:2]
        return {"covers": covers, "root": b64(root), "inclusion": [b64(h) for h in path(size - 1, self.leaves[:size])]}

    def place(self, name, size):
        _, _, paths, heads, sizes = self.maps[size]
        label, n = self.label(name), sizes.get(name, 0)
        out = {"name": name, "label": b64(label), "size": n, "root": b64(mth(self.tree_of(name, n)))}
        steps = paths.get(label)
        if steps is None:
            out["absent"] = None
            for at in (x for x in paths if all(bit(x, d) == bit(label, d) for d, _ in paths[x])):
                out["absent"] = {"label": b64(at), "head": b64(heads[at])}      # the one leaf where its bits end
                steps = paths[at]
        out["path"] = [{"depth": d, "sibling": b64(h)} for d, h in steps or []]
        return out

    def log_part(self, name, size, a, b):
        out = self.place(name, size)
        n, d = out["size"], self.tree_of(name, out["size"])
        b = n if b is None else b
        return out | {"from": a, "to": b, "left": [b64(h) for h in compact(0, a, d)],
                      "right": [b64(h) for h in compact(b, n, d)], "members": []}

    def bundle(self, size, spans, previous=None, time=None, opened=(), per_member=1000, **note):
        """`spans`: [(name, a, b or None)], everyone last. Returns (proof.json as a dict, {member: [[index, entry, key?]]})."""
        proof_json = {"format": "sekisho-bundle/1", "checkpoint": self.note(size, **note), "map": self.map_part(size),
                      "logs": [self.log_part(n, size, a, b) for n, a, b in spans]}
        if time:
            proof_json["time"] = list(time)
        if previous:
            proof_json["previous"] = {
                "checkpoint": self.note(previous), "map": self.map_part(previous),
                "consistency": [b64(h) for h in proof(previous, self.leaves[:size])],
                "logs": [self.place(n, previous) | {"consistency": [b64(h) for h in proof(
                    self.maps[previous][4].get(n, 0), self.tree_of(n, self.maps[size][4].get(n, 0)))]}
                    for n, _, _ in spans]}
        members = {}
        for log in proof_json["logs"]:
            rows = self.logs.get(log["name"], [])[log["from"]:log["to"]]
            for at in range(0, len(rows), per_member):
                name = "entries-%06d.cbor" % (len(members) + 1)
                log["members"].append(name)
                members[name] = [[i, d] + ([k] if (log["name"], log["from"] + at + n) in opened else [])
                                 for n, (i, d, _, k) in enumerate(rows[at:at + per_member])]
        return proof_json, members


def pack(proof_json, members, compress=False, covers=("Cover\n", "\u8868\u7d19\n"), **options):
    files = [("cover.en.txt", covers[0].encode()), ("cover.ja.txt", covers[1].encode()),
             ("proof.json", proof_json if isinstance(proof_json, bytes) else
              json.dumps(proof_json, ensure_ascii=False, separators=(",", ":")).encode())]
    files += [(n, m if isinstance(m, bytes) else b"".join(map(cbor, m))) for n, m in members.items()]
    return pack_files(files, compress, **options)


def pack_files(files, compress=False, end=2, kind=tarfile.REGTYPE, level=3):
    out = io.BytesIO()
    for name, data in files:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.type = len(data), 0o644, kind
        out.write(info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
    data = out.getvalue() + bytes(512 * end)
    return squeeze(data, level) if compress else data


def squeeze(data, *options):
    return subprocess.run(["zstd", "-c", "-q", *(f"-{o}" if isinstance(o, int) else o for o in options)], input=data,
                          capture_output=True, check=True).stdout
