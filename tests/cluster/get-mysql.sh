#!/usr/bin/env bash
# get-mysql.sh: unpacks Debian unstable's MySQL server, client and client library, and a compiler to
# build against that library, into the cache. Once: about a minute and a gigabyte.
#
# Debian stable has no MySQL; the mirror that apt uses serves unstable as well. Needs root (or sudo)
# for the unpacking only.
set -euo pipefail
. "$(dirname "$0")/common.sh"

packages=mysql-server-core,mysql-client-core,libmysqlclient-dev
packages+=,gcc,libc6-dev,make,pkgconf,libuv1-dev,libinih-dev,libssl-dev

root=$CACHE/mysql-root
stamp=$root/.tidemark-$(echo "$packages" | sha1sum | cut -c1-10)
[ ! -e "$stamp" ] || exit 0
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing (make deps)"

mkdir -p "$CACHE"
exec 9>"$CACHE/mysql-root.lock"
flock 9
[ ! -e "$stamp" ] || exit 0

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
    head -n 1)
[ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update)"
echo "unpacking MySQL from $mirror into $root"
as_root rm -rf "$root" "$root.new"
# The mirror's copy of unstable can be older than its own expiry date.
as_root mmdebstrap --quiet --variant=apt --mode=root \
    --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" unstable "$root.new" \
    "$mirror" 9>&- || die "mmdebstrap failed"
as_root touch "$root.new/$(basename "$stamp")"
as_root mv "$root.new" "$root"
