"""Back ends by certificate: the keeper mints one for each role, the server maps ROLE@sekisho to it and takes nothing else."""
import json
import os
import shutil
import subprocess
import unittest

import test_postgres_harness as harness
from house import House
from test_postgres import rows
from test_postgres_harness import pgwire
from test_postgres_rules import Onboarded
from test_postgres_upstream import certificates


class Certificates(Onboarded):
    @classmethod
    def setUpClass(cls):
        if not os.path.exists(harness.BIN + "/initdb"):
            raise unittest.SkipTest(f"needs {harness.BIN}")
        s = cls.database = harness.Server(onboarded=False)
        cls.addClassCleanup(s.end)
        certificates(s.dir, "localhost", "nobody")
        for f in ("server.key", "server.pem"):
            shutil.chown(os.path.join(s.dir, f), "nobody") if os.getuid() == 0 else None
        os.chmod(os.path.join(s.dir, "server.key"), 0o600)
        s.psql(f"alter system set ssl_cert_file = '{s.dir}/server.pem'; ")
        s.psql(f"alter system set ssl_key_file = '{s.dir}/server.key'")
        s.psql("alter system set ssl = on")
        s.psql("select pg_reload_conf()")
        cls.house = House(start=False)
        cls.addClassCleanup(cls.house.__exit__)
        cls.house.words = ["--postgres", "127.0.0.1:0"]
        cls.house.start()
        service = os.path.join(cls.house.top, "service.conf")
        for name, more in (("crm", f"sslmode=verify-full\nhost=localhost\nsslrootcert={s.dir}/ca.pem"), ("plain", "sslmode=disable\nhost=127.0.0.1")):
            with open(service, "w") as f:
                f.write(f"[{name}]\nport={s.port}\ndbname=crm\nuser=postgres\n{more}\n")
            cls.ok("db", "add", name, "--upstream", service)
        cls.ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--map", "b=globex", "--apply")
        cls.grant("sup1")
        cls.token = json.loads(cls.ok("app", "add", "shop", "--database", "crm", "-o", "json"))["token"]
        cls.role = s.psql("select name from sekisho.login where tenant = 'a'").strip()
        said = json.loads(cls.ok("db", "certificate", "crm", "-o", "json"))
        open(f"{s.dir}/gateway-ca.pem", "w").write(said["ssl_ca_file"])
        os.chmod(f"{s.dir}/gateway-ca.pem", 0o644)
        open(f"{s.dir}/data/pg_hba.conf", "w").write(said["pg_hba"].replace("GATEWAY/32", "127.0.0.1/32") + "host all postgres all trust\n")
        open(f"{s.dir}/data/pg_ident.conf", "w").write(said["pg_ident"])
        s.psql(f"alter system set ssl_ca_file = '{s.dir}/gateway-ca.pem'")
        s.psql("select pg_reload_conf()")

    def test_roles_come_in_with_what_the_keeper_mints(self):
        c = self.connect()
        self.assertEqual(rows(c.query("select current_user, count(*) from people")), [[self.role, "1000"]])
        self.assertEqual(self.database.psql(f"select client_dn, issuer_dn from pg_stat_ssl join pg_stat_activity using (pid) where usename = '{self.role}' limit 1").strip(),
                         f"/CN={self.role}@sekisho|/CN=Sekisho back ends of crm")
        app = pgwire.connect("127.0.0.1", int(self.house.ready["postgres"].rsplit(":", 1)[1]), "shop", "crm", self.token, tls=os.path.join(self.house.dir, "ca.pem"),
                             tls_name="localhost", timeout=10)
        self.addCleanup(app.close)
        app.query("begin")
        app.query("select set_config('sekisho.subscriber', 'globex', true)")
        self.assertEqual(rows(app.query("select current_user, min(tenant), count(*) from people")), [["sk_crm_app_shop", "b", "1000"]])
        app.query("commit")

    def psql(self, role, *more):
        where = f"host=127.0.0.1 port={self.database.port} dbname=crm user={role} sslmode=require " + " ".join(more)
        return subprocess.run(["psql", "-X", "-At", "-c", "select 1", where], capture_output=True, text=True)

    def test_and_with_nothing_else(self):
        self.assertNotEqual(self.psql(self.role).returncode, 0)
        folder = os.path.join(self.house.top, "mine")
        os.mkdir(folder)
        password, secret = self.house.secrets("adm2")
        self.ok("login", "--as", "adm2", "--password-file", password, "--totp-secret-file", secret, "--certificate", folder, person=None)
        done = self.psql(self.role, f"sslcert={folder}/cert.pem", f"sslkey={folder}/key.pem")           # a person's is no role's
        self.assertNotEqual(done.returncode, 0)
        done = self.psql(self.role, f"sslcert={self.database.dir}/client.pem", f"sslkey={self.database.dir}/client.key")        # nor of another authority
        self.assertNotEqual(done.returncode, 0)

    def test_what_it_needs(self):
        self.ok("db", "certificate", "plain", exit=1)
        self.ok("db", "certificate", "nothere", exit=5)
        self.ok("db", "certificate", "crm", person="sup1", exit=3)

    def test_off_they_have_none(self):
        self.ok("db", "certificate", "crm", "--off")
        try:
            self.assertRaises(pgwire.ServerError, self.fresh)
        finally:
            self.ok("db", "certificate", "crm")
        self.assertEqual(rows(self.fresh().query("select 1")), [["1"]])

    def fresh(self):
        """A session whose back end nobody has used before."""
        Certificates.count = getattr(Certificates, "count", 0) + 1
        c = pgwire.connect("127.0.0.1", int(self.house.ready["postgres"].rsplit(":", 1)[1]), "sup1", "crm@acme", self.house.token("sup1"), tls=os.path.join(self.house.dir, "ca.pem"),
                           tls_name="localhost", timeout=10, params={"options": "-c sekisho.purpose=C", "application_name": f"fresh {self.count}"})
        self.addCleanup(c.close)
        return c


if __name__ == "__main__":
    unittest.main()
