#!/bin/sh
# usage: packtchat-haproxy                       starts HAProxy with the configuration that PACKTCHAT__PROXY__… asks for
#        packtchat-haproxy healthy               does it serve?
#        packtchat-haproxy reload                has it read its certificates anew, if it can
#        packtchat-haproxy show                  the servers and how HAProxy sees them
#        packtchat-haproxy drain SERVER ...      no new clients for these servers; those they have stay
#        packtchat-haproxy ready [SERVER ...]    new clients again; for all servers, where none is named
#
# SERVER is a container's name, an address, or a name that `show` prints. A drained one is drained until it is ready again,
# or HAProxy is reloaded.
set -eu

case ${1:-} in
    '')
        packtchat haproxy-config > /run/haproxy/haproxy.cfg
        exec haproxy -W -db -f /run/haproxy/haproxy.cfg
        ;;
    reload)
        # Says what is wrong with a certificate, while the old one goes on to serve.
        haproxy -c -f /run/haproxy/haproxy.cfg
        # The master process is the container's first.
        kill -USR2 1
        ;;
    healthy) exec packtchat probe http://127.0.0.1:8080/ ;;
    show | drain | ready) exec packtchat haproxy "$@" ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" ;;
    *)
        echo "packtchat-haproxy: unknown argument '$1'" >&2
        exit 2
        ;;
esac
