#!/bin/sh
# fresh.sh: the README's two commands in a bare Debian 12, as a stranger would; prints how long until the first `get`.
# Root only. The mirror is the one this machine's apt uses.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "make fresh needs root (debootstrap)" >&2; exit 2; }
command -v debootstrap >/dev/null || scripts/deps.sh test
top=${FRESH:-$(mktemp -d /var/tmp/sekisho-fresh-XXXXXX)}
root=$top/root
mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 2>/dev/null | grep -v security | head -1)
cleanup() {
	for m in proc dev/pts dev sys/fs/cgroup sys; do umount -l "$root/$m" 2>/dev/null || true; done
	[ -n "${FRESH:-}" ] || rm -rf "$top"
}
trap cleanup EXIT
[ -d "$root/usr" ] || debootstrap --variant=minbase bookworm "$root" "$mirror" >"$top/debootstrap.log" 2>&1
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
cp /etc/apt/sources.list "$root/etc/apt/" 2>/dev/null || true
cp -r /etc/apt/sources.list.d/. "$root/etc/apt/sources.list.d/" 2>/dev/null || true
mkdir -p "$root/usr/share/keyrings" "$root/usr/local/share/ca-certificates"
cp -r /usr/share/keyrings/. "$root/usr/share/keyrings/" 2>/dev/null || true
cp -r /etc/ssl/certs "$root/etc/ssl/" 2>/dev/null || true
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
rm -rf "$root/src"
git clone -q . "$root/src"
run() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root $(env | grep -i _proxy= || true) "$@"; }
run apt-get -q update >"$top/apt.log" 2>&1
run apt-get install -q -y --no-install-recommends make >>"$top/apt.log" 2>&1
begun=$(date +%s)
run sh -c 'cd /src && exec make run DIR=/tmp/demo' >"$top/run.log" 2>&1 &
maker=$!
ask='cd /tmp; export SEKISHO_URL=$(sed -n "s/.*\"https\": *\"\([^\"]*\)\".*/\1/p" /tmp/demo/sample/ready) SEKISHO_CA=/tmp/demo/ca.pem
/tmp/demo/sample/login sup1 >/dev/null && /src/build/sekisho get acme tickets/4711 --purpose CASE-881'
answer=
while kill -0 $maker 2>/dev/null; do
	if [ -e "$root/tmp/demo/sample/ready" ] && answer=$(run sh -c "$ask" 2>>"$top/ask.log"); then
		break
	fi
	[ $(($(date +%s) - begun)) -lt 900 ] || break
	sleep 1
done
seconds=$(($(date +%s) - begun))
run sh -c 'kill -INT $(cat /tmp/demo/sample/demo.pid)' 2>/dev/null || true
wait $maker || true
case "$answer" in
*'"id":"4711"'*) echo "fresh: first get after $seconds s (aim 300)"; [ $seconds -lt 300 ] ;;
*) echo "fresh: failed after $seconds s"; tail -20 "$top/run.log" "$top/apt.log"; tail -5 "$top/ask.log"; exit 1 ;;
esac
[ ! -e "$root/tmp/demo" ] || { echo "fresh: Ctrl-C left /tmp/demo behind"; exit 1; }
