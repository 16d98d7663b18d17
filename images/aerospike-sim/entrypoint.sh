#!/bin/sh
# Options are the server's; anything else is run as it is.
case ${1:-} in
    '' | -*) set -- aerospike-sim "$@" ;;
esac
exec "$@"
