"""Onboarding: what a plan shows, what undo leaves, what an audit finds."""
import subprocess
import unittest

import test_postgres_harness as harness


@harness.needed
class Onboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server(onboarded=False)
        cls.addClassCleanup(cls.server.end)

    def dump(self):
        where = ["-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres"]
        text = subprocess.run(["pg_dump", "-s", *where, "crm"], capture_output=True, text=True, check=True).stdout
        text += subprocess.run(["pg_dumpall", "-g", "--no-role-passwords", *where], capture_output=True, text=True, check=True).stdout
        return [line for line in text.splitlines() if not line.startswith("\\")]

    def test_plan_apply_audit_undo(self):
        before = self.dump()
        planned = self.server.onboard("plan")
        self.assertEqual(self.dump(), before)
        self.assertEqual(self.server.onboard("apply"), planned)
        self.assertRaises(AssertionError, self.server.onboard, "apply")
        self.assertEqual(self.server.onboard("audit"), [["not onboarded", "table public.internal is neither tenant, child nor shared: closed to the lanes"]])
        self.server.psql("create table later (id int, tenant text); grant select on notes to public; alter table tickets no force row level security; "
                         "grant select on internal to sk_crm_sub; create materialized view m as select 1; grant select on m to sk_crm_sub; "
                         "create role member in role sk_crm_sub createdb; grant execute on function pg_notify(text, text) to public; "
                         "create function leak() returns void language sql security definer as 'select'")
        found = "\n".join(text for _, text in self.server.onboard("audit"))
        for word in ("public.later", "public.notes is open to PUBLIC", "public.tickets has the tenant column and no forced", "table public.internal is open to sk_crm_sub",
                     "view public.m is open", "member has attributes", "pg_notify(text,text)", "leak()"):
            self.assertIn(word, found)
        self.server.psql("drop table later; revoke select on notes from public; alter table tickets force row level security; revoke select on internal from sk_crm_sub; "
                         "drop materialized view m; drop role member; revoke execute on function pg_notify(text, text) from public; drop function leak()")
        self.server.onboard("undo")
        self.assertEqual(self.dump(), before)
        self.assertRaises(AssertionError, self.server.onboard, "undo")


if __name__ == "__main__":
    unittest.main()
