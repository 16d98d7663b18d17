#!/bin/sh
# Starts Redis without root's rights. Arguments that start with "-" or name a configuration file are for redis-server;
# anything else is run as it is.
set -e

case ${1:-} in
    '' | -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    # A fresh volume belongs to root.
    [ "$(stat -c %U .)" = redis ] || chown -R redis:redis .
    # $0 runs once more, now as redis.
    exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi

# Other users on the same volume have no business with the data.
umask 0077
exec "$@"
