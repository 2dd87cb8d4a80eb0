#!/usr/bin/env bash
# get.sh [mariadb|mysql]...   unpacks the servers' own test suites (mysqltest, its tests and
# what they read) into the cache, once, and prints where each is. Half a minute, half a gigabyte.
#
# MariaDB's are two packages of the machine's own Debian; MySQL's is in unstable, as the server is
# (cluster/get-mysql.sh), asked for with lists of its own, so that the machine's stay as they are.
set -euo pipefail
. "$(dirname "$0")/../../cluster/common.sh"
. "$HERE/mariadb.sh"
. "$HERE/mysql.sh"
# mmdebstrap's own way to say the same; the mirror's copy can be older than its expiry date.
APT=(-q -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root)

download() # PACKAGE...   into the current folder; APT says from where
{
    apt-get "${APT[@]}" download "$@" >said 2>&1 || die "cannot download $*: $(tail -n 5 said)"
}

unpack_mariadb() # INTO
{
    local package
    download "mariadb-test=$MARIADB_VERSION" "mariadb-test-data=$MARIADB_VERSION" libpcre2-posix3
    for package in *.deb; do
        dpkg-deb -x "$package" unpacked
    done
    mv unpacked/usr/share/mysql/mysql-test "$1"
    mkdir "$1/bin" "$1/lib-of-bin"
    mv unpacked/usr/bin/mariadb-test "$1/bin/mysqltest"
    find unpacked/usr/lib -name 'libpcre2-posix.so*' -exec mv {} "$1/lib-of-bin/" \;
}

# The version that the server has where unstable still has it; else what it has now.
unpack_mysql() # INTO
{
    local mirror version
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
        head -n 1)
    [ -n "$mirror" ] || die "apt knows no Debian mirror (apt-get update)"
    echo "deb $mirror unstable main" >sources.list
    mkdir -p lists/partial cache/archives/partial
    APT+=(-o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache"
        -o Dir::State::status=/dev/null)
    apt-get "${APT[@]}" update >said 2>&1 || die "no lists of unstable: $(tail -n 5 said)"
    version=$(dpkg-query --admindir="$MYSQL_ROOT/var/lib/dpkg" -W -f '${Version}' mysql-server-core)
    (download "mysql-testsuite=$version") 2>/dev/null || download mysql-testsuite
    # Of 750 MB the other suites are the most, of which only what is included is needed.
    dpkg-deb --fsys-tarfile mysql-testsuite_*.deb | tar -x --wildcards \
        './usr/lib/mysql-test/t/*' './usr/lib/mysql-test/r/*' './usr/lib/mysql-test/include/*' \
        './usr/lib/mysql-test/std_data/*' './usr/lib/mysql-test/common/*' \
        './usr/lib/mysql-test/suite/*.inc' './usr/lib/mysql-test/bin/mysqltest'
    mv usr/lib/mysql-test "$1"
}

unpacked() # FLAVOR VERSION
{
    local flavor=$1 into=$CACHE/mysqltest-$1-$2 work
    if [ ! -d "$into" ]; then
        mkdir -p "$CACHE"
        exec 9>"$CACHE/mysqltest-$flavor.lock"
        flock 9
        if [ ! -d "$into" ]; then
            echo "unpacking the test suite of $flavor into $into" >&2
            work=$(mktemp -d "$CACHE/.mysqltest-XXXXXX")
            (cd "$work" && "unpack_$flavor" "$work/whole")
            mv "$work/whole" "$into"
            rm -rf "$work"
        fi
        exec 9>&-
    fi
    echo "$into"
}

[ $# -gt 0 ] || set -- mariadb mysql
for flavor in "$@"; do
    case $flavor in
    mariadb) unpacked mariadb "${MARIADB_VERSION#*:}" ;;
    mysql)
        "$HERE/get-mysql.sh"
        unpacked mysql "$(basename "$MYSQL_ROOT")"
        ;;
    *) die "mariadb or mysql, not '$flavor'" ;;
    esac
done
