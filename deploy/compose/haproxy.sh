#!/bin/sh
# usage: packtchat-haproxy [healthy]
#
# Starts HAProxy with the configuration that PACKTCHAT__PROXY__… asks for; `healthy` tells whether it serves.
set -eu

case ${1:-} in
    '')
        packtchat haproxy-config > /run/haproxy/haproxy.cfg
        exec haproxy -W -db -f /run/haproxy/haproxy.cfg
        ;;
    healthy) exec packtchat probe http://127.0.0.1:8080/ ;;
    *)
        echo "packtchat-haproxy: unknown argument '$1'" >&2
        exit 2
        ;;
esac
