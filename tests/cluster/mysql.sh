# mysql.sh: sourced by cluster.sh. MySQL from an unpacked root of Debian unstable (get-mysql.sh),
# run on this machine as it is, with the root's own dynamic loader and libraries: no chroot.

# The server and its client, and what a build against its client library takes.
MYSQL_PACKAGES=mysql-server-core,mysql-client-core,libmysqlclient-dev
MYSQL_PACKAGES+=,gcc,libc6-dev,make,pkgconf,libuv1-dev,libinih-dev,libssl-dev,uthash-dev
MYSQL_PACKAGES+=,libmicrohttpd-dev,libsqlite3-dev,libsodium-dev

# Another list is another root: servers may be running from the one there is.
MYSQL_ROOT=$CACHE/mysql-root-$(echo "$MYSQL_PACKAGES" | sha1sum | cut -c1-10)

# Sets MYSQL_RUN, the words that come before a program of the unpacked root: its dynamic loader and
# where its libraries are.
mysql_find_loader()
{
    local loader
    loader=$(find "$MYSQL_ROOT"/lib64/ "$MYSQL_ROOT"/lib/ -maxdepth 1 -name 'ld-linux-*.so.*' \
        2>/dev/null | head -n 1)
    [ -n "$loader" ] || die "no dynamic loader in $MYSQL_ROOT"
    MYSQL_RUN=("$loader" --library-path
        "$(dirname "$(find "$MYSQL_ROOT/usr/lib" -maxdepth 2 -name libc.so.6 | head -n 1)")")
}

# The compiled-in paths point outside the unpacked root.
mysql_paths()
{
    cat <<CNF
basedir = $MYSQL_ROOT/usr
lc_messages_dir = $MYSQL_ROOT/usr/share/mysql
character_sets_dir = $MYSQL_ROOT/usr/share/mysql/charsets
plugin_dir = $MYSQL_ROOT/usr/lib/mysql/plugin
secure_file_priv =
mysqlx = OFF
CNF
}

# Less instrumentation: half the memory. The replication tables stay.
mysql_small_options()
{
    cat <<'CNF'
performance_schema_digests_size = 200
performance_schema_error_size = 0
performance_schema_max_memory_classes = 0
performance_schema_events_statements_history_size = 2
performance_schema_events_statements_history_long_size = 100
performance_schema_events_waits_history_long_size = 100
performance_schema_events_stages_history_long_size = 100
performance_schema_events_transactions_history_long_size = 100
innodb_redo_log_capacity = 16M
innodb_log_buffer_size = 1M
CNF
}

mysql_accounts()
{
    cat <<'SQL'
CREATE USER 'root'@'127.0.0.1' IDENTIFIED WITH caching_sha2_password BY '';
GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER 'app'@'%' IDENTIFIED WITH caching_sha2_password BY 'app';
GRANT ALL ON *.* TO 'app'@'%' WITH GRANT OPTION;
CREATE USER 'app2'@'%' IDENTIFIED WITH caching_sha2_password BY 'app2';
GRANT ALL ON *.* TO 'app2'@'%' WITH GRANT OPTION;
CREATE USER 'mon'@'%' IDENTIFIED WITH caching_sha2_password BY 'mon';
GRANT REPLICATION CLIENT, SELECT, SHOW VIEW, PROCESS ON *.* TO 'mon'@'%';
CREATE USER 'repl'@'%' IDENTIFIED WITH caching_sha2_password BY 'repl';
GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';
CREATE DATABASE test;
SHUTDOWN;
SQL
}

# A copy must not keep the server UUID (auto.cnf): replication between equal UUIDs is refused.
mysql_make_template()
{
    local dir=$1
    {
        echo "[mysqld]"
        mysql_paths
        small_server_options
        mysql_small_options
        echo "datadir = $dir/data"
        echo "socket = $dir/s.sock"
        echo "pid_file = $dir/server.pid"
    } >"$dir/my.cnf"
    mysql_accounts >"$dir/accounts.sql"
    # shellcheck disable=SC2046
    "${MYSQL_RUN[@]}" "$MYSQL_ROOT/usr/sbin/mysqld" --defaults-file="$dir/my.cnf" $(user_option) \
        --initialize-insecure || return 1
    # shellcheck disable=SC2046
    "${MYSQL_RUN[@]}" "$MYSQL_ROOT/usr/sbin/mysqld" --defaults-file="$dir/my.cnf" $(user_option) \
        --skip-networking --skip-log-bin --init-file="$dir/accounts.sql" || return 1
    rm -f "$dir"/data/auto.cnf "$dir"/data/*.err
    # Its own have no names that a client could check.
    make_certificates "$dir/data"
}

mysql_prepare()
{
    "$HERE/get-mysql.sh" >&2 || die "could not unpack MySQL"
    mysql_find_loader
}

mysql_template()
{
    template mysql mysql_make_template "$HERE/mysql.sh"
}

mysql_options()
{
    mysql_paths
    mysql_small_options
    cat <<'CNF'
relay_log = relay
replica_net_timeout = 10
CNF
    [ "$OFFSET" = 1 ] || printf 'gtid_mode = ON\nenforce_gtid_consistency = ON\n'
}

mysql_launch()
{
    # shellcheck disable=SC2046
    setsid "${MYSQL_RUN[@]}" "$MYSQL_ROOT/usr/sbin/mysqld" --defaults-file="$1/my.cnf" \
        $(user_option) >>"$1/log" 2>&1 </dev/null 9>&- &
    echo $! >"$1/pid"
}

mysql_sql()
{
    local dir=$1
    shift
    "${MYSQL_RUN[@]}" "$MYSQL_ROOT/usr/bin/mysql" --no-defaults --user=root \
        --socket="$dir/s.sock" "$@"
}

mysql_position()
{
    mysql_sql "$1" -NBe "SHOW BINARY LOG STATUS" | cut -f1,2
}

mysql_follow()
{
    local dir=$1 port=$2 from="SOURCE_AUTO_POSITION = 1"
    [ $# -lt 4 ] || from="SOURCE_LOG_FILE = '$3', SOURCE_LOG_POS = $4"
    mysql_sql "$dir" -e "
        CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = $port,
            SOURCE_USER = 'repl', SOURCE_PASSWORD = 'repl', SOURCE_SSL = 1,
            SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 1, $from;
        START REPLICA"
}

mysql_is_following()
{
    [ "$(mysql_sql "$1" -E -e 'SHOW REPLICA STATUS' | grep -c '_Running: Yes')" = 2 ]
}

# super_read_only stops root too, so it comes last; PERSIST keeps it over restarts.
mysql_seal_replica()
{
    mysql_sql "$1" -e "SET PERSIST super_read_only = ON"
}
