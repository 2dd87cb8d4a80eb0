#!/usr/bin/env bash
# debian-image.sh   prints the path of a tar file with a minimal Debian 12, made once in the cache from
# the mirror that apt uses: the base image where no registry can be reached. Needs root (or sudo).
set -euo pipefail
. "$(dirname "$0")/common.sh"

tar=$CACHE/debian-12.tar
mkdir -p "$CACHE"
exec 9>"$CACHE/debian-12.lock"
flock 9
if [ ! -f "$tar" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
        head -n 1)
    [ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update)"
    as_root rm -rf "$tar" "$tar.new.tar"
    as_root mmdebstrap --quiet --variant=minbase --mode=root --format=tar bookworm "$tar.new.tar" \
        "$mirror" >&2 9>&-
    as_root chown "$(id -u)" "$tar.new.tar"
    mv "$tar.new.tar" "$tar"
fi
echo "$tar"
