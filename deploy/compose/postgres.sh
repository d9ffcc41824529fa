#!/bin/sh
# Starts PostgreSQL with the database packtchat of the user packtchat, whose password is that of /run/packtchat/password,
# also when that has changed. Within the container, the user needs none.
set -eu

sql() { # directory; what to do is read from the standard input, where nobody sees a password
    # A server that was killed has left its process id, which is this shell's once more: that one is not running.
    # An error ends the start, as it does not by default, and is printed without the statement.
    PG_GRANDPARENT_PID=$$ postgres --single -c exit_on_error=true -c log_min_error_statement=panic -D "$1" postgres > /dev/null
}

if [ ! -d "$PGDATA" ]; then
    # Aside, so that a first start that is interrupted begins anew.
    new=$PGDATA.new
    rm -rf "$new"
    initdb --pgdata="$new" --username=packtchat --pwfile=/run/packtchat/password --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256
    echo 'host all all all scram-sha-256' >> "$new/pg_hba.conf"
    echo 'CREATE DATABASE packtchat' | sql "$new"
    mv "$new" "$PGDATA"
fi
echo "ALTER ROLE packtchat PASSWORD '$(cat /run/packtchat/password)'" | sql "$PGDATA"
exec postgres -c listen_addresses='*'
