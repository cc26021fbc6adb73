"""How the gateway reaches the server: verified TLS, a client certificate of the role's, SCRAM-SHA-256; and what it does not take."""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import unittest

import test_postgres_harness as harness
from test_postgres import codes, rows
from test_postgres_harness import pgwire


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


def certificates(folder, name, role):
    """ca.pem, server.pem/.key for `name`, client.pem/.key for role@sekisho."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3", "-subj", "/CN=test ca", cwd=folder)
    for who, subject, san in (("server", f"/CN={name}", f"subjectAltName=DNS:{name}"), ("client", f"/CN={role}@sekisho", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", subject, cwd=folder)
        open(os.path.join(folder, f"{who}.ext"), "w").write(san)
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{who}.pem", "-days", "3", "-extfile", f"{who}.ext", cwd=folder)


class Upstream(harness.Gateway):
    """A gateway with what it is to show and to trust; `name` is the server's name."""

    def __init__(self, server, name, *files, port=None):
        self.name, self.files, self.at = name, files, port or server.port
        super().__init__(server)

    def arguments(self):
        return [self.name, str(self.at), "crm", "sk_crm", harness.SALT, "enforce", *self.files]


class Between(threading.Thread):
    """Someone with a certificate of the server's name and CA, between the gateway and the server: passes all on; without the offer
    of -PLUS, if so told."""

    def __init__(self, folder, server_port, strips):
        super().__init__(daemon=True)
        self.folder, self.server_port, self.strips = folder, server_port, strips
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "between.key", "-out", "between.csr", "-subj", "/CN=db.test", cwd=folder)
        openssl("x509", "-req", "-in", "between.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "between.pem", "-days", "3", "-extfile", "server.ext", cwd=folder)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            front, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(front,), daemon=True).start()

    def serve(self, front):
        try:
            front.recv(8)
            front.sendall(b"S")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(os.path.join(self.folder, "between.pem"), os.path.join(self.folder, "between.key"))
            front = context.wrap_socket(front, server_side=True)
            back = socket.create_connection(("127.0.0.1", self.server_port))
            back.sendall(pgwire.ssl_request())
            back.recv(1)
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            back = trusting.wrap_socket(back)
            threading.Thread(target=self.pump, args=(front, back), daemon=True).start()
            self.pump(back, front, self.strips)
        except OSError:
            pass

    def pump(self, source, sink, strips=False):
        try:
            while data := source.recv(65536):
                if strips and data[:1] == b"R" and b"SCRAM-SHA-256-PLUS\0" in data:
                    body = data[5:].replace(b"SCRAM-SHA-256-PLUS\0", b"")
                    data = b"R" + struct.pack("!i", len(body) + 4) + body
                sink.sendall(data)
        except OSError:
            pass


@harness.needed
class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        s = cls.server = harness.Server()
        cls.addClassCleanup(s.end)
        cls.role = s.psql("select name from sekisho.login where tenant = 'a'").strip()
        certificates(s.dir, "db.test", cls.role)
        for f in ("server.key", "server.pem"):
            shutil.chown(os.path.join(s.dir, f), "nobody") if os.getuid() == 0 else None
        os.chmod(os.path.join(s.dir, "server.key"), 0o600)
        for f in ("ca.pem", "client.pem", "client.key"):
            os.chmod(os.path.join(s.dir, f), 0o644)
        s.psql(f"alter role {cls.role} password 'a secret of the role'")
        with open(f"{s.dir}/data/postgresql.conf", "a") as f:
            f.write(f"ssl = on\nssl_cert_file = '{s.dir}/server.pem'\nssl_key_file = '{s.dir}/server.key'\nssl_ca_file = '{s.dir}/ca.pem'\n")
        open(f"{s.dir}/data/pg_ident.conf", "w").write("sekisho  /^(sk_[0-9a-z_]+)@sekisho$  \\1\n")
        cls.password = os.path.join(s.dir, "password")
        open(cls.password, "w").write("a secret of the role\n")
        s.stop()
        s.start()

    def hba(self, lines):
        open(f"{self.server.dir}/data/pg_hba.conf", "w").write(lines + "host all postgres all trust\n")
        self.server.psql("select pg_reload_conf()")

    def gateway(self, name, *files, port=None):
        g = Upstream(self.server, name, *files, port=port)
        self.addCleanup(g.__exit__)
        g.grant("sup1", "acme")
        return g

    def file(self, name):
        return os.path.join(self.server.dir, name)

    def works(self, g):
        c = g.raw()
        self.assertEqual(rows(c.query("select current_user, count(*) from people")), [[self.role, "1000"]])
        shown = rows(c.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))
        c.close()
        return shown

    def refused(self, g):
        with self.assertRaises(pgwire.ServerError) as raised:
            g.raw()
        return raised.exception.fields

    def test_client_certificate(self):
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 cert map=sekisho\nhost all +sk_crm_sub all reject\n")
        self.works(self.gateway("db.test", self.file("ca.pem"), self.file("client.pem"), self.file("client.key")))

    def test_scram(self):
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 scram-sha-256\n")
        self.works(self.gateway("db.test", self.file("ca.pem"), "", "", self.password))
        open(self.file("wrong"), "w").write("another secret")
        self.assertEqual(self.refused(self.gateway("db.test", self.file("ca.pem"), "", "", self.file("wrong")))["C"], "28P01")

    def test_scram_is_bound_to_the_certificate(self):
        """-PLUS: who stands between with another certificate that would be trusted gets nowhere, nor by leaving the offer out."""
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 scram-sha-256\n")
        for strips in (False, True):
            between = Between(self.server.dir, self.server.port, strips)
            self.assertIn("28", self.refused(self.gateway("db.test", self.file("ca.pem"), "", "", self.password, port=between.port))["C"][:2])
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 trust\n")         # that way it is a way, as far as TLS goes
        self.works(self.gateway("db.test", self.file("ca.pem"), "", "", self.password, port=Between(self.server.dir, self.server.port, False).port))

    def test_what_is_not_taken(self):
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 trust\n")
        self.works(self.gateway("db.test", self.file("ca.pem")))
        self.refused(self.gateway("other.test", self.file("ca.pem")))                   # another name than the certificate's
        certificates(os.path.join(self.server.dir), "db2.test", self.role)              # another CA than the server's
        self.refused(self.gateway("db.test", self.file("ca.pem")))
        self.hba("hostssl crm +sk_crm_sub 127.0.0.1/32 md5\n")


if __name__ == "__main__":
    unittest.main()
