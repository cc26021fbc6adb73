"""What one identity may ask in a second: its flood is refused, unrecorded, and nobody else's business."""
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


if __name__ == "__main__":
    unittest.main()
