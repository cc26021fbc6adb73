"""What other people's tools say: an OpenAPI validator, a client made from the document (npm), sslscan."""
import json
import os
import re
import shutil
import subprocess
import unittest

from house import House, ROOT

NPM = os.path.join(ROOT, "test/npm")


def npm_ready():
    if not os.path.isdir(os.path.join(NPM, "node_modules")):
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=NPM, capture_output=True, timeout=300)
    return os.path.isdir(os.path.join(NPM, "node_modules/openapi-client-axios"))


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def curl(self, *words):
        path = "/v1/subscribers/acme/objects/tickets/4711"
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", os.path.join(self.house.dir, "ca.pem"), *words,
                               self.house.url + path], capture_output=True, text=True)
        return done.stdout

    def test_curl_passes_with_a_token_or_a_client_certificate_and_not_without(self):
        h = self.house
        password, secret = h.secrets("sup1")
        folder = os.path.join(h.top, "certificate")         # made where it is not there
        done = h.sekisho("login", "--as", "sup1", "--password-file", password, "--totp-secret-file", secret, "--certificate", folder, "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(os.path.join(folder, "key.pem")).st_mode & 0o777, 0o600)
        shown = ("--cert", os.path.join(folder, "cert.pem"), "--key", os.path.join(folder, "key.pem"))
        h.tokens["sup1"] = json.loads(done.stdout)["token"]         # a TOTP step opens one session only
        token = ("-H", "Authorization: Bearer " + h.tokens["sup1"])
        purpose = ("-H", "Sekisho-Purpose: CASE-881")
        self.assertEqual((self.curl(*token, *purpose), self.curl(*shown, *purpose)), ("200", "200"))
        self.assertEqual((self.curl(*purpose), self.curl(*shown)), ("401", "403"))          # nobody; without a purpose

    def test_the_document_is_valid_and_a_client_made_from_it_works(self):
        if not shutil.which("npm") or not npm_ready():
            self.skipTest("needs npm and its registry (test/npm)")
        document = os.path.join(self.house.top, "openapi.json")
        with open(document, "wb") as f:
            f.write(self.house.http("GET", "/openapi.json").body)
        done = subprocess.run(["node", "clients.js", document, os.path.join(self.house.dir, "ca.pem"), self.house.url, self.house.token("sup1")],
                              cwd=NPM, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(json.loads(done.stdout)["operations"], 30)

    def test_sslscan_finds_nothing_weak(self):
        if not shutil.which("sslscan"):
            self.skipTest("needs sslscan")
        out = subprocess.run(["sslscan", "--no-colour", f"{self.house.host}:{self.house.port}"], capture_output=True, text=True, timeout=120).stdout
        for protocol in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2"):
            self.assertRegex(out, rf"{protocol}\s+disabled")
        self.assertRegex(out, r"TLSv1.3\s+enabled")
        for line in re.findall(r"^(?:Preferred|Accepted) .*$", out, re.M):
            self.assertRegex(line, r"TLSv1\.3\s+(128|256) bits\s+TLS_(AES_128_GCM|AES_256_GCM|CHACHA20_POLY1305)_SHA")
        self.assertIn("not vulnerable to heartbleed", out.replace("TLSv1.3 ", ""))
        self.assertIn("Session renegotiation not supported", out)


if __name__ == "__main__":
    unittest.main()
