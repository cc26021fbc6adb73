#!/bin/sh
# package.sh: build/sekisho_VERSION_ARCH.deb: the program, both libraries with their headers, a service that is not started.
# What it depends on is read from the program by dpkg-shlibdeps.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n "s/.*version: *'\([^']*\)'.*/\1/p" meson.build | head -1)
architecture=$(dpkg --print-architecture)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
root=$top/root
install -D -m 755 build/sekisho "$root/usr/bin/sekisho"
strip --strip-unneeded "$root/usr/bin/sekisho"
for library in cedar proof; do
	install -D -m 644 build/libsekisho-$library.a "$root/usr/lib/libsekisho-$library.a"
done
mkdir -p "$root/usr/include/cedar" "$root/usr/include/proof"
for header in cedar schema convert explain json text; do install -m 644 "src/cedar/$header.h" "$root/usr/include/cedar/"; done
install -m 644 src/proof/proof.h "$root/usr/include/proof/"
install -D -m 644 packaging/sekisho.service "$root/usr/lib/systemd/system/sekisho.service"
mkdir -p "$root/usr/share/doc/sekisho"
cp -r doc README.md CHANGELOG.md SECURITY.md "$root/usr/share/doc/sekisho/"
cp LICENSE "$root/usr/share/doc/sekisho/copyright"
mkdir -p "$root/DEBIAN" "$top/debian"
printf 'Source: sekisho\n\nPackage: sekisho\nArchitecture: any\n' >"$top/debian/control"
depends=$(cd "$top" && dpkg-shlibdeps -O "$root/usr/bin/sekisho" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "package: dpkg-shlibdeps found nothing that the program depends on" >&2; exit 1; }
cat >"$root/DEBIAN/control" <<CONTROL
Package: sekisho
Version: $version
Architecture: $architecture
Maintainer: The Sekisho project <security@sekisho.example>
Depends: $depends
Suggests: postgresql-client
Section: admin
Priority: optional
Description: checkpoint and book for a SaaS vendor's service data
 Nobody reaches service data but through it: each passage is identified, decided,
 recorded, and only then let through.
CONTROL
install -m 755 packaging/postinst "$root/DEBIAN/postinst"
dpkg-deb --root-owner-group --build "$root" "build/sekisho_${version}_$architecture.deb" >/dev/null
echo "build/sekisho_${version}_$architecture.deb"
