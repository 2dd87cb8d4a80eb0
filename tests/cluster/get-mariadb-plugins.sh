#!/usr/bin/env bash
# get-mariadb-plugins.sh: unpacks the plugins of Debian's MariaDB server into the cache, once. They are
# in mariadb-server, which would bring a system service along; its package is only downloaded.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$HERE/mariadb.sh"

[ ! -d "$MARIADB_PLUGINS" ] || exit 0
mkdir -p "$CACHE"
exec 9>"$CACHE/mariadb-plugins.lock"
flock 9
[ ! -d "$MARIADB_PLUGINS" ] || exit 0

work=$(mktemp -d "$CACHE/.plugins-XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q download "mariadb-server=$MARIADB_VERSION" >/dev/null 2>"$work/said") ||
    die "mariadb-server $MARIADB_VERSION cannot be downloaded: $(cat "$work/said")"
dpkg-deb -x "$work"/*.deb "$work/root"
mv "$work/root/usr/lib/mysql/plugin" "$MARIADB_PLUGINS"
