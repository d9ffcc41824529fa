#!/bin/sh
# Does what the official image's entry point does with the variables that docker-compose.yml sets.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-host=scram-sha-256 --auth-local=trust
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -k /tmp" -w start
    createdb -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB" 2> /dev/null || psql -h /tmp -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c 'SELECT 1'
    pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@" -c listen_addresses='*'
