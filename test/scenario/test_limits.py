"""What one identity may ask in a second, and what the write-ahead log may grow to."""
import os
import threading
import time
import unittest

from house import House

TICKET = "/v1/subscribers/acme/objects/tickets/4711"


class Rate(unittest.TestCase):
    def house(self, *words):
        h = House(start=False)
        h.words = list(words)
        self.addCleanup(h.__exit__)
        h.start()
        return h

    def ask(self, h, person, count):
        c = h.connect()
        return [h.http("GET", TICKET, person, purpose="CASE-1", connection=c) for _ in range(count)]

    def test_a_flood_by_one_is_refused_and_others_pass(self):
        h = self.house("--rate", "20:1000")
        h.token("sup1"), h.token("adm1"), h.token("aud1")
        time.sleep(2.1)                                     # whole bursts again
        answers = self.ask(h, "sup1", 200)
        passed = sum(a.status == 200 for a in answers)
        self.assertTrue(40 <= passed <= 120, passed)        # the burst of two seconds, and what came while asking
        refused = [a for a in answers if a.status != 200]
        self.assertEqual({(a.status, a.json["code"]) for a in refused}, {(429, "E_TOO_MANY")})
        self.assertIn("Retry-After", refused[0].headers)
        self.assertEqual(h.http("GET", "/v1/whoami", "adm1").status, 200)
        self.assertEqual(len([e for e in h.entries(actor="sup1", resource="acme/tickets/4711")]), passed)
        time.sleep(2.1)
        self.assertEqual(self.ask(h, "sup1", 1)[0].status, 200)

    def test_the_sample_s_people_are_not_limited(self):
        h = self.house()
        self.assertEqual({a.status for a in self.ask(h, "sup1", 300)}, {200})

    def test_a_rate_that_is_none_is_refused_at_start(self):
        h = House(start=False)
        self.addCleanup(h.__exit__)
        for text in ("many", "5:", "-1", "2000000"):
            done = h.sekisho("serve", "--dir", h.dir, "--https", "127.0.0.1:0", "--rate", text)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("expected PEOPLE[:APPLICATIONS]", done.stderr)


class Log(unittest.TestCase):
    def test_the_write_ahead_log_begins_anew_while_others_read_all_the_time(self):
        """Readers whose views overlap would keep it growing for ever: 10 MB a second under load."""
        with House() as h:
            h.token("sup1")
            ended = threading.Event()

            def read():
                c = h.connect()
                while not ended.is_set():
                    self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C", connection=c).status, 200)

            readers = [threading.Thread(target=read) for _ in range(3)]
            for r in readers:
                r.start()
            c = h.connect()
            largest = 0
            try:
                for n in range(800):                        # 48 MB of bodies
                    answer = h.http("PUT", f"/v1/subscribers/acme/objects/tickets/w{n}", "sup1", body=os.urandom(60000), purpose="C",
                                    connection=c, Content_Type="application/octet-stream")
                    self.assertEqual(answer.status, 201, answer.body)
                    largest = max(largest, os.path.getsize(os.path.join(h.dir, "store/store.db-wal")))
            finally:
                ended.set()
                for r in readers:
                    r.join()
            self.assertLess(largest, 32 << 20)


if __name__ == "__main__":
    unittest.main()
