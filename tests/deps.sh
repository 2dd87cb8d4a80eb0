#!/usr/bin/env bash
# deps.sh build|run|test|bench   installs the Debian packages that are missing for that, and for what
# comes before it; quick and silent when nothing is. As root, or as a user with sudo.
#
# run needs a MariaDB server, but not its system service: mariadb-server-core has the programs only.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/cluster/common.sh

build=(make gcc libc6-dev pkg-config libuv1-dev libssl-dev libsodium-dev libinih-dev libmicrohttpd-dev
    zlib1g-dev libzstd-dev
    libsqlite3-dev uthash-dev libcmocka-dev
    clang clang-format clang-tidy libclang-rt-14-dev python3)
run=(mariadb-server-core mariadb-client-core)
test=(mmdebstrap debian-archive-keyring buildah openssl prometheus haproxy
    mariadb-client
    python3-pytest python3-pymysql python3-cryptography python3-mysqldb
    golang-go golang-github-go-sql-driver-mysql-dev
    php-cli php-mysql
    libdbd-mysql-perl libdbd-mariadb-perl
    ruby-mysql2
    libmariadb-java
    libmariadb-dev)
bench=(sysbench valgrind)

# What a machine may have from elsewhere is looked for by what it provides, not by package name.
add_unless_there()
{
    pkg-config --exists mysqlclient 2>/dev/null || pkg-config --exists libmariadb 2>/dev/null ||
        build+=(default-libmysqlclient-dev)
    command -v javac >/dev/null || test+=(openjdk-17-jdk-headless)
    # Debian's npm beside another nodejs would replace or break that one.
    command -v node >/dev/null || test+=(nodejs npm)
}

install_missing() # PACKAGE...
{
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing ${missing[*]}"
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null ||
        echo "deps.sh: apt-get update failed; trying with the lists there are" >&2
    # No service is to start because a test needs a library or a program.
    case " ${missing[*]} " in
    *" prometheus "*)
        ! command -v systemctl >/dev/null || as_root systemctl -q mask prometheus.service
        ;;
    esac
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "${missing[@]}" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "apt-get could not install ${missing[*]}"
    }
}

# The three drivers for Node come from npm, into the tests' own folder.
install_node_drivers()
{
    local folder=tests/live/node
    [ -f $folder/package.json ] || return 0
    if ! command -v npm >/dev/null; then
        echo "deps.sh: node is here without npm; the Node drivers are not installed" >&2
        return 0
    fi
    [ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ] ||
        (cd $folder && npm ci --ignore-scripts --no-audit --no-fund --silent </dev/null &&
            touch node_modules/.package-lock.json)
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
command -v dpkg-query >/dev/null || die "this is for Debian; install by hand: ${build[*]} ${run[*]}"
add_unless_there
case ${1:-} in
build) install_missing "${build[@]}" ;;
run) install_missing "${build[@]}" "${run[@]}" ;;
test)
    install_missing "${build[@]}" "${run[@]}" "${test[@]}"
    install_node_drivers
    tests/cluster/get-mysql.sh
    tests/cluster/get-mariadb-plugins.sh
    tests/suites/mysqltest/get.sh >/dev/null
    ;;
bench) install_missing "${build[@]}" "${run[@]}" "${test[@]}" "${bench[@]}" ;;
*)
    sed -n 2p "$0" >&2
    exit 2
    ;;
esac
