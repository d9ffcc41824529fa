#!/bin/sh
# Makes secrets and configuration before anything else starts; again at every `docker compose up`.
#
#   /run/secrets/NAME    an operator's own secret, if there is one
#   /secrets/NAME        otherwise: one that was generated at the first start
#   /for/CONTAINER/…     what that container sees, and no other; nothing is in an environment or in arguments
#   /volumes/VOLUME      made writable for who writes there
set -eu
umask 077
templates=$(dirname "$0")

secret() { # name
    if [ -f "/run/secrets/$1" ]; then
        value=$(cat "/run/secrets/$1")
    else
        if [ ! -s "/secrets/$1" ]; then
            head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "/secrets/.$1"
            mv "/secrets/.$1" "/secrets/$1"
            echo "Generated the secret $1."
        fi
        value=$(cat "/secrets/$1")
    fi
    case $value in
        '' | *[!A-Za-z0-9._~-]*)
            echo "The secret $1 has to be of letters, digits and . _ ~ - alone, as it is part of addresses." >&2
            exit 1
            ;;
    esac
}

give() { # container, file, owner; the content is read from the standard input
    cat > "/for/$1/.$2"
    chmod 400 "/for/$1/.$2"
    chown "$3" "/for/$1/.$2" "/for/$1"
    chmod 500 "/for/$1"
    mv "/for/$1/.$2" "/for/$1/$2"
}

filled_in() { # word, value, template; sed reads the value, as everybody on the machine can see its arguments
    printf 's/%s/%s/\n' "$1" "$2" | sed -f /dev/stdin "$3"
}

ours=65532:65532
servers=999:999

secret session-secret; session=$value
secret redis-password; redis=$value
secret rabbitmq-password; rabbitmq=$value
secret postgres-password; postgres=$value
secret stats-password; stats=$value
secret grafana-password; grafana=$value
secret demo-oidc-secret; demo=$value

hash=$(printf %s "$redis" | sha256sum | cut -d ' ' -f 1)
filled_in REDIS_PASSWORD_SHA256 "$hash" "$templates/redis.conf" | give redis redis.conf "$servers"

give rabbitmq rabbitmq.conf "$servers" < "$templates/rabbitmq.conf"
filled_in RABBITMQ_PASSWORD "$rabbitmq" "$templates/definitions.json" | give rabbitmq definitions.json "$servers"
echo '[rabbitmq_prometheus].' | give rabbitmq enabled_plugins "$servers"

echo "$postgres" | give postgres password "$servers"

for container in web cleanup-worker accounts; do
    echo "redis://:$redis@redis:6379" | give "$container" redis-url "$ours"
done
for container in web auth log-worker cleanup-worker; do
    echo "amqp://packtchat:$rabbitmq@rabbitmq:5672/packtchat" | give "$container" amqp-url "$ours"
done
for container in auth accounts; do
    echo "postgres://packtchat:$postgres@postgres:5432/packtchat" | give "$container" database-url "$ours"
done
echo "$session" | give web session-secret "$ours"
echo "$demo" | give auth demo-oidc-secret "$ours"
echo "$demo" | give demo-oidc client-secret "$ours"
echo "$stats" | give haproxy stats-password "$ours"
echo "$stats" | give prometheus stats-password 65534:65534
echo "$grafana" | give grafana admin-password 472:0

for volume in redis rabbitmq postgres; do
    chown "$servers" "/volumes/$volume"
done
chown "$ours" /volumes/records
chown 65534:65534 /volumes/prometheus
chown 472:0 /volumes/grafana
