#!/usr/bin/env bash
# server.sh: the servers that the suites run on. As mysqltest's own driver starts them (the suite's
# default_mysqld.cnf, root@localhost without a password, names resolved, UTC+3), on loopback.
#
#   server.sh start DIR FLAVOR SUITE PORT [REPLICAS]   a primary on PORT, replicas on PORT+1…
#   server.sh stop DIR                                 ends them and removes the folder
#
# SUITE is the unpacked suite (get.sh). A folder has what cluster/common.sh says, but no settings.
set -euo pipefail
. "$(dirname "$0")/../../cluster/common.sh"
. "$HERE/mariadb.sh"
. "$HERE/mysql.sh"
OWN=$(cd "$(dirname "$0")" && pwd)
export TZ=GMT-3 LC_ALL=C

# The suite's options for the first server, without those that name the driver's own files.
suite_options()
{
    grep -vE '@ENV|^#|debug|feedback|pam-' "$SUITE/include/default_mysqld.cnf" |
        awk '/^\[/ { if (++n > 1) exit } { print }'
}

write_options() # INDEX
{
    local dir=$DIR/$1
    mkdir -p "$dir/tmp"
    suite_options >"$dir/my.cnf"
    cat >>"$dir/my.cnf" <<CNF
datadir = $dir/data
socket = $dir/s.sock
pid_file = $dir/server.pid
tmpdir = $dir/tmp
port = $((PORT + $1))
server_id = $((1 + $1))
bind_address = 127.0.0.1
secure_file_priv =
local_infile = ON
innodb_flush_log_at_trx_commit = 2
innodb_use_native_aio = OFF
sync_binlog = 0
CNF
    "suite_${FLAVOR}_options" "$1" >>"$dir/my.cnf"
}

suite_mysql_options()
{
    mysql_paths | grep -v secure_file_priv
    printf 'log_bin = binlog\nexplain_format = TRADITIONAL_STRICT\n'
    [ "$REPLICAS" = 0 ] || printf 'gtid_mode = ON\nenforce_gtid_consistency = ON\n'
    [ "$1" = 0 ] || echo "super_read_only = ON"
}

suite_mariadb_options()
{
    printf 'ssl_ca = %s\nssl_cert = %s\nssl_key = %s\n' "$DIR/$1/data/ca.pem" \
        "$DIR/$1/data/server-cert.pem" "$DIR/$1/data/server-key.pem"
    # The driver starts it without a binary log.
    [ "$REPLICAS" = 0 ] || printf 'log_bin = binlog\nlog_slave_updates = ON\n'
    [ "$1" = 0 ] || echo "read_only = ON"
}

# What the driver's own bootstrap adds: time zones, schema test for everybody, its own schema.
suite_contents()
{
    echo "USE mysql;"
    case $FLAVOR in
    mysql)
        cat "$SUITE/include/mtr_test_data_timezone.sql"
        cat <<'SQL'
UPDATE mysql.tables_priv SET timestamp = CURRENT_TIMESTAMP, Grantor = 'root@localhost'
    WHERE User = 'mysql.session';
CREATE DATABASE test;
CREATE DATABASE mtr;
INSERT INTO mysql.db VALUES ('%','test','','Y','Y','Y','Y','Y','Y','N','Y','Y','Y','Y','Y','Y',
    'Y','Y','N','N','Y','Y');
DELETE FROM mysql.proxies_priv WHERE user = 'root';
INSERT INTO mysql.proxies_priv VALUES ('localhost', 'root', '', '', TRUE, '', now());
SQL
        ;;
    mariadb)
        cat /usr/share/mysql/mysql_test_data_timezone.sql
        cat <<'SQL'
DELETE FROM mysql.global_priv WHERE User = '' OR Host NOT IN ('localhost', '%');
FLUSH PRIVILEGES;
CREATE DATABASE IF NOT EXISTS test;
CREATE DATABASE mtr;
SQL
        ;;
    esac
    # The driver feeds the server itself, whose parser takes this line for what it means.
    sed "s/^delimiter ||;/delimiter ||/" "$SUITE/include/mtr_warnings.sql"
}

make_template() # DIR
{
    DIR=$1 PORT=0 REPLICAS=0
    suite_contents >"$1/contents.sql"
    mkdir "$1/0"
    "make_${FLAVOR}_template" "$1" || return 1
    mv "$1/0/data" "$1/data"
    rm -rf "$1/0" "$1"/data/{auto.cnf,binlog.*}
}

make_mysql_template()
{
    write_options 0
    # shellcheck disable=SC2046
    "${MYSQL_RUN[@]}" "$MYSQL_ROOT/usr/sbin/mysqld" --defaults-file="$1/0/my.cnf" \
        $(user_option) --initialize-insecure --init-file="$1/contents.sql" || return 1
    make_certificates "$1/0/data"
}

make_mariadb_template()
{
    # shellcheck disable=SC2046
    mariadb-install-db --no-defaults $(user_option) --auth-root-authentication-method=normal \
        --datadir="$1/0/data" --skip-log-bin || return 1
    make_certificates "$1/0/data"
    write_options 0
    echo "skip_networking" >>"$1/0/my.cnf"
    mariadb_launch "$1/0"
    await_server "$1/0"
    mariadb_sql "$1/0" <"$1/contents.sql"
    end_servers TERM "$1/0"
}

start()
{
    local i template
    mkdir -p "$DIR"
    DIR=$(cd "$DIR" && pwd)
    "${FLAVOR}_prepare"
    template=$(template "suite-$FLAVOR" make_template "$OWN/server.sh")
    for i in $(seq 0 "$REPLICAS"); do
        mkdir "$DIR/$i"
        cp -a --sparse=always "$template/data" "$DIR/$i/data"
        write_options "$i"
        "${FLAVOR}_launch" "$DIR/$i"
    done
    for i in $(seq 0 "$REPLICAS"); do
        await_server "$DIR/$i"
    done
    [ "$REPLICAS" = 0 ] || follow
}

# Root replicates: another account would show in what tests look at.
follow()
{
    local i
    for i in $(seq 1 "$REPLICAS"); do
        case $FLAVOR in
        mysql)
            mysql_sql "$DIR/$i" -e "
                CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $PORT,
                    SOURCE_USER = 'root', SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 1,
                    SOURCE_AUTO_POSITION = 1;
                START REPLICA"
            ;;
        mariadb)
            mariadb_sql "$DIR/$i" -e "
                CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $PORT,
                    MASTER_USER = 'root', MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1,
                    MASTER_USE_GTID = slave_pos;
                START SLAVE"
            ;;
        esac
        await 30 "${FLAVOR}_is_following" "$DIR/$i" || die "server $i does not replicate"
    done
}

case ${1:-} in
start)
    [ $# -ge 5 ] || die "start DIR FLAVOR SUITE PORT [REPLICAS]"
    DIR=$2 FLAVOR=$3 SUITE=$4 PORT=$5 REPLICAS=${6:-0}
    start
    ;;
stop)
    DIR=$2
    [ -d "$DIR" ] || exit 0
    end_servers KILL $(find "$DIR" -mindepth 1 -maxdepth 1 -type d)
    rm -rf "$DIR"
    ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
