#!/bin/sh
# database.sh start DIR URL PROGRAM | stop DIR: the demonstration's own PostgreSQL, on loopback, unprivileged, put behind the
# gateway of the demonstration in DIR. Does nothing where PostgreSQL's programs are not installed.
set -eu
what=$1 dir=$2

programs=
for version in 15 16 17 14; do
	[ -x /usr/lib/postgresql/$version/bin/initdb ] && programs=/usr/lib/postgresql/$version/bin && break
done
[ -n "$programs" ] || exit 0
mark=$dir/sample/postgres

unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all env HOME=/ "$@")
	else
		"$@"
	fi
}

if [ "$what" = stop ]; then
	[ -f "$mark" ] || exit 0
	data=$(cat "$mark")
	unprivileged "$programs/pg_ctl" -D "$data/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$data"
	exit 0
fi

url=$3 program=$4
data=$(mktemp -d /tmp/sekisho-pg-XXXXXX)
echo "$data" >"$mark"
[ "$(id -u)" = 0 ] && chown nobody:nogroup "$data"
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
unprivileged "$programs/initdb" -D "$data/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
printf 'port = %s\nlisten_addresses = '"'127.0.0.1'"'\nunix_socket_directories = '"''"'\n' "$port" |
	unprivileged tee -a "$data/data/postgresql.conf" >/dev/null
unprivileged "$programs/pg_ctl" -D "$data/data" -l "$data/log" -w start >/dev/null
psql="$programs/psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $port -U postgres"
$psql -d postgres -c 'create database crm'
$psql -d crm <<'END'
create table customer (id int primary key, subscriber text not null, name text not null, email text);
create table ticket (id int primary key, subscriber text not null, customer int not null references customer(id), subject text, opened date);
create table country (code text primary key, name text);
grant select, insert, update, delete on customer, ticket to public;
grant select on country to public;
insert into customer select n, (array['acme', 'globex', 'initech', 'umbrella'])[1 + n % 4], 'Customer ' || n, 'customer' || n || '@mail.example'
	from generate_series(1, 2000) n;
insert into ticket select n, (array['acme', 'globex', 'initech', 'umbrella'])[1 + n % 4], n, 'Ticket ' || n, date '2026-01-01' + n % 300
	from generate_series(1, 2000) n;
insert into country values ('JP', 'Japan'), ('PT', 'Portugal');
END

cat >"$dir/sample/crm.conf" <<END
[crm]
host=127.0.0.1
port=$port
dbname=crm
user=postgres
sslmode=disable
END
SEKISHO_URL=$url SEKISHO_CA=$dir/ca.pem
SEKISHO_CONFIG=$(mktemp)
export SEKISHO_URL SEKISHO_CA SEKISHO_CONFIG
trap 'rm -f "$SEKISHO_CONFIG"' EXIT
"$dir/sample/login" adm1 >/dev/null
"$program" db add crm --upstream "$dir/sample/crm.conf" >/dev/null
"$program" db onboard crm --tenant-column subscriber --map acme=acme --map globex=globex --map initech=initech --map umbrella=umbrella \
	--shared public.country --apply >/dev/null
"$dir/sample/login" sup1 >/dev/null
request=$("$program" request create acme db/crm --for 7d -o json || true)
"$dir/sample/login" sec1 >/dev/null
"$program" request approve "$(printf %s "$request" | grep -o 'req_[A-Za-z0-9]*' | head -n 1)" >/dev/null
echo ready
