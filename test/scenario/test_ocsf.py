"""Every entry as an OCSF event, checked against the compiled schema (1.9.0-dev) of shared/data."""
import json
import lzma
import os
import re
import unittest

from house import House, SHARED

SCHEMA = os.path.join(SHARED, "data/ocsf-compiled.json.xz")
TYPES = {"string_t": str, "integer_t": int, "long_t": int, "timestamp_t": int, "boolean_t": bool, "json_t": object, "float_t": (int, float),
         "ip_t": str, "hostname_t": str, "username_t": str, "email_t": str, "url_t": str, "uuid_t": str, "datetime_t": str, "path_t": str}


class Validator:
    def __init__(self, schema):
        self.schema = schema
        self.classes = {c["uid"]: c for c in schema["classes"].values()}

    def attributes(self, name, value, described, where, faults):
        attributes = described["attributes"]
        for key, rule in attributes.items():
            if rule.get("requirement") == "required" and not set(rule.get("profiles") or ()) - set(value.get("metadata", {}).get("profiles", [])) and key not in value:
                faults.append(f"{where}: {key} is missing")
        for key in value:
            if key not in attributes:
                faults.append(f"{where}: {key} is not an attribute of {name}")
            else:
                self.value(value[key], attributes[key], f"{where}.{key}", faults)
        for one in (described.get("constraints") or {}).get("at_least_one", []) and [described["constraints"]["at_least_one"]]:
            if not any(k in value for k in one):
                faults.append(f"{where}: none of {one}")

    def value(self, value, rule, where, faults):
        if rule.get("is_array"):
            if not isinstance(value, list):
                faults.append(f"{where}: not an array")
                return
            for i, v in enumerate(value):
                self.value(v, dict(rule, is_array=False), f"{where}[{i}]", faults)
            return
        kind = rule["type"]
        if kind == "object_t":
            if not isinstance(value, dict):
                faults.append(f"{where}: not an object")
            elif rule["object_type"] != "object":
                self.attributes(rule["object_type"], value, self.schema["objects"][rule["object_type"]], where, faults)
            return
        expected = TYPES.get(kind, str)
        if expected is not object and (not isinstance(value, expected) or (expected is int and isinstance(value, bool))):
            faults.append(f"{where}: {value!r} is not {kind}")
        if "enum" in rule and str(value) not in rule["enum"]:
            faults.append(f"{where}: {value!r} is not one of its values")
        if kind == "ip_t" and not re.fullmatch(r"[0-9a-fA-F.:]+", value):
            faults.append(f"{where}: {value!r} is no address")

    def check(self, event):
        faults = []
        described = self.classes.get(event.get("class_uid"))
        if not described:
            return ["no such class"]
        self.attributes(described["name"], event, described, described["name"], faults)
        if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"] or event["category_uid"] != event["class_uid"] // 1000:
            faults.append("type_uid or category_uid do not fit")
        return faults


@unittest.skipUnless(os.path.exists(SCHEMA), f"needs {SCHEMA}")
class Ocsf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.validator = Validator(json.load(lzma.open(SCHEMA)))

    def test_every_kind_of_entry_is_valid_and_of_the_right_class(self):
        with House() as h:
            acme = "/v1/subscribers/acme/objects/tickets"
            h.http("GET", f"{acme}/4711", "sup1", purpose="C")
            h.http("GET", f"{acme}/4711", "sup1")
            h.http("GET", "/v1/subscribers/globex/objects/tickets/1", "sup1", purpose="C")
            h.http("PUT", f"{acme}/n", "sup1", body="x", purpose="C", Content_Type="text/plain")
            h.http("DELETE", f"{acme}/n", "sup1", purpose="C")
            h.http("GET", acme, "sup1", purpose="C")
            for path, body in (("/v1/people", {"id": "newbie", "name": "N", "role": "support"}), ("/v1/people/sup2/role", {"role": "audit"})):
                asked = h.http("POST", path, "adm1", body=body).json["id"]
                h.http("POST", f"/v1/requests/{asked}/approve", "adm2", body={})
            h.http("POST", "/v1/people/sup3/suspend", "sec1", body={})
            h.http("POST", "/v1/subscribers", "adm1", body={"id": "fresh", "name": "Fresh", "contact": "a@fresh.example"})
            h.http("POST", "/v1/subscribers/fresh/keys/rotate", "sec1")
            h.http("POST", "/v1/login", body={"id": "sup2", "password": "wrong", "totp": "123456"})
            h.http("GET", "/v1/measures", "sup1")
            h.http("POST", "/v1/logout", "eng1")
            out, cursor = os.path.join(h.top, "events.ndjson"), os.path.join(h.top, "cursor")
            done = h.sekisho("ledger", "export", "--format", "ocsf", "--cursor", cursor, out, person="aud1")
            self.assertEqual(done.returncode, 0, done.stderr)
            events = [json.loads(line) for line in open(out, encoding="utf-8")]
            faults = {f for e in events for f in self.validator.check(e)}
            self.assertEqual(faults, set())
            classes = {(e["class_uid"], e["activity_id"]) for e in events}
            self.assertLessEqual({(3002, 1), (3002, 2), (3007, 1), (3007, 16), (3007, 5), (3004, 1), (3004, 3), (6005, 1), (6005, 5),
                                  (6005, 7), (6005, 8), (6003, 2)}, classes)
            uids = [int(e["metadata"]["uid"]) for e in events]
            self.assertEqual(uids, sorted(set(uids)))
            self.assertTrue(any(e["status_id"] == 2 and e["class_uid"] == 6005 for e in events))
            # the next run goes on where this one ended; without the cursor's last step some come again, none is left out
            before = len(events)
            h.http("GET", f"{acme}/4711", "sup1", purpose="AGAIN")
            h.sekisho("ledger", "export", "--format", "ocsf", "--cursor", cursor, out, person="aud1")
            more = [json.loads(line) for line in open(out, encoding="utf-8")][before:]
            self.assertIn("AGAIN", [e["unmapped"].get("purpose") for e in more])
            self.assertGreater(int(more[0]["metadata"]["uid"]), uids[-1])

    def test_the_validator_finds_faults(self):
        good = {"class_uid": 6003, "category_uid": 6, "activity_id": 2, "type_uid": 600302, "time": 1, "severity_id": 1,
                "metadata": {"version": "1.9.0-dev", "product": {"name": "x"}}, "actor": {"user": {"uid": "u"}},
                "api": {"operation": "o"}, "src_endpoint": {"ip": "192.0.2.1"}}
        self.assertEqual(self.validator.check(good), [])
        for key, bad in (("severity_id", 77), ("time", "x"), ("api", {}), ("src_endpoint", {"port": 1}), ("bogus", 1), ("type_uid", 1)):
            self.assertNotEqual(self.validator.check(dict(good, **{key: bad})), [], key)
        self.assertNotEqual(self.validator.check({k: v for k, v in good.items() if k != "actor"}), [])


if __name__ == "__main__":
    unittest.main()
