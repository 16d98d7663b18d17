#!/bin/sh
# Starts Redis with what differs from member to member: its place, by which workers tell this
# cluster's members from strangers' and spread copies over nodes, and the passwords, which no
# list of processes shows.
set -eu
umask 077
password=$(cat "$MESHWORKER_PASSWORD_FILE")
# A node's name may have dots, which part the three.
node=$(printf %s "$MESHWORKER_NODE" | tr . -)
cat > /run/meshworker/member.conf <<END
cluster-announce-hostname $CLUSTER_NAME.${MESHWORKER_SLOT##*-}.$node
requirepass "$password"
masterauth "$password"
END
exec redis-server /etc/redis/redis.conf
