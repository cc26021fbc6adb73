"""One subscriber's credential against every operation of another's, generated from the operation table (/openapi.json)."""
import json
import re
import unittest

from house import House

SAMPLE = {"collection": "tickets", "id": "4005", "entry": "1", "credential": "crd_none", "application": "x", "passage": "0" * 32}
BY_FORMAT = {"date-time": "2030-01-01T00:00:00Z", "^([0-9]+[smhd])+$": "5m"}
BY_TYPE = {"boolean": True, "integer": 1, "array": [], "object": {}}


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.operations = []
        for path, methods in cls.house.http("GET", "/openapi.json").json["paths"].items():
            for method, row in methods.items():
                cls.operations.append((row["operationId"], method.upper(), path, row))

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def body_of(self, row, subscriber):
        schema = row.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        values = {"subscriber": subscriber, "for": "5m", "resource": "tickets", "attributes": []}
        body = {}
        for name, field in schema.get("properties", {}).items():
            if name in schema.get("required", []) or name == "subscriber":
                body[name] = values.get(name, BY_FORMAT.get(field.get("format") or field.get("pattern"), BY_TYPE.get(field.get("type"), "x")))
        return body

    def call(self, row, method, path, subscriber, who):
        path = re.sub(r"\{(\w+)\}", lambda m: subscriber if m.group(1) == "subscriber" else SAMPLE.get(m.group(1), "x"), path)
        wanted = [p for p in row.get("parameters", []) if p.get("in") == "query" and p.get("required")]
        path += "".join(("&" if n else "?") + f"{p['name']}={BY_FORMAT.get(p['schema'].get('format') or p['schema'].get('pattern'), BY_TYPE.get(p['schema'].get('type'), 'x'))}" for n, p in enumerate(wanted))
        raw = "application/octet-stream" in row.get("requestBody", {}).get("content", {})
        body = (b'{"id":"zz"}' if method != "GET" else None) if raw else self.body_of(row, subscriber) or None
        return self.house.http(method, path, who, body, "C", **({"Content_Type": "application/json"} if raw else {}))

    def test_every_operation_names_itself(self):
        self.assertGreater(len(self.operations), 30)
        self.assertEqual(len({o[0] for o in self.operations}), len(self.operations))

    def test_no_operation_on_another_subscriber_passes(self):
        tried = 0
        for who, other in (("acme-user1", "globex"), ("globex-user1", "acme"), ("acme-auditor1", "initech")):
            for name, method, path, row in self.operations:
                if "{subscriber}" not in path and "subscriber" not in self.body_of(row, other):
                    continue
                answer = self.call(row, method, path, other, who)
                self.assertEqual((answer.status, answer.json["code"]), (403, "E_DENIED"), f"{who}: {name}: {answer.body[:200]}")
                tried += 1
        self.assertGreater(tried, 3 * 10)
        for other in ("globex", "acme", "initech"):
            denied = [e for e in self.house.entries() if e["log"] == other and e["decision"] == "deny"]
            self.assertGreaterEqual(len(denied), tried // 3, other)

    def test_the_same_calls_are_not_refused_for_their_form(self):
        """On its own data the user gets past the arguments: so the refusals above are decisions."""
        for name in ("object.get", "object.list", "object.put", "object.history", "object.import", "collection.list", "object.remove"):
            found = [o for o in self.operations if o[0] == name]
            self.assertEqual(len(found), 1, name)
            _, method, path, row = found[0]
            answer = self.call(row, method, path, "acme", "acme-user1")
            self.assertLess(answer.status, 300, f"{name}: {answer.body[:200]}")

    def test_without_a_credential_nothing_passes_but_logging_in(self):
        for name, method, path, row in self.operations:
            answer = self.call(row, method, path, "acme", None)
            wanted = (401,) if row.get("security") != [] else (400, 401, 429)
            self.assertIn(answer.status, wanted, name)

    def test_a_subscribers_user_runs_nothing_of_the_vendors(self):
        allowed = {"credential.whoami", "credential.certify", "credential.logout", "database.gateway", "passage.explain", "session.list", "session.end",
                   "disclosure.request", "disclosure.fetch"}  # of oneself
        for name, method, path, row in self.operations:
            if row.get("security") == [] or name in allowed or "{subscriber}" in path or "subscriber" in self.body_of(row, "acme"):
                continue
            answer = self.call(row, method, path, "acme", "acme-user1")
            self.assertEqual(answer.status, 403, f"{name}: {answer.body[:200]}")


class AuthZen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.token = json.load(open(cls.house.dir + "/sample/applications.json"))[0]["token"]

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def ask(self, subject="sup1", action="object.get", resource="acme/tickets/4711", purpose="CASE-881", **more):
        body = {"subject": {"type": "person", "id": subject}, "action": {"name": action}, "resource": {"type": "object", "id": resource}}
        if purpose:
            body["context"] = {"purpose": purpose}
        return self.house.http("POST", "/access/v1/evaluation", body={**body, **more}, token=self.token, X_Request_ID="r-1")

    def test_decides_like_the_gate_and_records(self):
        good = self.ask()
        self.assertEqual((good.status, good.json), (200, {"decision": True}))
        self.assertEqual(good.headers["X-Request-ID"], "r-1")
        for more in ({"resource": "globex/tickets/4005"}, {"purpose": None}, {"subject": "sup2"}, {"action": "object.remove", "subject": "prv1"},
                     {"action": "no.such"}, {"subject": "stranger"}):
            answer = self.ask(**more)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json["decision"], False, more)
        sup1 = self.house.http("GET", "/v1/whoami", "sup1").json["actor"]
        entry = [e for e in self.house.entries(actor="sup1", resource="acme/tickets/4711") if e["operation"] == "passage.evaluate"][-1]
        self.assertEqual((entry["on_behalf"], entry["decision"], entry["purpose"], entry["log"]), (sup1, "allow", "CASE-881", "acme"))
        self.assertTrue(entry["actor"].startswith("app_"))
        user = self.house.http("POST", "/access/v1/evaluation", token=self.token, body={"subject": {"type": "user", "id": "end-7"},
                               "action": {"name": "object.get"}, "resource": {"type": "object", "id": "acme/tickets/4711"}})
        self.assertEqual(user.json, {"decision": True})         # by the application's own standing grant
        self.assertEqual(self.house.entries(actor="usr_end-7")[0]["on_behalf"], "usr_end-7")
        stranger = [e for e in self.house.entries(actor="usr_stranger")]
        self.assertEqual([e["decision"] for e in stranger], ["deny"])

    def test_several_at_once_each_with_its_entry(self):
        ask = lambda **more: self.house.http("POST", "/access/v1/evaluations", token=self.token, body={
            "subject": {"type": "person", "id": "sup1"}, "action": {"name": "object.get"}, "context": {"purpose": "MANY"},
            "evaluations": [{"resource": {"type": "object", "id": r}} for r in ("acme/tickets/1", "globex/tickets/2", "acme/tickets/3")], **more})
        answer = ask()
        self.assertEqual([e["decision"] for e in answer.json["evaluations"]], [True, False, True])
        entries = self.house.entries(for_purpose="MANY")
        self.assertEqual([(e["log"], e["decision"], e["resource"]) for e in entries],
                         [("acme", "allow", "acme/tickets/3"), ("globex", "deny", "globex/tickets/2"), ("acme", "allow", "acme/tickets/1")])
        self.assertEqual(len({e["passage"] for e in entries}), 1)
        short = ask(options={"evaluations_semantic": "deny_on_first_deny"})
        self.assertEqual([e["decision"] for e in short.json["evaluations"]], [True, False])
        self.assertEqual(ask(evaluations=[]).json["code"], "E_ARGUMENT")

    def test_bad_questions_are_named(self):
        for body in ({}, {"subject": {"type": "person"}, "action": {"name": "object.get"}, "resource": {"type": "object", "id": "acme"}}):
            answer = self.house.http("POST", "/access/v1/evaluation", body=body, token=self.token)
            self.assertEqual((answer.status, answer.json["code"]), (400, "E_ARGUMENT"))

    def test_people_may_not_ask(self):
        answer = self.house.http("POST", "/access/v1/evaluation", "sup1", {"subject": {"type": "person", "id": "sup1"},
                                 "action": {"name": "object.get"}, "resource": {"type": "object", "id": "acme/tickets/4711"}})
        self.assertEqual(answer.status, 403)


class Certificates(unittest.TestCase):
    def test_curl_with_a_client_certificate_does_all_that_a_token_does(self):
        import os, subprocess
        with House() as house:
            password, totp = house.secrets("sup1")
            done = house.sekisho("login", house.url, "--as", "sup1", "--password-file", password, "--totp-secret-file", totp,
                                 "--certificate", house.top, "-o", "json")
            self.assertEqual(done.returncode, 0, done.stderr)
            cert, key = os.path.join(house.top, "cert.pem"), os.path.join(house.top, "key.pem")
            self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
            text = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-text"], capture_output=True, text=True).stdout
            self.assertIn("URI:spiffe://sekisho/person/sup1", text)
            self.assertIn("CA:FALSE", text)
            curl = ["curl", "-s", "--cacert", os.path.join(house.dir, "ca.pem"), "-H", "Sekisho-Purpose: C"]
            pair = ["--cert", cert, "--key", key]
            url = house.url + "/v1/subscribers/acme/objects/tickets/"
            run = lambda *words: subprocess.run([*curl, *words], capture_output=True, text=True).stdout
            self.assertEqual(json.loads(run(*pair, url + "4711"))["id"], "4711")
            self.assertEqual(json.loads(run(*pair, "-T", "-", "-H", "Content-Type: application/json", url + "by-curl") or "{}").get("code"), "E_ARGUMENT")
            self.assertEqual(json.loads(run(*pair, "-X", "PUT", "-d", "[1]", "-H", "Content-Type: application/json", url + "by-curl")), {"id": "by-curl", "version": 1})
            self.assertEqual(json.loads(run(url + "4711"))["code"], "E_NO_CREDENTIAL")
            self.assertEqual(json.loads(run(*pair, house.url + "/v1/subscribers/globex/objects/tickets/4005"))["code"], "E_DENIED")
            me = json.loads(run(*pair, house.url + "/v1/whoami"))
            self.assertEqual(house.http("POST", f"/v1/credentials/{me['credential']}/revoke", "sec1").status, 204)
            self.assertEqual(json.loads(run(*pair, url + "4711"))["code"], "E_BAD_CREDENTIAL")


if __name__ == "__main__":
    unittest.main()
