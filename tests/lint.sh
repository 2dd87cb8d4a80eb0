#!/usr/bin/env bash
# lint.sh leaves|words   what formatter and analyser do not see.
set -u
cd "$(dirname "$0")/.." || exit 1
found=0

# complain WHAT < lines: prints them and remembers that there were any.
complain()
{
    local lines
    lines=$(cat)
    if [ -n "$lines" ]; then
        printf '%s:\n%s\n' "$1" "$lines" >&2
        found=1
    fi
}

includes() # FOLDER PATTERN
{
    [ ! -d "$1" ] || grep -rnE --include='*.[ch]' "#include \"$2" "$1" || true
}

leaves()
{
    # protocol/bytes.h, the slice, is everybody's.
    includes protocol '(router|health|proxy)/' | complain "protocol/ includes another part"
    includes router '(protocol/|health/|proxy/)' | grep -v '"protocol/bytes.h"' |
        complain "router/ includes another part"
    includes health '(protocol/|router/|proxy/)' | grep -v '"protocol/bytes.h"' |
        complain "health/ includes another part"
    { includes protocol 'uv.h'; grep -rn --include='*.[ch]' '#include <uv.h>' \
        protocol router health 2>/dev/null; } | complain "libuv belongs to proxy/"
}

words()
{
    local folders
    folders=$(ls -d protocol router health proxy tests 2>/dev/null)
    # shellcheck disable=SC2086
    grep -rnE --include='*.[ch]' '\b(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strtok|atoi|alloca)[[:space:]]*\(' \
        $folders | complain "functions that are not used here"
    # shellcheck disable=SC2086
    grep -rnE --include='*.[ch]' '\b(TODO|FIXME|XXX)\b' $folders |
        complain "notes on the future belong into an issue"
    # shellcheck disable=SC2086
    grep -rnE --include='*.[ch]' '^typedef[[:space:]]+(struct|enum|union)' $folders |
        complain "structs are not typedefed"
    # shellcheck disable=SC2086
    find $folders -name '*.h' -exec grep -LE '^#(ifndef|pragma once)' {} + |
        complain "headers without a guard"
}

case ${1:-} in
leaves | words) "$1" ;;
*)
    sed -n 2p "$0" >&2
    exit 2
    ;;
esac
exit $found
