"""Providers (P0 to P2), sites (E7, P1) and the network (E6): each light goes red when the thing is broken, and green when mended."""
import hashlib
import json
import os
import random
import subprocess
import time
import unittest

from house import House, SLOW, wait_until
from sabotage import DAY, Later, breaks, lights, turned, two

TICKET = "/v1/subscribers/acme/objects/tickets/4711"
ANSWERS = {f"P{i}": "as before" for i in range(1, 8)}


def later(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


class Board(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.__exit__)
        self.before = lights(self.house)

    def changed(self):
        return turned(self.before, lights(self.house))

    def run_command(self, *words, person="sec1", code=0):
        done = self.house.sekisho(*words, person=person)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout

    def file(self, name, text):
        path = os.path.join(self.house.top, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path


class Providers(Board):
    def review(self, provider, decision, until):
        done = two(self.house, "POST", f"/v1/providers/{provider}/reviews", {"answers": ANSWERS, "decision": decision, "until": until})
        self.assertEqual(done.status, 200, done.body)

    @breaks("P0.1.reviews")
    def test_a_review_that_lapses_closes_within_a_second_and_one_that_passes_opens(self):
        h = self.house
        token = h.token("prv1")
        self.assertEqual(h.http("GET", "/v1/whoami", "prv1").status, 200)
        live = h.connect()
        h.http("GET", "/v1/whoami", "prv1", connection=live)
        self.review("hokuto", "pass", later(3))
        self.assertEqual(h.http("GET", "/v1/whoami", "prv1").status, 200)
        time.sleep(2)
        begun = time.monotonic()
        wait_until(lambda: h.http("GET", "/v1/whoami", token=token).status == 401, 5)
        self.assertLess(time.monotonic() - begun, 1.0 + 1.5 * SLOW)
        with self.assertRaises(Exception):                  # the live connection has been ended, too
            h.http("GET", "/v1/whoami", token=token, connection=live)
            h.http("GET", "/v1/whoami", token=token, connection=live)
        self.assertEqual(self.changed(), {"P0.1.reviews": "broken"})
        self.assertIn("provider.closed", [e["operation"] for e in h.entries()])
        h.tokens.pop("prv1")
        self.assertEqual(h.http("GET", TICKET, "prv1", purpose="C").status, 403)     # logged in anew, and still kept out
        self.review("hokuto", "pass", later(86400))
        self.assertEqual(self.changed(), {})
        self.assertNotIn("review", h.http("GET", TICKET, "prv1", purpose="C").json.get("detail", ""))

    def test_a_review_that_fails_closes_at_once_and_nobody_approves_his_own(self):
        h = self.house
        h.token("prv1")
        asked = h.http("POST", "/v1/providers/hokuto/reviews", "sec1", {"answers": ANSWERS, "decision": "fail", "until": later(86400)})
        self.assertEqual(asked.status, 202)
        self.assertEqual(h.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec1", {}).status, 403)
        self.assertEqual(h.http("GET", "/v1/whoami", "prv1").status, 200)
        self.assertEqual(h.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec2", {}).status, 200)
        self.assertEqual(h.http("GET", "/v1/whoami", "prv1").status, 401)
        self.assertEqual(self.changed(), {"P0.1.reviews": "broken"})
        shown = json.loads(self.run_command("provider", "show", "hokuto", "-o", "json"))
        self.assertEqual((shown["review"], shown["reviews"][0]["decision"], shown["reviews"][0]["decided_by"]), ("lapsed", "fail", "sec2"))
        bad = h.http("POST", "/v1/providers/hokuto/reviews", "sec1", {"answers": {"P1": "x"}, "decision": "pass", "until": later(9)})
        self.assertEqual(bad.status, 400, bad.body)         # read when it is asked for, not when somebody has approved it
        self.assertIn("P2 is missing", bad.json["detail"])

    @breaks("P0.1.contracts")
    def test_a_provider_without_a_contract(self):
        add = ["provider", "add", "higashi", "--kind", "receiver", "--name", "Higashi", "--does", "mailing", "--where", "Japan", "--data", "addresses",
               "--tier", "low"]
        self.run_command(*add)
        self.assertEqual(self.changed(), {"P0.1.contracts": "broken"})
        self.run_command(*add, "--contract", "HGS-1")
        self.assertEqual(self.changed(), {})
        add[4] = "host"
        self.assertIn("does not change", self.house.sekisho(*add, person="sec1").stderr)
        self.assertIn("higashi", self.run_command("provider", "ls", person="sup1"))

    @breaks("P0.1.findings")
    def test_a_finding_that_nobody_mended_in_time(self):
        self.run_command("provider", "finding", "add", "hokuto", "no-mfa", "--title", "one account without a second factor", "--owner", "sec1", "--due",
                         later(1))
        wait_until(lambda: self.changed() == {"P0.1.findings": "broken"}, 5)
        self.run_command("provider", "finding", "close", "hokuto", "no-mfa", "--why", "the factor was enrolled")
        self.assertEqual(self.changed(), {})

    @breaks("P2.1.deployments")
    def test_a_deployment_that_nobody_approved_is_an_alarm(self):
        h = self.house
        good, bad = (hashlib.sha256(x).hexdigest() for x in (b"good", b"bad"))
        asked = json.loads(self.run_command("provider", "deployment", "record", good, "--author", "eng1", "--what", "a release", "-o", "json", code=4))
        self.run_command("request", "approve", asked["id"], person="sec2")
        self.assertTrue(json.loads(self.run_command("provider", "deployment", "report", good, "--where", "web-1", "-o", "json", person="eng2"))["matched"])
        self.assertEqual(self.changed(), {})
        token = json.load(open(h.dir + "/sample/applications.json"))[0]["token"]
        reported = h.http("POST", "/v1/deployments", token=token, body={"digest": bad, "where": "web-1"})
        self.assertEqual((reported.status, reported.json["matched"]), (200, False))
        self.assertEqual(self.changed(), {"P2.1.deployments": "broken"})
        alert = [a for a in h.http("GET", "/v1/alerts", "sec1").json["items"] if a["rule"] == "deployment.unmatched"]
        self.assertEqual([a["subject"] for a in alert], [bad])
        self.assertEqual(h.http("POST", "/v1/deployments", token=token, body={"digest": "00", "where": "w"}).status, 400)


class Sites(Board):
    @breaks("E7.1.guards", "E7.3.power", "P1.1.sites")
    def test_a_duty_whose_evidence_runs_out(self):
        for duty, lit in (("guards", {"E7.1.guards", "P1.1.sites"}), ("generators", {"E7.3.power", "P1.1.sites"})):
            attest = ["site", "attest", "tokyo-1", "--duty", duty, "--evidence", "report 7", "--from", later(-9)]
            self.run_command(*attest, "--until", later(2))
            wait_until(lambda: set(self.changed()) == lit, 6)
            self.assertEqual(set(self.changed().values()), {"broken"})
            self.run_command(*attest, "--until", later(86400))
            self.assertEqual(self.changed(), {})
        self.assertIn("guards", self.run_command("site", "show", "tokyo-1", person="sup1"))
        self.assertEqual(self.house.sekisho("site", "attest", "tokyo-1", "--duty", "roof", "--evidence", "x", "--from", later(-9), "--until", later(9),
                                            person="sec1").returncode, 2)

    @breaks("E7.2.areas")
    def test_a_site_of_which_nothing_is_attested(self):
        self.run_command("site", "add", "osaka-1", "--name", "Osaka 1", "--where", "Japan")
        self.assertEqual(self.changed(), dict.fromkeys(("E7.1.guards", "E7.2.areas", "E7.3.power"), "broken"))

    @breaks("E7.2.badges")
    def test_a_badge_that_nobody_approved(self):
        h = self.house
        self.assertEqual(two(h, "PUT", "/v1/sites/tokyo-1/badges/4242", {"person": "eng1", "until": later(86400)}).status, 200)
        now = later(0)
        path = self.file("badges.csv", f'time,site,badge,area\n{later(1)},tokyo-1,4242,"cage, north"\n')
        self.run_command("badge", "import", path)
        self.assertEqual(self.changed(), {})
        path = self.file("badges.ndjson", f'{{"time":"{now}","site":"tokyo-1","badge":"6666","area":"cage"}}\n')
        self.assertEqual(json.loads(self.run_command("badge", "import", path, "-o", "json"))["unknown"], 1)
        self.assertEqual(self.changed(), {"E7.2.badges": "broken"})
        self.assertIn("badge.unknown", [a["rule"] for a in h.http("GET", "/v1/alerts", "sec1").json["items"]])
        listed = json.loads(self.run_command("badge", "ls", "-o", "json"))
        self.run_command("badge", "settle", listed[0]["id"], "--why", "a visitor, accompanied by eng1")
        self.assertEqual(self.changed(), {})

    def test_of_a_bad_import_nothing_is_done(self):
        good = f'{{"time":"{later(0)}","site":"tokyo-1","badge":"6666"}}\n'
        for text, says in ((good + "{\n", "line 2: expected a JSON object"), (good + '{"site":"tokyo-1","badge":"1"}\n', "line 2: time: expected"),
                           ("time,site,badge\nnow,tokyo-1,1\n", "line 2: time"), ('time,site,badge\n"open,tokyo-1,1\n', "line 2: expected as many"),
                           ("", "there is no line")):
            done = self.house.sekisho("badge", "import", self.file("bad", text), person="sec1")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)
        self.assertEqual(self.changed(), {})
        self.assertEqual(json.loads(self.run_command("badge", "ls", "-o", "json")), [])


class Network(Board):
    def setUp(self):
        super().setUp()
        self.push(north=(True, 2 * 10**8), south=(True, 10**8))     # the sample's own measurements are as old as the sample
        self.before = lights(self.house)

    def push(self, **up):
        text = "".join(json.dumps({"component": f"uplinks/{name}", "up": is_up, "load": load}) + "\n" for name, (is_up, load) in up.items())
        self.run_command("network", "push", self.file("push", text), person="eng1")

    @breaks("E6.1.redundancy", "E6.1.bandwidth")
    def test_a_link_that_is_down_and_one_that_is_too_full(self):
        self.push(north=(True, 2 * 10**8), south=(True, 10**8))
        self.assertEqual(self.changed(), {})
        self.push(south=(True, 9 * 10**8))
        self.assertEqual(self.changed(), {"E6.1.bandwidth": "broken"})
        self.push(south=(True, 10**8))
        self.push(north=(False, 0))
        self.assertEqual(self.changed(), {"E6.1.redundancy": "broken", "E6.1.bandwidth": "broken"})
        self.push(north=(True, 0))
        self.assertEqual(self.changed(), {})
        done = self.house.sekisho("network", "push", self.file("p", '{"component":"uplinks/east","up":true,"load":1}\n'), person="eng1")
        self.assertEqual(done.returncode, 2)
        self.assertIn("line 1: component: not registered", done.stderr)

    STATUS = """Package: libc6
Status: install ok installed
Source: glibc (2.36-9+deb12u3)
Version: 2.36-9+deb12u3
Description: C library
 many lines

Package: curl
Status: install ok installed
Version: 7.88.1-10+deb12u12

Package: gone
Status: deinstall ok config-files
Version: 1.0-1

"""

    def osv(self, name, package, fixed, **more):
        return {"id": name, "affected": [{"package": {"ecosystem": "Debian:12", "name": package},
                                          "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}], **more}

    @breaks("E6.3.findings")
    def test_an_advisory_that_applies_is_a_finding_until_the_inventory_says_otherwise(self):
        h = self.house
        self.run_command("inventory", "import", "web-1", self.file("status", self.STATUS), person="eng1")
        records = [self.osv("DSA-1-1", "glibc", "2.36-9+deb12u7"), self.osv("DSA-2-1", "curl", "7.88.1-10+deb12u5"), self.osv("DSA-3-1", "gone", "2.0"),
                   self.osv("DSA-4-1", "curl", "99", withdrawn="2026-01-01T00:00:00Z"), self.osv("DSA-5-1", "nothing", "1")]
        done = json.loads(self.run_command("advisory", "import", self.file("osv.json", json.dumps(records)), "-o", "json"))
        self.assertEqual((done["advisories"], done["findings"]), (5, 1))
        found = json.loads(self.run_command("finding", "ls", "-o", "json"))
        self.assertEqual([f["id"] for f in found], ["DSA-1-1/web-1/glibc"])
        self.assertEqual(self.changed(), {})
        self.run_command("finding", "assign", "DSA-1-1/web-1/glibc", "--owner", "eng1")
        asked = json.loads(self.run_command("finding", "except", "DSA-1-1/web-1/glibc", "--until", later(3), "--why", "a test host", "-o", "json", code=4))
        self.run_command("request", "approve", asked["id"], person="sec2")
        wait_until(lambda: self.changed() == {"E6.3.findings": "broken"}, 8)    # the exception has ended
        self.assertIn("still has that version", h.sekisho("finding", "close", "DSA-1-1/web-1/glibc", person="eng1").stderr)
        self.run_command("inventory", "import", "web-1", self.file("status", self.STATUS.replace("deb12u3", "deb12u7")), person="eng1")
        self.run_command("finding", "close", "DSA-1-1/web-1/glibc", person="eng1")
        self.assertEqual(self.changed(), {})
        again = json.loads(self.run_command("advisory", "import", self.file("osv.json", json.dumps(records)), "-o", "json"))
        self.assertEqual(again["findings"], 0)

    def test_what_is_no_advisory_and_no_inventory_is_refused(self):
        for words, text, says in ((("advisory", "import"), "[{}]", "record 1: expected OSV"), (("advisory", "import"), "nonsense", "not JSON: line 1"),
                                  (("advisory", "import"), "[]", "an OSV record"), (("inventory", "import", "web-1"), "\n", "dpkg's status file")):
            done = self.house.sekisho(*words, self.file("f", text), person="eng1")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)
        sbom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "curl", "version": "7.88.1-1"}]}
        self.assertEqual(json.loads(self.run_command("inventory", "import", "image-1", self.file("bom", json.dumps(sbom)), "-o", "json",
                                                     person="eng1"))["packages"], 1)

    def test_scans_are_recorded(self):
        self.run_command("scan", "record", "--tool", "sslscan 2.0.16", "--targets", "192.0.2.1:443", "--result", "nothing weak", person="eng1")
        self.assertIn("sslscan", self.run_command("scan", "ls", person="sup1"))


class Desk(Board):
    """E3: who asks, who is screened, who may fetch."""

    def test_a_request_is_screened_approved_and_fetched(self):
        h = self.house
        asked = h.sekisho("disclosure", "request", "soc2", "-o", "json", person="acme-auditor1")
        self.assertEqual(asked.returncode, 4, asked.stderr)
        first = json.loads(asked.stdout)["id"]
        path = os.path.join(h.top, "soc2.pdf")
        self.assertEqual(h.sekisho("disclosure", "fetch", first, path, person="acme-auditor1").returncode, 3)
        self.run_command("disclosure", "approve", first)
        self.assertEqual(h.sekisho("disclosure", "fetch", first, path, person="acme-auditor1").returncode, 0)
        self.assertTrue(open(path, "rb").read().startswith(b"%PDF-"))
        entry = [e for e in h.http("GET", "/v1/subscribers/acme/ledger?limit=20", "aud1").json["items"] if e["operation"] == "disclosure.fetch" and e["decision"] == "allow"
                 and e["outcome"]["status"] == 200][0]
        self.assertEqual((entry["log"], entry["outcome"]["subject"], entry["decision"]), ("acme", first, "allow"))
        self.assertEqual(h.sekisho("disclosure", "fetch", first, path, person="globex-user1").returncode, 5)
        self.assertEqual(self.changed(), {})

    def test_a_competitor_s_company_and_one_without_an_agreement_get_nothing(self):
        h = self.house
        for who, says in (("initech-user1", "competitor"), ("globex-user1", "confidentiality")):
            done = h.sekisho("disclosure", "request", "soc2", person=who)
            self.assertEqual(done.returncode, 3, done.stdout)
            self.assertIn(says, done.stderr)
        asked = h.http("POST", "/v1/disclosures", "acme-user1", {"class": "soc2"}).json["id"]
        self.run_command("disclosure", "approve", asked)
        self.run_command("organisation", "add", "acme", "--name", "Acme", "--owners", "kyogo")     # bought since: screened again at the download
        self.assertEqual(h.http("GET", f"/v1/disclosures/{asked}", "acme-user1").status, 403)
        self.assertEqual(h.http("GET", "/v1/disclosures", "sup1").status, 403)

    def test_a_refusal_has_its_ground(self):
        h = self.house
        asked = h.http("POST", "/v1/disclosures", "acme-user1", {"class": "soc2"}).json["id"]
        self.assertEqual(h.sekisho("disclosure", "deny", asked, person="sec1").returncode, 2)
        self.run_command("disclosure", "deny", asked, "--why", "the report is being replaced")
        self.assertEqual(h.sekisho("disclosure", "approve", asked, person="sec1").returncode, 1)

    def test_a_certificate_is_a_pdf_with_its_period(self):
        pdf = self.file("iso.pdf", "%PDF-1.4\n%%EOF\n")
        self.run_command("disclosure", "add", "iso27001", pdf, "--from", later(-99), "--to", later(86400))
        self.assertEqual(self.changed(), {})
        self.assertIn("expected a PDF", self.house.sekisho("disclosure", "add", "soc2", self.file("x", "no"), "--from", later(-9), "--to", later(9),
                                                           person="sec1").stderr)


class Unanswered(unittest.TestCase):
    @breaks("E3.1.requests")
    def test_a_request_that_nobody_answers_is_red(self):
        h = Later()
        self.addCleanup(h.__exit__)
        self.assertEqual(h.http("POST", "/v1/disclosures", "acme-user1", {"class": "soc2"}).status, 202)
        self.assertEqual(lights(h)["E3.1.requests"], "kept")
        h.restart_at(8 * DAY)
        self.assertEqual(lights(h)["E3.1.requests"], "broken")
        asked = [d["id"] for d in h.http("GET", "/v1/disclosures", "sec1").json["items"]][0]
        h.http("POST", f"/v1/disclosures/{asked}/deny", "sec1", {"why": "asked by mistake"})
        self.assertEqual(lights(h)["E3.1.requests"], "kept")


if __name__ == "__main__":
    unittest.main()
