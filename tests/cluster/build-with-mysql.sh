#!/usr/bin/env bash
# build-with-mysql.sh OUTPUT   builds the program against MySQL's own client library: in the unpacked
# Debian unstable (get-mysql.sh), whose C library that one needs. A copy of the source goes in, the
# program comes out to OUTPUT/tidemark. Nothing is mounted. Needs root (or sudo) for the chroot.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$HERE/mysql.sh"
# What an outer make hands down is not for the one in there.
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD SAN CC

[ $# = 1 ] || die "usage: build-with-mysql.sh OUTPUT"
output=$1
top=$(cd "$HERE/../.." && pwd)
"$HERE/get-mysql.sh"

work=$(as_root mktemp -d "$MYSQL_ROOT/tmp/tidemark-XXXXXX")
log=$(mktemp)
trap 'as_root rm -rf "$work"; rm -f "$log"' EXIT
parts=()
for part in Makefile protocol router health proxy; do
    [ ! -e "$top/$part" ] || parts+=("$part")
done
tar -C "$top" -cf - "${parts[@]}" | as_root tar -C "$work" -xf -
# A newer compiler may warn of what the project's own does not know: that is no error here.
as_root chroot "$MYSQL_ROOT" /usr/bin/make -C "/tmp/$(basename "$work")" -j"$(nproc)" \
    MYSQL_PKG=mysqlclient CFLAGS='-O2 -g -Wno-error' all >"$log" 2>&1 </dev/null || {
    tail -n 30 "$log" >&2
    die "the build against MySQL's client library failed"
}
mkdir -p "$output"
as_root cat "$work/build/tidemark" >"$output/tidemark"
chmod 755 "$output/tidemark"
"$MYSQL_ROOT"/lib64/ld-linux-*.so.* --library-path "$MYSQL_ROOT/usr/lib/x86_64-linux-gnu" \
    "$output/tidemark" --version
