"""Power lost at every step of append, seal, checkpoint and rotation, on a disk that forgets what was not synced."""
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import test_book
from house import House, PROGRAM, ROOT, SLOW, environment

STEPS = int(os.environ.get("SEKISHO_STEPS", "200" if os.environ.get("SEKISHO_SOAK") else "14"))


class Forget(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.shim = os.path.join(cls.folder.name, "forget.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", cls.shim, os.path.join(ROOT, "test/scenario/forget.c"), "-ldl"], check=True)
        if os.environ.get("SEKISHO_SANITIZED"):
            asan = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
            cls.shim = f"{asan} {cls.shim}"

    def prepare(self, folder):
        """All that is there now is on the disk."""
        for top, folders, files in os.walk(folder):
            if top.endswith(".synced"):
                continue
            kept = os.path.join(top, ".synced")
            shutil.rmtree(kept, True)
            os.mkdir(kept)
            for name in files:
                shutil.copy2(os.path.join(top, name), kept)

    def lose_power(self, folder):
        for top, folders, files in os.walk(folder):
            if top.endswith(".synced"):
                continue
            kept = os.path.join(top, ".synced")
            for name in files:
                if os.path.exists(os.path.join(kept, name)):
                    shutil.copy2(os.path.join(kept, name), os.path.join(top, name))
                elif top.endswith(("store", "ledger", "sealed", "keeper")):
                    os.unlink(os.path.join(top, name))
            shutil.rmtree(kept, True)

    def run_until(self, house, stop, entries, seed):
        """Fills, with a checkpoint a second and seals; ends at that sync. How many syncs there were."""
        count = os.path.join(house.top, "count")
        open(count, "wb").write(struct.pack("<IIII", 0, stop, 0, 0))
        env = environment(LD_PRELOAD=self.shim, FORGET_COUNT=count)
        subprocess.run([test_book.FILL, "--dir", house.dir, "--entries", str(entries), "--subscribers", "6", "--seed", str(seed)], env=env,
                       capture_output=True, timeout=120 * SLOW)
        return struct.unpack("<IIII", open(count, "rb").read())[0]

    def check(self, house, what):
        house.start()
        self.addCleanup(lambda: None)
        done = house.sekisho("ledger", "verify", person="aud1")
        self.assertEqual(done.returncode, 0, f"{what}: {done.stdout}{done.stderr}{house.logged()[-800:]}")
        first = house.http("GET", "/v1/ledger/0", "aud1").json
        self.assertNotEqual(first["operation"], "ledger.succeed", what)          # nothing was signed that was then lost
        path = os.path.join(house.top, "bundle")
        done = house.sekisho("bundle", "create", "--subscriber", "acme", path, person="aud1")
        self.assertEqual(done.returncode, 0, f"{what}: {done.stderr}")
        key = house.sekisho("ledger", "key").stdout.strip()
        done = subprocess.run([PROGRAM, "bundle", "verify", path, "--key", key], env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"{what}: {done.stdout}")
        house.stop(signal.SIGKILL)

    def test_power_lost_at_any_sync(self):
        chosen = random.Random(int(os.environ.get("SEKISHO_SEED", "7")))
        entries = 70000
        with House(start=False) as whole:
            self.prepare(whole.dir)
            total = self.run_until(whole, 0, entries, 1)
        self.assertGreater(total, 20)
        early = list(range(1, 1 + STEPS // 3))
        steps = early + [chosen.randrange(1, total) for _ in range(STEPS - len(early))]
        for step in steps:
            with House(start=False) as house:
                self.prepare(house.dir)
                self.run_until(house, step, entries, 1)
                self.lose_power(house.dir)
                self.check(house, f"sync {step} of {total}")

    def test_the_shim_forgets(self):
        """Without the sync what was written is gone: else the test above would show nothing."""
        with House(start=False) as house:
            self.prepare(house.dir)
            before = os.path.getsize(os.path.join(house.dir, "store/store.db"))
            self.run_until(house, 3, 20000, 1)
            self.lose_power(house.dir)
            self.assertLessEqual(os.path.getsize(os.path.join(house.dir, "store/store.db")), before + 65536)
            self.assertFalse(os.path.exists(os.path.join(house.dir, "store/store.db-shm")))


if __name__ == "__main__":
    unittest.main()
