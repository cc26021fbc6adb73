"""E1: risks, policies, the team, training; each light goes red when the thing is broken, and green when it is mended."""
import json
import os
import re
import subprocess
import time
import unittest

from house import House, SHARED, SLOW, wait_until
from sabotage import DAY, Later, breaks, lights, turned, two, values

TICKET = "/v1/subscribers/acme/objects/tickets/4711"
PERSONNEL = ["sup1", "sup2", "sup3", "sup4", "sec1", "sec2", "eng1", "eng2", "eng3", "adm1", "adm2", "aud1"]
QUIZ = {"purpose": 2, "suspicion": 1, "sharing": 3}


class Programme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def setUp(self):
        self.before = lights(self.house)

    def changed(self):
        return turned(self.before, lights(self.house))

    def run_command(self, *words, person="sec1", code=0):
        done = self.house.sekisho(*words, person=person)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout

    @breaks("E1.1.risks")
    def test_a_risk_that_nobody_looked_at_again_is_red(self):
        risk = ("programme", "risk", "add", "spare", "--title", "A spare risk", "--likelihood", "2", "--impact", "2", "--treatment", "accept",
                "--owner", "eng1", "--measures", "E5,P3")
        self.run_command(*risk, "--review", "1s")
        wait_until(lambda: self.changed() == {"E1.1.risks": "broken"}, 5)
        self.assertIn("spare", values(self.house)["E1.1.risks"])
        listed = json.loads(self.run_command("programme", "risk", "ls", "-o", "json"))
        self.assertEqual({r["id"]: r["level"] for r in listed}["spare"], 4)
        self.run_command(*risk, "--review", "90d")
        self.assertEqual(self.changed(), {})

    def test_a_risk_of_bad_form_is_refused_with_what_would_be_right(self):
        base = ["programme", "risk", "add", "r", "--title", "T", "--likelihood", "2", "--impact", "2", "--treatment", "accept", "--owner", "eng1",
                "--measures", "E5", "--review", "9d"]
        for option, value, says in (("--likelihood", "6", "likelihood"), ("--treatment", "ignore", "mitigate accept transfer avoid"),
                                    ("--owner", "nobody-here", "nobody active"), ("--measures", "E9", "E5,P3"), ("--impact", "0", "1 to 5")):
            words = list(base)
            words[words.index(option) + 1] = value
            done = self.house.sekisho(*words, person="sec1")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(says, done.stderr)
        self.assertEqual(self.house.sekisho(*base, person="sup1").returncode, 3)

    @breaks("E1.3.policies")
    def test_a_new_version_of_a_policy_asks_everybody_again(self):
        path = os.path.join(self.house.top, "policy.md")
        with open(path, "w") as f:
            f.write("# Access control\n\nSecond edition. 第二版\n")
        asked = json.loads(self.run_command("programme", "policy", "add", "access-control", path, "--title", "Access control", "--owner", "sec1",
                                            "--review", "365d", "-o", "json", code=4))
        self.assertEqual(self.house.sekisho("request", "approve", asked["id"], person="sec1").returncode, 3)   # not one's own
        self.run_command("request", "approve", asked["id"], person="adm1")
        self.assertEqual(self.changed(), {"E1.3.policies": "broken"})
        shown = json.loads(self.run_command("programme", "policy", "show", "access-control", "-o", "json"))
        self.assertEqual((shown["version"], shown["approver"], shown["owner"]), (2, "adm1", "sec1"))
        self.assertIn("第二版", shown["text"])
        for who in PERSONNEL:
            self.run_command("programme", "policy", "acknowledge", "access-control", person=who)
        self.assertEqual(self.changed(), {})

    @breaks("E1.4.team")
    def test_a_team_below_the_declared_number_is_red(self):
        asked = json.loads(self.run_command("programme", "number", "security-team", "3", "-o", "json", code=4))
        self.run_command("request", "approve", asked["id"], person="sec2")
        self.assertEqual(self.changed(), {"E1.4.team": "broken"})
        self.run_command("programme", "team", "add", "eng3", "--full-time")
        self.assertEqual(self.changed(), {})
        self.run_command("programme", "team", "rm", "eng3")
        self.assertEqual(self.changed(), {"E1.4.team": "broken"})
        asked = json.loads(self.run_command("programme", "number", "security-team", "2", "-o", "json", code=4))
        self.run_command("request", "approve", asked["id"], person="sec2")
        self.assertEqual(self.changed(), {})

    @breaks("E1.5.trained")
    def test_overdue_training_closes_access_and_the_quiz_opens_it_again(self):
        h = self.house
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 200)
        due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        self.run_command("programme", "course", "assign", "security-basics", "--role", "support", "--due", due)
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 200)
        wait_until(lambda: h.http("GET", TICKET, "sup1", purpose="C").status == 403, 5)
        refused = h.http("GET", TICKET, "sup1", purpose="C").json
        self.assertIn("training", refused["detail"])
        self.assertEqual(self.changed(), {"E1.5.trained": "broken"})
        wrong = h.http("POST", "/v1/programme/courses/security-basics/take", "sup1", {"answers": {**QUIZ, "sharing": 1}})
        self.assertEqual((wrong.status, wrong.json["passed"], wrong.json["right"]), (200, False, 2))
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 403)
        shown = h.http("GET", "/v1/programme/courses/security-basics", "sup1").json
        self.assertNotIn("answer", json.dumps(shown["questions"]))
        begun = time.monotonic()
        self.run_command("programme", "course", "take", "security-basics", "--answers", os.path.join(h.dir, "sample/answers.yaml"), person="sup1")
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 200)
        self.assertLess(time.monotonic() - begun, 1 * SLOW)
        for who in ("sup2", "sup3", "sup4"):
            h.http("POST", "/v1/programme/courses/security-basics/take", who, {"answers": QUIZ})
        self.assertEqual(self.changed(), {})

    def test_a_course_of_bad_form_is_refused_by_its_question(self):
        good = {"id": "c", "title": "T", "valid": "365d", "pass": 1, "questions": [{"id": "q", "text": "?", "choices": ["a", "b"], "answer": 2}]}
        for change, says in (({"questions": []}, "1 to 200"), ({"pass": 2}, "1 to 1"), ({"valid": "often"}, "duration"),
                             ({"questions": [{"id": "q", "text": "?", "choices": ["a"], "answer": 1}]}, "q: expected at least two"),
                             ({"questions": [{"id": "q", "text": "?", "choices": ["a", "b"], "answer": 3}]}, "q: answer")):
            answer = self.house.http("POST", "/v1/programme/courses", "sec1", {**good, **change})
            self.assertEqual(answer.status, 400, answer.body)
            self.assertIn(says, answer.json["detail"])
        path = os.path.join(self.house.top, "course.yaml")
        with open(path, "w") as f:
            f.write("id: yaml-course\ntitle: From YAML\nvalid: 30d\npass: 1\nquestions:\n- {id: one, text: '1?', choices: [a, b], answer: 1}\n")
        self.run_command("programme", "course", "add", path)
        self.assertIn("yaml-course", self.run_command("programme", "course", "ls", person="sup1"))

    def test_what_a_check_found_is_kept_with_the_entry_that_proves_it(self):
        h = self.house
        self.run_command("programme", "team", "add", "eng2")
        self.run_command("programme", "review", "add", "firewall", "--reviewed", "sha256:00", "--outcome", "as intended")
        wait_until(lambda: h.http("GET", "/v1/checks/E1.4.team/history", "aud1").json["items"], 5)
        past = json.loads(self.run_command("measure", "history", "E1.4.team", "-o", "json", person="aud1"))
        self.assertEqual(past[-1]["state"], "kept")
        entry = h.http("GET", f"/v1/ledger/{past[-1]['evidence'][0]}", "aud1").json
        self.assertEqual((entry["operation"], entry["kind"], entry["outcome"]["subject"], entry["outcome"]["state"]),
                         ("check.changed", "system", "E1.4.team", "kept"))
        board = {c["id"]: c for g in h.http("GET", "/v1/measures", "aud1").json["items"] for c in g["checks"]}
        self.assertEqual(board["E1.4.team"]["evidence"], past[-1]["evidence"])
        self.assertEqual(board["E1.4.team"]["since"], past[-1]["since"])
        self.assertEqual(h.http("GET", "/v1/checks/E1.4.nothing/history", "aud1").status, 404)

    def test_one_that_is_switched_off_is_unknown_never_kept(self):
        h = self.house
        asked = json.loads(self.run_command("measure", "off", "E1.2.guessing", "--why", "maintenance", "-o", "json", code=4))
        self.run_command("request", "approve", asked["id"], person="sec2")
        self.assertEqual(self.changed(), {"E1.2.guessing": "unknown"})
        wait_until(lambda: h.http("GET", "/v1/checks/E1.2.guessing/history", "aud1").json["items"][-1]["state"] == "unknown", 5)
        self.run_command("measure", "on", "E1.2.guessing")
        self.assertEqual(self.changed(), {})

    def test_what_falls_due_is_listed_the_earliest_first(self):
        due = json.loads(self.run_command("due", "ls", "-o", "json", person="aud1"))
        self.assertEqual([d["due"] for d in due], sorted(d["due"] for d in due))
        self.assertTrue({"policy", "risk", "provider-review"} <= {d["kind"] for d in due})

    def test_the_catalogue_is_oscal(self):
        schema = os.path.join(SHARED, "data/oscal-schemas-1.2.1.tar.xz")
        if not os.path.exists(schema):
            self.skipTest(f"needs {schema}")
        folder = os.path.join(self.house.top, "oscal")
        os.makedirs(folder)
        subprocess.run(["tar", "-xJf", schema, "-C", folder], check=True)
        found = subprocess.run(["find", folder, "-name", "*catalog_schema.json"], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(found), 1, "the catalogue's schema")
        catalogue = os.path.join(folder, "c.json")
        with open(catalogue, "w") as f:
            f.write(self.run_command("measure", "catalogue", "-o", "json", person="aud1"))
        self.assertEqual(json.load(open(catalogue))["catalog"]["metadata"]["oscal-version"], "1.2.1")
        done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "../npm/oscal.js"), found[0], catalogue], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        broken = json.load(open(catalogue))
        del broken["catalog"]["metadata"]["title"]
        json.dump(broken, open(catalogue, "w"))
        done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "../npm/oscal.js"), found[0], catalogue], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, "the validator takes anything")


class Report(unittest.TestCase):
    def test_a_page_in_both_languages_and_results_that_validate(self):
        schema = os.path.join(SHARED, "data/oscal-schemas-1.2.1.tar.xz")
        if not os.path.exists(schema):
            self.skipTest(f"needs {schema}")
        with House() as h:
            wait_until(lambda: h.http("GET", "/v1/checks/E1.4.team/history", "aud1").json["items"], 5)
            folder = os.path.join(h.top, "report")
            for language, title in (("en", "Measures of the promise"), ("ja", "約束の対策")):
                done = h.sekisho("measure", "report", "--from", "2026-11-01T00:00:00Z", "--to", "2027-11-01T00:00:00Z", "--lang", language, folder,
                                 person="aud1")
                self.assertEqual(done.returncode, 0, done.stderr)
                page = open(os.path.join(folder, "report.html"), encoding="utf-8").read()
                self.assertIn(title, page)
                self.assertIn("dark", page)
                self.assertEqual(len(re.findall("<svg", page)), len(lights(h)))
                self.assertRegex(page, r'aria-label="E1.4.team">.*?fill="#2e7d32"')
                self.assertNotRegex(page, r"(src|href)=")
            subprocess.run(["tar", "-xJf", schema, "-C", h.top], check=True)
            done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "../npm/oscal.js"),
                                   os.path.join(h.top, "oscal-1.2.1/oscal_assessment-results_schema.json"),
                                   os.path.join(folder, "assessment-results.json")], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            found = json.load(open(os.path.join(folder, "assessment-results.json")))["assessment-results"]["results"][0]["findings"]
            self.assertEqual({f["title"]: f["target"]["status"]["state"] == "satisfied" for f in found}, {c: s == "kept" for c, s in lights(h).items()})
            self.assertEqual(h.http("GET", "/v1/measures/report?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "aud1").status, 400)


class Guessing(unittest.TestCase):
    @breaks("E1.2.guessing")
    def test_a_lock_out_that_does_not_count_is_red(self):
        """The hash by which failures are counted is replaced by one that never comes again."""
        h = House(start=False)
        self.addCleanup(h.__exit__)
        source, shim = os.path.join(h.top, "forgetful.c"), os.path.join(h.top, "forgetful.so")
        with open(source, "w") as f:
            f.write("#include <stddef.h>\n#include <string.h>\nint crypto_shorthash(unsigned char *out, const unsigned char *in, unsigned long long n, "
                    "const unsigned char *key) { static unsigned long long count; (void)in; (void)n; (void)key; count += 2654435761u; "
                    "memcpy(out, &count, 8); return 0; }\n")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source], check=True)
        asan = ""
        if os.environ.get("SEKISHO_SANITIZED"):
            asan = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip() + " "
        h.start()
        before = lights(h)
        h.stop()
        h.preload = asan + shim
        h.start()
        self.assertEqual(turned(before, lights(h)), {"E1.2.guessing": "broken"})


class FourHundredDays(unittest.TestCase):
    CADENCES = ("E1.1.risks", "E1.3.policies", "E1.4.reviews", "E1.5.trained", "P0.1.reviews", "E6.3.feed", "E6.4.scans", "E7.1.guards", "E7.2.areas",
                "E7.3.power", "P1.1.sites", "P6.1.backup",
                "E3.1.certificates")

    @breaks(*CADENCES)
    def test_every_cadence_is_red_and_no_other_light(self):
        h = Later()
        self.addCleanup(h.__exit__)
        before = lights(h)
        h.restart_at(400 * DAY)
        found = lights(h)
        after = turned(before, found)
        for check in ("E6.1.redundancy", "E6.1.bandwidth"):         # nobody measures any more: unknown, not broken
            self.assertEqual(found[check], "unknown")
        self.assertEqual(after, dict.fromkeys(self.CADENCES, "broken"))


if __name__ == "__main__":
    unittest.main()
