#!/bin/sh
# usage: packtchat-haproxy [healthy|reload]
#
# Starts HAProxy with the configuration that PACKTCHAT__PROXY__… asks for; `healthy` tells whether it serves, `reload` has it
# read its certificates anew, if it can.
set -eu

case ${1:-} in
    '')
        packtchat haproxy-config > /run/haproxy/haproxy.cfg
        exec haproxy -W -db -f /run/haproxy/haproxy.cfg
        ;;
    reload)
        # Says what is wrong with a certificate, while the old one goes on to serve.
        haproxy -c -q -f /run/haproxy/haproxy.cfg
        # The master process is the container's first.
        kill -USR2 1
        ;;
    healthy) exec packtchat probe http://127.0.0.1:8080/ ;;
    *)
        echo "packtchat-haproxy: unknown argument '$1'" >&2
        exit 2
        ;;
esac
