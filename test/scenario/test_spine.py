"""The main line, as a person walks it: log in, get, be refused, ask, be granted, put, import, revoke, read the book."""
import json
import os
import re
import unittest
import warnings

from house import House, PROGRAM


class Spine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore", ResourceWarning)
        cls.house = House()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def run_ok(self, *words, **more):
        done = self.house.sekisho(*words, **more)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done

    def refused(self, done, code, *says):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        for each in says:
            self.assertIn(each, done.stderr)

    # ---- logging in

    def test_login_prints_a_token_and_keeps_it(self):
        password, totp = self.house.secrets("eng1")
        done = self.run_ok("login", self.house.url, "--as", "eng1", "--password-file", password, "--totp-secret-file", totp, "-o", "json")
        given = json.loads(done.stdout)
        self.assertRegex(given["token"], r"^skt_[A-Za-z0-9_-]{49}$")
        self.assertRegex(given["expires"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        me = json.loads(self.run_ok("whoami", "-o", "json").stdout)
        self.assertEqual(me["id"], "eng1")
        self.assertRegex(me["actor"], r"^psn_[a-z2-7]{26}$")
        self.assertEqual(os.stat(os.path.join(self.house.top, "contexts.json")).st_mode & 0o777, 0o600)

    def test_a_code_is_taken_once(self):
        from house import totp
        import time
        secret, step = self.house.people["eng2"]["totp_secret"], int(time.time()) // 30
        first = self.house.login("eng2", code=totp(secret, step))
        again = self.house.login("eng2", code=totp(secret, step))
        self.assertEqual(first.status, 200)
        self.assertEqual((again.status, again.json["code"]), (401, "E_CODE_USED"))

    def test_wrong_passwords_are_slowed_down_for_the_pair_only(self):
        for _ in range(5):
            self.assertEqual(self.house.login("eng3", password="wrong", code="000000").status, 401)
        limited = self.house.login("eng3", password="wrong", code="000000")
        self.assertEqual((limited.status, limited.json["code"]), (429, "E_TOO_MANY"))
        self.assertEqual(self.house.http("GET", "/v1/whoami", "aud1").status, 200)

    def test_no_and_bad_credentials(self):
        self.assertEqual(self.house.http("GET", "/v1/whoami").json["code"], "E_NO_CREDENTIAL")
        self.assertEqual(self.house.http("GET", "/v1/whoami", token="skt_" + "A" * 49).json["code"], "E_BAD_CREDENTIAL")
        done = self.house.sekisho("get", "acme", "tickets/4711", SEKISHO_CONFIG="/nonexistent")
        self.refused(done, 6, "sekisho login")

    # ---- passing and being refused

    def test_get_gives_the_object(self):
        done = self.run_ok("get", "acme", "tickets/4711", "--purpose", "CASE-881", person="sup1")
        self.assertEqual(json.loads(done.stdout)["id"], "4711")
        newest = self.house.entries(resource="acme/tickets/4711", for_purpose="CASE-881")[0]
        self.assertEqual((newest["operation"], newest["decision"], newest["subscriber"]), ("object.get", "allow", "acme"))
        self.assertEqual(newest["policies"], ["read-by-grant"])
        self.assertEqual(newest["outcome"]["rows"], 1)
        self.assertEqual(newest["from"], "127.0.0.1")

    def test_without_a_purpose(self):
        self.refused(self.house.sekisho("get", "acme", "tickets/4711", person="sup1"), 3, "purpose", "--purpose")
        self.assertEqual(self.house.http("GET", "/v1/subscribers/acme/objects/tickets/4711", "sup1").json["code"], "E_PURPOSE")

    def test_without_a_grant(self):
        done = self.house.sekisho("get", "globex", "tickets/4005", "--purpose", "C", person="sup1")
        self.refused(done, 3, "grant", "sekisho request create globex tickets/4005 --for 10m")
        denied = self.house.entries(resource="globex/tickets/4005")[0]
        self.assertEqual((denied["decision"], denied["log"], denied["outcome"]["status"]), ("deny", "globex", 403))

    def test_the_exact_next_command_helps(self):
        self.refused(self.house.sekisho("get", "initech", "tickets/4005", "--purpose", "C", person="sup2"), 3)
        done = self.house.sekisho("get", "initech", "tickets/4005", "--purpose", "C", person="sup2")
        words = re.search(r"try: sekisho (.*)", done.stderr).group(1).split()
        asked = self.house.sekisho(*words, "-o", "json", person="sup2")
        self.assertEqual(asked.returncode, 4, asked.stderr)
        request = json.loads(asked.stdout)["id"]
        self.assertRegex(request, r"^req_")
        self.refused(self.house.sekisho("request", "approve", request, person="sup2"), 3)
        self.run_ok("request", "approve", request, person="sec1")
        self.run_ok("get", "initech", "tickets/4005", "--purpose", "C", person="sup2")
        self.refused(self.house.sekisho("put", "initech", "tickets/4005", "--purpose", "C", person="sup2", input="{}"), 3, "--write")
        grants = json.loads(self.run_ok("grant", "ls", "-o", "json", person="sec1").stdout)
        mine = [g for g in grants if g["request"] == request]
        self.assertEqual([(g["person"], g["subscriber"], g["resource"]) for g in mine], [("sup2", "initech", "tickets/4005")])
        self.run_ok("grant", "revoke", mine[0]["id"], person="sec2")
        self.refused(self.house.sekisho("get", "initech", "tickets/4005", "--purpose", "C", person="sup2"), 3)
        opened = [e["operation"] for e in self.house.entries() if e["log"] == "initech" and e["outcome"].get("grant") == mine[0]["id"]]
        self.assertEqual(opened, ["grant.revoke", "request.approve"])

    def test_a_denied_request_grants_nothing(self):
        asked = self.house.sekisho("request", "create", "umbrella", "tickets", "--for", "5m", "-o", "json", person="sup1")
        request = json.loads(asked.stdout)["id"]
        self.run_ok("request", "deny", request, "--why", "not needed", person="sec1")
        self.assertEqual(self.house.sekisho("request", "approve", request, person="sec2").returncode, 1)
        self.refused(self.house.sekisho("get", "umbrella", "tickets/4005", "--purpose", "C", person="sup1"), 3)

    def test_a_name_that_is_no_subscriber_opens_no_log_and_no_key(self):
        import os
        keyring = lambda: open(os.path.join(self.house.dir, "keeper/keyring"), "rb").read()
        self.house.http("GET", "/v1/whoami", "sup1")
        before = keyring()
        for who in ("sup1", "sec1"):
            self.house.http("GET", "/v1/subscribers/nosuch/objects/tickets/1", who, purpose="C")
        self.house.http("GET", "/v1/subscribers/nosuch/ledger", "sec1")
        entries = [e for e in self.house.entries() if (e.get("resource") or "").startswith("nosuch")]
        self.assertGreaterEqual(len(entries), 3)
        self.assertEqual({e["log"] for e in entries}, {"vendor"})
        self.assertNotIn(b"nosuch", keyring()[len(before):])

    def test_providers_need_review_contract_and_grant(self):
        for person, subscriber in (("prv1", "acme"), ("prv2", "globex")):
            self.refused(self.house.sekisho("get", subscriber, "tickets/4005", "--purpose", "C", person=person), 3)
        self.refused(self.house.sekisho("request", "create", "globex", "tickets", "--for", "5m", person="prv2"), 3, "review")
        for resource, code in (("tickets", 0), ("users", 3)):
            asked = self.house.sekisho("request", "create", "acme", resource, "--for", "5m", "-o", "json", person="prv1")
            self.run_ok("request", "approve", json.loads(asked.stdout)["id"], person="sec1")
            item = "tickets/4005" if resource == "tickets" else "users/u0001"
            self.assertEqual(self.house.sekisho("get", "acme", item, "--purpose", "C", person="prv1").returncode, code)

    def test_a_subscribers_user_sees_its_own_and_no_other(self):
        self.run_ok("get", "acme", "tickets/4711", person="acme-user1")
        self.refused(self.house.sekisho("get", "globex", "tickets/4005", person="acme-user1"), 3)
        self.run_ok("ledger", "search", "--subscriber", "acme", "--limit", "1", person="acme-user1")
        self.refused(self.house.sekisho("ledger", "search", "--subscriber", "globex", person="acme-user1"), 3)
        self.refused(self.house.sekisho("ledger", "search", person="acme-user1"), 3)
        self.run_ok("ledger", "search", "--subscriber", "acme", "--limit", "1", person="acme-auditor1")

    # ---- changing

    def test_put_versions_history_and_removal(self):
        put = lambda text, *more: self.house.sekisho("put", "acme", "tickets/v-1", "--purpose", "C", *more, person="sup1", input=text)
        self.assertEqual(put('{"n": 1}').returncode, 0)
        self.assertEqual(put('{"n": 2}').returncode, 0)
        self.assertEqual(put('{"n": 3}', "--if-match", '"1"').returncode, 1)
        self.assertEqual(put('{"n": 3}', "--if-match", '"2"').returncode, 0)
        history = json.loads(self.run_ok("object", "history", "acme", "tickets/v-1", "--purpose", "C", "-o", "json", person="sup1").stdout)
        self.assertEqual([(h["version"], h["changed_by"]) for h in history], [(3, "sup1"), (2, "sup1"), (1, "sup1")])
        old = self.run_ok("object", "get", "acme", "tickets/v-1", "--version", "1", "--purpose", "C", person="sup1")
        self.assertEqual(json.loads(old.stdout), {"n": 1})
        self.run_ok("object", "rm", "acme", "tickets/v-1", "--purpose", "C", person="sup1")
        self.assertEqual(self.house.sekisho("get", "acme", "tickets/v-1", "--purpose", "C", person="sup1").returncode, 5)
        old = self.run_ok("object", "get", "acme", "tickets/v-1", "--version", "3", "--purpose", "C", person="sup1")
        self.assertEqual(json.loads(old.stdout), {"n": 3})

    def test_preconditions_and_bytes_over_http(self):
        path = "/v1/subscribers/acme/objects/tickets/bytes"
        data = bytes(range(256)) * 256
        first = self.house.http("PUT", path, "sup1", data, "C", Content_Type="application/octet-stream")
        self.assertEqual((first.status, first.headers["ETag"]), (201, '"1"'))
        got = self.house.http("GET", path, "sup1", purpose="C")
        self.assertEqual((got.body, got.headers["Content-Type"], got.headers["ETag"]), (data, "application/octet-stream", '"1"'))
        self.assertRegex(got.headers["Sekisho-Passage"], r"^[0-9a-f]{32}$")
        stale = self.house.http("PUT", path, "sup1", b"x", "C", If_Match='"7"')
        self.assertEqual((stale.status, stale.json["code"]), (412, "E_PRECONDITION"))
        large = self.house.http("PUT", path, "sup1", data + b"x", "C")
        self.assertEqual(large.status, 413)
        broken = self.house.http("PUT", path, "sup1", b"{", "C", Content_Type="application/json")
        self.assertEqual((broken.status, broken.json["code"]), (400, "E_ARGUMENT"))
        self.assertEqual(self.house.http("GET", path, "sup1", purpose="C").body, data)

    def test_the_same_idempotency_key_changes_once(self):
        path = "/v1/subscribers/acme/objects/tickets/once"
        for _ in range(2):
            answer = self.house.http("PUT", path, "sup1", b"1", "C", Idempotency_Key="k-1")
            self.assertEqual((answer.status, answer.json["version"]), (201, 1))
        other = self.house.http("PUT", path, "sup1", b"2", "C", Idempotency_Key="k-1")
        self.assertEqual((other.status, other.json["code"]), (409, "E_IDEMPOTENCY"))
        self.assertEqual(self.house.http("GET", path, "sup1", purpose="C").headers["ETag"], '"1"')

    def test_a_key_of_idempotency_never_answers_for_a_change_that_lost(self):
        """Many at once on one object, each with a key of its own: every answer of success is a version of its own."""
        import threading
        path, answers = "/v1/subscribers/acme/objects/tickets/raced", []
        self.house.token("sup1")

        def put(number):
            c = self.house.connect()
            for i in range(25):
                a = self.house.http("PUT", path, "sup1", f"{number} {i}", "C", connection=c, Idempotency_Key=f"race-{number}-{i}")
                answers.append((a.status, a.json.get("version")))

        threads = [threading.Thread(target=put, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        made = sorted(v for status, v in answers if status < 300)
        history = self.house.http("GET", path + "/history", "sup1", purpose="C").json["items"]
        self.assertEqual(made, sorted(h["version"] for h in history))
        self.assertTrue({status for status, _ in answers} <= {200, 201, 409}, {s for s, _ in answers})

    def test_an_unknown_identity_takes_as_long_as_a_known_one(self):
        import time
        def took(identity):
            times = []
            for i in range(4):
                begun = time.monotonic()
                answer = self.house.http("POST", "/v1/login", body={"id": identity, "password": "wrong", "totp": "000000"})
                times.append(time.monotonic() - begun)
                self.assertEqual((answer.status, answer.json["code"]), (401, "E_LOGIN"))
            return min(times)
        known, unknown = took("sup3"), took("nobody-at-all")
        self.assertLess(max(known, unknown) / min(known, unknown), 2, (known, unknown))

    def test_attributes_must_be_declared(self):
        path = "/v1/subscribers/acme/objects/tickets/attributes?attributes="
        good = self.house.http("PUT", path + "%7B%22status%22%3A%22open%22%7D", "sup1", b"1", "C")
        self.assertEqual(good.status, 201)
        bad = self.house.http("PUT", path + "%7B%22secret%22%3A%22x%22%7D", "sup1", b"1", "C")
        self.assertEqual((bad.status, bad.json["code"]), (400, "E_ATTRIBUTE"))
        self.assertIn("secret", bad.json["detail"])

    def test_import_names_bad_lines_and_keeps_good_ones(self):
        lines = '{"id":"i1","n":1}\n{"n":2}\nnot json\n\n{"id":"i 5"}\n{"id":"i6","n":6}\n{"id":"i6","n":7}\n'
        done = self.house.sekisho("object", "import", "acme", "tickets", "--purpose", "C", person="sup1", input=lines)
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.split(": ")[0] for line in done.stderr.splitlines() if line.startswith("-:")], ["-:2", "-:3", "-:5", "-:7"])
        for item in ("i1", "i6"):
            self.run_ok("get", "acme", "tickets/" + item, "--purpose", "C", person="sup1")
        self.assertEqual(json.loads(self.run_ok("get", "acme", "tickets/i6", "--purpose", "C", person="sup1").stdout)["n"], 6)

    def test_list_goes_through_all_pages(self):
        items = json.loads(self.run_ok("object", "ls", "acme", "users", "-o", "json", "--purpose", "C", person="acme-user1").stdout)
        self.assertEqual(len(items), 300)
        self.assertEqual([i["id"] for i in items], sorted(i["id"] for i in items))

    # ---- people

    def test_joining_enrolling_moving_and_leaving(self):
        asked = self.house.sekisho("people", "add", "new1", "--name", "Nina 新", "--role", "support", "-o", "json", person="adm1")
        self.assertEqual(asked.returncode, 4)
        request = json.loads(asked.stdout)["id"]
        self.refused(self.house.sekisho("request", "approve", request, person="adm1"), 3)
        self.run_ok("request", "approve", request, person="adm2")
        shown = json.loads(self.run_ok("people", "show", "new1", "-o", "json", person="adm1").stdout)
        self.assertEqual((shown["id"], shown["name"]), ("new1", "Nina 新"))
        self.assertTrue(shown["actor"].startswith("psn_"))
        code, password = os.path.join(self.house.top, "code"), os.path.join(self.house.top, "new-password")
        open(code, "w").write(shown["code"])
        open(password, "w").write("correct horse battery")
        enrolled = json.loads(self.run_ok("login", "--as", "new1", "--code-file", code, "--new-password-file", password, "-o", "json").stdout)
        self.assertEqual(self.house.sekisho("login", "--as", "new1", "--code-file", code, "--new-password-file", password).returncode, 6)
        self.house.people["new1"] = {"id": "new1", "password": "correct horse battery", "totp_secret": enrolled["totp_secret"]}
        self.assertEqual(self.house.http("GET", "/v1/whoami", "new1").json["id"], "new1")
        moved = self.house.sekisho("people", "role", "new1", "audit", "-o", "json", person="adm1")
        self.run_ok("request", "approve", json.loads(moved.stdout)["id"], person="adm2")
        self.assertEqual(self.house.http("GET", "/v1/whoami", "new1").json["roles"], ["audit"])
        self.run_ok("people", "leave", "new1", person="adm1")
        self.assertEqual(self.house.http("GET", "/v1/whoami", "new1").status, 401)
        self.assertEqual(self.house.login("new1").status, 401)
        again = self.house.sekisho("people", "add", "new1", "--name", "N", "--role", "support", person="adm1")
        self.assertEqual(again.returncode, 1)
        self.assertIn("never reused", again.stderr)

    def test_nobody_approves_for_whom_they_just_enrolled(self):
        asked = self.house.sekisho("people", "add", "new2", "--name", "N", "--role", "support", "-o", "json", person="adm1")
        self.run_ok("request", "approve", json.loads(asked.stdout)["id"], person="adm2")
        shown = json.loads(self.run_ok("people", "show", "new2", "-o", "json", person="adm1").stdout)
        enrolled = self.house.http("POST", "/v1/enrol", body={"id": "new2", "code": shown["code"], "new_password": "correct horse battery"})
        self.house.people["new2"] = {"password": "correct horse battery", "totp_secret": enrolled.json["totp_secret"]}
        asked = self.house.http("POST", "/v1/requests", "new2", {"subscriber": "acme", "resource": "tickets", "for": "5m"})
        self.assertEqual(asked.status, 202)
        refused = self.house.http("POST", f"/v1/requests/{asked.json['id']}/approve", "adm1")
        self.assertEqual((refused.status, refused.json["code"]), (403, "E_DENIED"))
        self.assertIn("24 hours", refused.json["detail"])
        self.assertEqual(self.house.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec1").status, 200)

    # ---- policies

    def test_a_policy_change_needs_a_second_person_and_is_named_by_entries(self):
        text = '@id("test-freeze")\nforbid (principal, action == Action::"history", resource);\n'
        path = os.path.join(self.house.top, "freeze.cedar")
        open(path, "w").write(text)
        before = self.house.entries()[0]["policy_set"]
        asked = self.house.sekisho("policy", "propose", path, "-o", "json", person="sec1")
        self.assertEqual(asked.returncode, 4, asked.stderr)
        request = json.loads(asked.stdout)["id"]
        self.refused(self.house.sekisho("policy", "approve", request, person="sec1"), 3)
        self.run_ok("object", "history", "acme", "tickets/4711", "--purpose", "C", person="sup1")
        self.run_ok("policy", "approve", request, person="sec2")
        self.refused(self.house.sekisho("object", "history", "acme", "tickets/4711", "--purpose", "C", person="sup1"), 3)
        denied = self.house.entries(resource="acme/tickets/4711")[0]
        self.assertEqual((denied["decision"], denied["policies"]), ("deny", ["test-freeze"]))
        self.assertNotEqual(denied["policy_set"], before)
        open(path, "w").write("permit (principal, action, resource)")
        bad = self.house.sekisho("policy", "propose", path, person="sec1")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("line 1", bad.stderr)
        open(path, "w").write('@id("test-freeze")\nforbid (principal, action == Action::"nothing", resource);\n')
        asked = self.house.sekisho("policy", "propose", path, "-o", "json", person="sec1")
        self.run_ok("policy", "approve", json.loads(asked.stdout)["id"], person="sec2")

    # ---- the book

    def test_search_finds_who_what_when_and_why(self):
        self.run_ok("get", "acme", "tickets/4712", "--purpose", "CASE-77", person="sup1")
        credential = self.house.http("GET", "/v1/whoami", "sup1").json["credential"]
        for words in (["--resource", "tickets/4712"], ["--resource", "acme/tickets/4712"], ["--for-purpose", "CASE-77"],
                      ["--actor", "sup1", "--subscriber", "acme"], ["--credential", credential]):
            found = json.loads(self.run_ok("ledger", "search", *words, "-o", "json", person="aud1").stdout)
            self.assertIn(("object.get", "CASE-77"), [(e["operation"], e.get("purpose")) for e in found], words)
        none = json.loads(self.run_ok("ledger", "search", "--for-purpose", "CASE-77", "--to", "2020-01-01", "-o", "json", person="aud1").stdout)
        self.assertEqual(none, [])

    def test_tail_show_and_verify(self):
        tail = json.loads(self.run_ok("ledger", "tail", "-o", "json", person="sec1").stdout)
        self.assertEqual([e["seq"] for e in tail], sorted(e["seq"] for e in tail))
        shown = json.loads(self.run_ok("ledger", "show", tail[0]["seq"], "-o", "json", person="sec1").stdout)
        self.assertEqual(shown, tail[0])
        self.assertIn("nothing was altered", self.run_ok("ledger", "verify", person="aud1").stdout)

    def test_no_name_or_address_is_in_the_entries(self):
        raw = b"".join(open(os.path.join(folder, f), "rb").read() for folder, _, files in os.walk(self.house.dir)
                       for f in files if "sample" not in folder and "keeper" not in folder).replace(b"127.0.0.1:0", b"listens here")
        for name in ("Hayashi Mei", "security@acme.example", "127.0.0.1", "Page stays empty"):
            self.assertNotIn(name.encode(), raw, name)

    # ---- speaking

    def test_languages(self):
        done = self.house.sekisho("get", "globex", "tickets/4005", "--purpose", "C", person="sup1", lang="ja_JP.UTF-8")
        self.assertIn("許可", done.stderr)
        answer = self.house.http("GET", "/v1/whoami", Accept_Language="ja")
        self.assertEqual(answer.json["title"], "資格情報がありません")

    def test_exit_codes_and_usage(self):
        self.assertEqual(self.house.sekisho("get", "acme").returncode, 2)
        self.assertEqual(self.house.sekisho("nonsense").returncode, 2)
        self.assertEqual(self.house.sekisho("grant", "ls", "--nonsense", "x", person="sup1").returncode, 2)
        self.assertEqual(self.house.sekisho("get", "acme", "tickets/none", "--purpose", "C", person="sup1").returncode, 5)
        self.assertEqual(self.house.sekisho("whoami", SEKISHO_URL="https://127.0.0.1:1").returncode, 8)
        for words in (["help"], ["get", "--help"], ["grant", "revoke", "--help"]):
            self.assertEqual(self.house.sekisho(*words).returncode, 0, words)


if __name__ == "__main__":
    unittest.main()
