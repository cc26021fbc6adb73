"""Each operation once, by somebody who may: it passes, and leaves an entry that bears its name (DESIGN §2, P5)."""
import base64
import json
import os
import time
import unittest

from house import House

FUTURE, PAST = "2030-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
PDF = b"%PDF-1.4\n%%EOF\n"
RISK = {"title": "t", "likelihood": 1, "impact": 1, "treatment": "accept", "owner": "sec1", "measures": "E5", "review": "9d"}
PROVIDER = {"kind": "receiver", "name": "n", "does": "d", "where": "w", "data": "x", "tier": "low"}
COURSE = {"id": "walk", "title": "t", "valid": "9d", "pass": 1, "questions": [{"id": "q", "text": "?", "choices": ["a", "b"], "answer": 1}]}
OSV = json.dumps({"id": "DSA-9", "affected": [{"package": {"ecosystem": "Debian:12", "name": "x"}, "ranges": [{"events": [{"introduced": "0"}]}]}]})
STATUS = "Package: x\nStatus: install ok installed\nVersion: 1\n\n"
D = "ab" * 32

# Operation, who, method, path, body; {name} is what an earlier row kept under that name (the last member: a member of its answer).
WALK = [
    ("credential.whoami", "sup1", "GET", "/v1/whoami", None),
    ("object.put", "sup1", "PUT", "/v1/subscribers/acme/objects/tickets/walk", b"x"),
    ("object.get", "sup1", "GET", "/v1/subscribers/acme/objects/tickets/walk", None),
    ("object.list", "sup1", "GET", "/v1/subscribers/acme/objects/tickets", None),
    ("object.history", "sup1", "GET", "/v1/subscribers/acme/objects/tickets/walk/history", None),
    ("object.remove", "sup1", "DELETE", "/v1/subscribers/acme/objects/tickets/walk", None),
    ("object.import", "sup1", "POST", "/v1/subscribers/acme/objects/tickets/import", b'{"id":"w1"}\n'),
    ("collection.list", "acme-user1", "GET", "/v1/subscribers/acme/objects", None),
    ("collection.declare", "adm1", "PUT", "/v1/subscribers/acme/collections/tickets", {"attributes": ["status", "priority"]}),
    ("request.create", "sup2", "POST", "/v1/requests", {"subscriber": "acme", "resource": "tickets", "for": "10m"}, ("asked", "id")),
    ("request.list", "sec1", "GET", "/v1/requests", None),
    ("request.show", "sec1", "GET", "/v1/requests/{asked}", None),
    ("request.approve", "sec1", "POST", "/v1/requests/{asked}/approve", {}),
    ("grant.list", "sec1", "GET", "/v1/grants?person=sup2", None, ("grant", "items.0.id")),
    ("grant.show", "sec1", "GET", "/v1/grants/{grant}", None),
    ("grant.revoke", "sec1", "POST", "/v1/grants/{grant}/revoke", {}),
    ("request.create", "sup2", "POST", "/v1/requests", {"subscriber": "acme", "resource": "users", "for": "10m"}, ("second", "id")),
    ("request.deny", "sec1", "POST", "/v1/requests/{second}/deny", {"why": "no"}),
    ("request.create", "sup2", "POST", "/v1/requests", {"subscriber": "acme", "resource": "users", "for": "10m"}, ("third", "id")),
    ("request.withdraw", "sup2", "POST", "/v1/requests/{third}/withdraw", {}),
    ("credential.list", "sec1", "GET", "/v1/credentials?person=sup3", None),
    ("people.list", "aud1", "GET", "/v1/people", None),
    ("people.show", "aud1", "GET", "/v1/people/sup1", None),
    ("people.add", "adm1", "POST", "/v1/people", {"id": "walker", "name": "W", "role": "support"}, ("added", "id")),
    ("request.approve", "adm2", "POST", "/v1/requests/{added}/approve", {}),
    ("people.role", "adm1", "POST", "/v1/people/sup3/role", {"role": "engineering"}),
    ("people.suspend", "sec1", "POST", "/v1/people/sup4/suspend", {"why": "w"}),
    ("people.resume", "adm1", "POST", "/v1/people/sup4/resume", {}),
    ("people.reset", "adm1", "POST", "/v1/people/eng3/reset", {}),
    ("people.leave", "adm1", "POST", "/v1/people/eng3/leave", {}),
    ("application.add", "adm1", "POST", "/v1/applications", {"id": "walk-app"}),
    ("subscriber.list", "aud1", "GET", "/v1/subscribers", None),
    ("subscriber.add", "adm1", "POST", "/v1/subscribers", {"id": "walk-co", "name": "W"}),
    ("subscriber.show", "aud1", "GET", "/v1/subscribers/walk-co", None),
    ("subscriber.shred", "adm1", "POST", "/v1/subscribers/walk-co/shred", {}),
    ("key.rotate", "sec1", "POST", "/v1/subscribers/acme/keys/rotate", {}),
    ("key.rewrap", "sec1", "POST", "/v1/subscribers/acme/keys/rewrap", {}),
    ("key.rotate_root", "sec1", "POST", "/v1/keys/rotate", {}),
    ("policy.show", "sec1", "GET", "/v1/policies", None),
    ("policy.observed", "sec1", "GET", "/v1/policies/observed", None),
    ("policy.propose", "sec1", "POST", "/v1/policies", {"text": '@id("walk")\npermit (principal, action == Action::"nothing", resource);\n'}),
    ("alert.list", "sec1", "GET", "/v1/alerts", None),
    ("provider.deployment.report", "sec1", "POST", "/v1/deployments", {"digest": D, "where": "w"}),
    ("alert.list", "sec1", "GET", "/v1/alerts", None, ("alert", "items.0.id")),
    ("alert.acknowledge", "sec1", "POST", "/v1/alerts/{alert}/acknowledge", {}),
    ("alert.close", "sec1", "POST", "/v1/alerts/{alert}/close", {}),
    ("ledger.search", "aud1", "GET", "/v1/ledger?limit=3", None, ("entry", "items.0.seq")),
    ("ledger.search_subscriber", "aud1", "GET", "/v1/subscribers/acme/ledger?limit=3", None),
    ("ledger.show", "aud1", "GET", "/v1/ledger/{entry}", None),
    ("ledger.verify", "aud1", "POST", "/v1/ledger/verify", {}),
    ("ledger.export", "aud1", "GET", "/v1/ledger/export?limit=3", None),
    ("bundle.create", "acme-user1", "POST", "/v1/subscribers/acme/bundle", {}),
    ("bundle.entries", "acme-user1", "GET", "/v1/subscribers/acme/bundle/acme?start=0&end=2", None),
    ("witness.list", "sec1", "GET", "/v1/witnesses", None),
    ("witness.quorum", "sec1", "POST", "/v1/witnesses/quorum", {"quorum": 0}),
    ("timestamp.set", "sec1", "POST", "/v1/timestamp", {"url": "https://tsa.example/"}),
    ("coverage.list", "sup1", "GET", "/v1/coverage", None),
    ("measure.list", "sup1", "GET", "/v1/measures", None),
    ("measure.show", "sup1", "GET", "/v1/measures/E5", None),
    ("measure.history", "sup1", "GET", "/v1/checks/E5.3.revoked/history", None),
    ("measure.report", "sup1", "GET", f"/v1/measures/report?from={PAST}&to={FUTURE}", None),
    ("measure.results", "sup1", "GET", f"/v1/measures/results?from={PAST}&to={FUTURE}", None),
    ("measure.off", "sec1", "POST", "/v1/checks/E1.2.guessing/off", {"why": "w"}),
    ("catalogue.show", "sup1", "GET", "/v1/catalogue", None),
    ("due.list", "sup1", "GET", "/v1/due", None),
    ("programme.policy.put", "sec1", "PUT", "/v1/programme/policies/walk", {"text": "t", "title": "t", "owner": "sec1", "review": "9d"}),
    ("programme.policy.list", "sup1", "GET", "/v1/programme/policies", None),
    ("programme.policy.show", "sup1", "GET", "/v1/programme/policies/cryptography", None),
    ("programme.policy.acknowledge", "sup1", "POST", "/v1/programme/policies/cryptography/acknowledge", {}),
    ("programme.risk.put", "sec1", "PUT", "/v1/programme/risks/walk", RISK),
    ("programme.risk.list", "sup1", "GET", "/v1/programme/risks", None),
    ("programme.team.put", "sec1", "PUT", "/v1/programme/team/eng1", {}),
    ("programme.team.list", "sup1", "GET", "/v1/programme/team", None),
    ("programme.team.remove", "sec1", "DELETE", "/v1/programme/team/eng1", None),
    ("programme.review.put", "sec1", "PUT", "/v1/programme/reviews/walk", {"reviewed": "r", "outcome": "o"}),
    ("programme.review.list", "sup1", "GET", "/v1/programme/reviews", None),
    ("programme.number.put", "sec1", "PUT", "/v1/programme/numbers/walk", {"value": 1}),
    ("programme.course.add", "sec1", "POST", "/v1/programme/courses", COURSE),
    ("programme.course.list", "sup1", "GET", "/v1/programme/courses", None),
    ("programme.course.show", "sup1", "GET", "/v1/programme/courses/walk", None),
    ("programme.course.assign", "sec1", "POST", "/v1/programme/courses/walk/assign", {"role": "audit", "due": FUTURE}),
    ("programme.course.take", "sup1", "POST", "/v1/programme/courses/walk/take", {"answers": {"q": 1}}),
    ("provider.put", "sec1", "PUT", "/v1/providers/walk", PROVIDER),
    ("provider.list", "sup1", "GET", "/v1/providers", None),
    ("provider.show", "sup1", "GET", "/v1/providers/walk", None),
    ("provider.review", "sec1", "POST", "/v1/providers/walk/reviews", {"answers": {f"P{i}": "a" for i in range(1, 8)}, "decision": "pass", "until": FUTURE}),
    ("provider.finding.put", "sec1", "PUT", "/v1/providers/walk/findings/f", {"title": "t", "owner": "sec1", "due": FUTURE}),
    ("provider.finding.close", "sec1", "POST", "/v1/providers/walk/findings/f/close", {"why": "w"}),
    ("provider.deployment.record", "sec1", "PUT", f"/v1/changes/{D}", {"author": "eng1", "what": "w"}),
    ("provider.deployment.list", "sup1", "GET", "/v1/deployments", None),
    ("site.put", "sec1", "PUT", "/v1/sites/walk", {"name": "n", "where": "w"}),
    ("site.list", "sup1", "GET", "/v1/sites", None),
    ("site.attest", "sec1", "POST", "/v1/sites/walk/attestations", {"duty": "fire", "evidence": "e", "from": PAST, "until": FUTURE}),
    ("site.show", "sup1", "GET", "/v1/sites/walk", None),
    ("badge.approve", "sec1", "PUT", "/v1/sites/walk/badges/1", {"person": "eng1", "until": FUTURE}),
    ("badge.import", "sec1", "POST", "/v1/badges/import", f'{{"time":"{PAST}","site":"walk","badge":"9"}}\n'.encode()),
    ("badge.list", "sup1", "GET", "/v1/badges", None, ("badge", "items.0.id")),
    ("badge.settle", "sec1", "POST", "/v1/badges/settle", {"id": "{badge}", "why": "w"}),
    ("network.group.put", "sec1", "PUT", "/v1/network/groups/walk", {"title": "t", "needs": 1}),
    ("network.group.list", "sup1", "GET", "/v1/network/groups", None),
    ("network.link.put", "sec1", "PUT", "/v1/network/groups/walk/links/a", {"capacity": 1}),
    ("network.link.list", "sup1", "GET", "/v1/network/links", None),
    ("network.push", "sec1", "POST", "/v1/network/measurements", b'{"component":"walk/a","up":true,"load":1}\n'),
    ("scan.record", "sec1", "POST", "/v1/scans", {"tool": "t", "targets": "t", "result": "r"}),
    ("scan.list", "sup1", "GET", "/v1/scans", None),
    ("inventory.import", "sec1", "PUT", "/v1/inventories/walk", STATUS.encode()),
    ("advisory.import", "sec1", "POST", "/v1/advisories", OSV.encode()),
    ("finding.list", "sup1", "GET", "/v1/findings", None),
    ("finding.assign", "sec1", "POST", "/v1/findings/assign", {"id": "DSA-9/walk/x", "owner": "eng1"}),
    ("finding.except", "sec1", "POST", "/v1/findings/except", {"id": "DSA-9/walk/x", "until": FUTURE, "why": "w"}),
    ("inventory.import", "sec1", "PUT", "/v1/inventories/walk", STATUS.replace("Version: 1", "Version: 2").encode()),
    ("finding.close", "sec1", "POST", "/v1/findings/close", {"id": "DSA-9/walk/x"}),
    ("organisation.put", "sec1", "PUT", "/v1/organisations/walk", {"name": "n"}),
    ("organisation.list", "sec1", "GET", "/v1/organisations", None),
    ("confidentiality.put", "sec1", "PUT", "/v1/confidentiality/globex", {"text": "t", "signed": PAST}),
    ("disclosure.add", "sec1", "POST", f"/v1/disclosures/soc3?from={PAST}&to={FUTURE}", PDF),
    ("disclosure.request", "acme-user1", "POST", "/v1/disclosures", {"class": "soc3"}, ("disclosure", "id")),
    ("disclosure.list", "sec1", "GET", "/v1/disclosures", None),
    ("disclosure.approve", "sec1", "POST", "/v1/disclosures/{disclosure}/approve", {}),
    ("disclosure.fetch", "acme-user1", "GET", "/v1/disclosures/{disclosure}", None),
    ("backup.create", "adm1", "POST", "/v1/backups", {"recipient": base64.b64encode(bytes(range(32))).decode()}, ("backup", "id")),
    ("backup.list", "aud1", "GET", "/v1/backups", None),
    ("backup.fetch", "adm1", "GET", "/v1/backups/{backup}/bytes", None),
    ("database.list", "adm1", "GET", "/v1/databases", None),
    ("database.gateway", "sup1", "GET", "/v1/gateway", None),
    ("session.list", "sec1", "GET", "/v1/sessions", None),
    ("credential.logout", "sup1", "POST", "/v1/logout", {}),
]


def member(j, path):
    for part in path.split("."):
        j = j[int(part)] if part.isdigit() else j[part]
    return j


class Walk(unittest.TestCase):
    def filled(self, value, kept):
        if isinstance(value, str):
            for name, text in kept.items():
                value = value.replace("{" + name + "}", text)
        elif isinstance(value, dict):
            value = {k: self.filled(v, kept) if isinstance(v, str) else v for k, v in value.items()}
        return value

    def test_each_passes_and_leaves_its_entry(self):
        with House() as h:
            kept, done = {}, set()
            for operation, who, method, path, body, *keep in WALK:
                raw = {"Content_Type": "application/octet-stream"} if isinstance(body, bytes) else {}
                answer = h.http(method, self.filled(path, kept), who, self.filled(body, kept), purpose="WALK-1", **raw)
                self.assertLess(answer.status, 300, f"{operation}: {answer.body[:300]}")
                for name, where in keep:
                    kept[name] = str(member(answer.json, where))
                done.add(operation)
            entries = h.http("GET", "/v1/ledger?limit=1000", "aud1").json["items"]
            recorded = {e["operation"] for e in entries if e.get("decision") == "allow"}
            self.assertEqual(done - recorded, set())
            for e in entries:
                self.assertTrue(e["actor"], e)

    def test_the_walk_misses_only_what_other_tests_walk(self):
        """New operations join the walk, or this list, with where they are tried."""
        elsewhere = {"credential.issue": "every test", "credential.enrol": "test_spine", "credential.certify": "test_spine", "credential.revoke": "test_spine",
                     "passage.evaluate": "test_matrix", "passage.evaluate_many": "test_matrix", "passage.explain": "test_review", "witness.add": "test_witness",
                     "witness.remove": "test_witness", "measure.on": "test_programme", "disclosure.deny": "test_places", "session.end": "test_postgres_sessions"}
        with House() as h:
            there = {row["operationId"] for ms in h.http("GET", "/openapi.json").json["paths"].values() for row in ms.values()}
        missing = there - {w[0] for w in WALK} - set(elsewhere)
        self.assertEqual({m for m in missing if not m.startswith("database.")}, set())     # those are tried in test_gateway and test_postgres_*


if __name__ == "__main__":
    unittest.main()
