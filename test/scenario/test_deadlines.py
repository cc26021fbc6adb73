"""The one deadline table: what ends does so by itself, with an entry, once; what is no longer needed is swept."""
import os
import sqlite3
import time
import unittest

from house import House, SLOW, wait_until

TICKET = "/v1/subscribers/acme/objects/tickets/4711"


class Deadlines(unittest.TestCase):
    def house(self):
        h = House()
        self.addCleanup(h.__exit__)
        return h

    def operations(self, h, subscriber="acme"):
        return [e["operation"] for e in h.http("GET", f"/v1/subscribers/{subscriber}/ledger?limit=50", "aud1").json["items"]]

    def set(self, h, text, *values):
        h.stop()
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        db.execute(text, values)
        db.commit()
        db.close()
        h.start()

    def grant(self, h, lasts):
        asked = h.http("POST", "/v1/requests", "sup2", body={"subscriber": "acme", "resource": "tickets", "for": lasts}).json["id"]
        return h.http("POST", f"/v1/requests/{asked}/approve", "sec1", body={})

    def test_a_grant_that_ends_leaves_an_entry_in_its_subscriber_s_log_once(self):
        h = self.house()
        self.grant(h, "2s")
        wait_until(lambda: "grant.expired" in self.operations(h), 10)
        time.sleep(1.5)
        self.assertEqual(self.operations(h).count("grant.expired"), 1)
        self.assertEqual(h.http("GET", TICKET, "sup2", purpose="C").status, 403)

    def test_a_grant_that_was_revoked_does_not_expire_as_well(self):
        h = self.house()
        grant = self.grant(h, "3s").json["id"]
        found = [g for g in h.http("GET", "/v1/grants?person=sup2", "sec1").json["items"]][0]["id"]
        h.http("POST", f"/v1/grants/{found}/revoke", "sec1", body={})
        time.sleep(4)
        self.assertNotIn("grant.expired", self.operations(h))

    def test_it_falls_due_while_nobody_serves(self):
        h = self.house()
        self.grant(h, "1s")
        h.stop()
        time.sleep(1.2)
        h.start()
        wait_until(lambda: "grant.expired" in self.operations(h), 10)

    def test_a_request_expires(self):
        h = self.house()
        asked = h.http("POST", "/v1/requests", "sup1", body={"subscriber": "globex", "resource": "tickets", "for": "10m"}).json["id"]
        self.set(h, "UPDATE deadline SET due = 1 WHERE kind = 'request.expiry' AND subject = ?", asked)
        wait_until(lambda: h.http("GET", f"/v1/requests/{asked}", "sup1").json["state"] == "expired", 10)
        self.assertEqual(h.http("POST", f"/v1/requests/{asked}/approve", "sec1", body={}).status, 409)

    def test_what_was_removed_goes_after_its_retention_but_not_what_was_put_again(self):
        h = self.house()
        for name in ("gone", "back"):
            h.http("PUT", f"/v1/subscribers/acme/objects/tickets/{name}", "sup1", body="x", purpose="C", Content_Type="text/plain")
            h.http("DELETE", f"/v1/subscribers/acme/objects/tickets/{name}", "sup1", purpose="C")
        h.http("PUT", "/v1/subscribers/acme/objects/tickets/back", "sup1", body="y", purpose="C", Content_Type="text/plain")
        self.set(h, "UPDATE deadline SET due = 1 WHERE kind = 'object.retention'")
        wait_until(lambda: "object.purged" in self.operations(h), 10)
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        count = lambda name: db.execute("SELECT count(*) FROM object_version WHERE id = ?", (name,)).fetchone()[0]
        self.assertEqual((count("gone"), count("back")), (1, 3))
        self.assertEqual(self.operations(h).count("object.purged"), 1)
        self.assertEqual(db.execute("SELECT count(*) FROM deadline WHERE kind = 'object.retention' AND done IS NULL").fetchone()[0], 0)

    def test_keys_of_idempotency_are_swept(self):
        h = self.house()
        h.http("PUT", "/v1/subscribers/acme/objects/tickets/idem", "sup1", body="x", purpose="C", Idempotency_Key="k", Content_Type="text/plain")
        self.set(h, "UPDATE idempotency SET created = 1")
        self.set(h, "UPDATE deadline SET due = 1 WHERE kind = 'sweep' AND done IS NULL")
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        wait_until(lambda: db.execute("SELECT count(*) FROM idempotency").fetchone()[0] == 0, 10)
        wait_until(lambda: db.execute("SELECT count(*) FROM deadline WHERE kind = 'sweep' AND done IS NULL").fetchone()[0] >= 1, 10)


if __name__ == "__main__":
    unittest.main()
