#!/usr/bin/python3
"""make-objects.py OUT.c EMBED: the sample's objects, one NDJSON file for each subscriber and collection, made anew from a
seed: invented names, example domains (RFC 2606), documentation addresses (RFC 5737)."""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile

SUBSCRIBERS = {"acme": 900, "globex": 1200, "initech": 700, "umbrella": 300}
FIRST = ["Aoi", "Ben", "Chiyo", "Dara", "Emi", "Finn", "Gen", "Hana", "Ivo", "Jun", "Kei", "Lena", "Mio", "Nils", "Oto", "Pia"]
LAST = ["Abe", "Brandt", "Chiba", "Dahl", "Endo", "Falk", "Goto", "Holm", "Ito", "Jansen", "Kato", "Lund", "Mori", "Nagai"]
TOPICS = [("Login fails after update", "更新後にログインできません"), ("Invoice shows the wrong amount", "請求金額が正しくありません"),
          ("Export takes very long", "エクスポートに時間がかかります"), ("Please add a user", "ユーザーを追加してください"),
          ("Page stays empty", "ページが表示されません"), ("Mail is not delivered", "メールが届きません")]


def users(r, subscriber, n):
    for i in range(1, n + 1):
        first, last = r.choice(FIRST), r.choice(LAST)
        yield {"id": f"u{i:04d}", "name": f"{first} {last}", "email": f"{first.lower()}.{last.lower()}{i}@{subscriber}.example",
               "last_address": f"192.0.2.{r.randrange(1, 255)}", "language": r.choice(["en", "ja"]),
               "_attributes": {"state": r.choice(["active", "active", "active", "closed"])}}


def tickets(r, subscriber, n):
    for i in range(4000, 4000 + n):
        topic = r.choice(TOPICS)
        yield {"id": str(i), "subject": topic[r.randrange(2)], "requester": f"u{r.randrange(1, n // 3 + 1):04d}",
               "from": f"198.51.100.{r.randrange(1, 255)}",
               "body": " ".join(r.choice(topic) for _ in range(r.randrange(1, 6))),
               "_attributes": {"status": r.choice(["open", "pending", "solved"]), "priority": r.choice(["low", "normal", "high"])}}


def attachments(r, subscriber, n):
    for i in range(1, n + 1):
        data = bytes(r.randrange(256) for _ in range(r.randrange(64, 600)))
        yield {"id": f"a{i:04d}.bin", "ticket": str(4000 + r.randrange(n)), "data": base64.b64encode(data).decode(),
               "_attributes": {"media": "application/octet-stream"}}


def main():
    out, embed = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for subscriber, n in SUBSCRIBERS.items():
            r = random.Random(f"sekisho {subscriber}")
            for collection, make, count in (("users", users, n // 3), ("tickets", tickets, n), ("attachments", attachments, n // 10)):
                path = os.path.join(folder, f"{subscriber}.{collection}.ndjson")
                with open(path, "w", encoding="utf-8") as f:
                    for each in make(r, subscriber, count):
                        f.write(json.dumps(each, ensure_ascii=False) + "\n")
                paths.append(path)
        subprocess.run([embed, "sample_objects", out, *paths], check=True)


main()
