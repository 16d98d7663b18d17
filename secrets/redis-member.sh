#!/bin/sh
# Gives this replica a data directory on the volume that all replicas of this
# node share, and starts Redis there with the arguments given.
#
# Swarm may start a slot on another node after a crash, where a volume of that
# slot's own would be empty. So a replica takes its own slot's directory where
# the node has one, else the newest one that nobody uses: after a power cut all
# data finds a replica, as long as each node runs as many as before. Redis knows
# itself by what lies in the directory, not by slot or address.
set -eu

# Runs Redis in this directory, unless another replica does.
# Its first argument is the directory, the others are those of Redis.
use() {
    # Redis inherits the open file, and with it the lock, until it ends.
    exec 9>"$1/lock"
    flock --nonblock 9 || return 0
    echo "slot $SLOT uses $1"
    cd "$1"
    directory=$1
    shift
    exec docker-entrypoint.sh redis-server "$@" --dir "$directory"
}

cd /data
for directory in "slot-$SLOT" $(ls -dt slot-* 2>/dev/null || true); do
    [ ! -d "$directory" ] || use "/data/$directory" "$@"
done
mkdir -p "slot-$SLOT"
use "/data/slot-$SLOT" "$@"
# Another replica has taken this slot's directory meanwhile.
mkdir -p "slot-$SLOT-$(hostname)"
use "/data/slot-$SLOT-$(hostname)" "$@"
