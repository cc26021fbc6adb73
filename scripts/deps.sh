#!/bin/sh
# The only list of Debian packages: `deps.sh run` to build and run, `deps.sh test` for everything else.
# Non-interactive, without recommends, waiting for apt's lock; started services are left as they were.
set -eu

run='build-essential meson ninja-build pkg-config python3
libssl-dev libsodium-dev libevent-dev libtalloc-dev libsqlite3-dev libjansson-dev
libseccomp-dev libcurl4-openssl-dev liboath-dev libzstd-dev libpg-query-dev libfyaml-dev libvectorscan-dev libpcre2-dev'

test='clang libclang-rt-14-dev clang-format universal-ctags libcmocka-dev
curl openssl ca-certificates sslscan postgresql libpq-dev python3-cbor2 python3-cryptography nodejs
debootstrap wrk nginx-light zstd golang-go golang-golang-x-mod-dev
python3-psycopg2 python3-psycopg libpostgresql-jdbc-java golang-github-lib-pq-dev golang-github-jackc-pgx-v4-dev
libpqxx-dev default-jdk-headless pgbouncer postgresql-15-pgaudit'

fresh_only='nodejs'     # a machine may have Node.js of its own

case "${1:-}" in
run) wanted=$run ;;
test) wanted="$run $test" ;;
*) echo "usage: deps.sh run|test" >&2; exit 2 ;;
esac

missing=
for package in $wanted; do
	case " $fresh_only " in *" $package "*) command -v node >/dev/null 2>&1 && continue ;; esac
	case "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" in
	installed) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
echo "installing:$missing"

# A package that brings a service must not start it, nor stop one that runs.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT INT TERM
fi
apt="$sudo env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o DPkg::Lock::Timeout=600"
$apt update
# shellcheck disable=SC2086
$apt install --no-install-recommends $missing
