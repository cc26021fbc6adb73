"""The published log, read with Go's own note and tlog (Debian's golang-golang-x-mod-dev)."""
import os
import shutil
import subprocess
import tempfile
import unittest

import test_book
from house import House, ROOT, environment

SOURCE = "/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog"


@unittest.skipUnless(shutil.which("go") and os.path.exists(SOURCE), "needs Go and golang-golang-x-mod-dev")
class Tlog(test_book.Book):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.program = os.path.join(cls.folder.name, "tlog")
        env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=cls.folder.name + "/cache", GOFLAGS="")
        subprocess.run(["go", "build", "-o", cls.program, os.path.join(ROOT, "test/tlog/main.go")], env=env, check=True, capture_output=True, timeout=300)

    def read(self, folder, key):
        return subprocess.run([self.program, folder, key], capture_output=True, text=True, timeout=120)

    def test_go_reads_and_proves_what_is_published(self):
        h = self.house(start=False)
        self.fill(h, 1000)
        h.start()
        self.bundle(h)
        folder = os.path.join(h.top, "public")
        self.assertEqual(h.sekisho("ledger", "publish", folder).returncode, 0)
        key = h.sekisho("ledger", "key").stdout.strip()
        size = int(open(os.path.join(folder, "checkpoint")).read().split("\n")[1])
        done = self.read(folder, key)
        self.assertEqual((done.returncode, done.stdout), (0, f"{size} leaves\n"), done.stdout + done.stderr)
        tile = os.path.join(folder, "tile/0/000")
        data = bytearray(open(tile, "rb").read())
        data[100] ^= 1
        open(tile, "wb").write(data)
        self.assertEqual(self.read(folder, key).returncode, 1)
        data[100] ^= 1
        open(tile, "wb").write(data)
        note = open(os.path.join(folder, "checkpoint")).read()
        open(os.path.join(folder, "checkpoint"), "w").write(note.replace(f"\n{size}\n", f"\n{size - 1}\n"))
        self.assertEqual(self.read(folder, key).returncode, 1)


for name in [n for n in dir(test_book.Book) if n.startswith("test_")]:
    setattr(Tlog, name, None)           # what it inherits are helpers alone

if __name__ == "__main__":
    unittest.main()
