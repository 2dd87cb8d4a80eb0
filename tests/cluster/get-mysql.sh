#!/usr/bin/env bash
# get-mysql.sh: unpacks Debian unstable's MySQL server, client and client library, and a compiler to
# build against that library, into the cache. Once: about a minute and a gigabyte.
#
# Debian stable has no MySQL; the mirror that apt uses serves unstable as well. Needs root (or sudo)
# for the unpacking only.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$HERE/mysql.sh"

[ ! -d "$MYSQL_ROOT" ] || exit 0
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing (make deps)"

mkdir -p "$CACHE"
exec 9>"$CACHE/mysql-root.lock"
flock 9
[ ! -d "$MYSQL_ROOT" ] || exit 0

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
    head -n 1)
[ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update)"
echo "unpacking MySQL from $mirror into $MYSQL_ROOT"
as_root rm -rf "$MYSQL_ROOT.new"
# The mirror's copy of unstable can be older than its own expiry date.
as_root mmdebstrap --quiet --variant=apt --mode=root \
    --aptopt='Acquire::Check-Valid-Until "false"' --include="$MYSQL_PACKAGES" unstable \
    "$MYSQL_ROOT.new" "$mirror" 9>&- || die "mmdebstrap failed"
as_root mv "$MYSQL_ROOT.new" "$MYSQL_ROOT"
