#!/bin/sh
# Starts MariaDB without root's rights. Where there is no data yet it makes some first, with one account: root@'%', whose
# password is in the file that MARIADB_ROOT_PASSWORD_FILE names. Nothing of that stands in a log: a member that has
# transactions of its own joins nobody. What is not mariadbd is run as it is.
set -e

if [ "$1" != mariadbd ] || [ "$(id -u)" != 0 ]; then
    exec "$@"
fi

# By its own word: it may be relative, and the last argument wins.
data=$("$@" --verbose --help 2>/dev/null | sed -n 's/^datadir  *//p')
data=${data%/}
mkdir -p /run/mysqld
chown mysql:mysql /run/mysqld

if [ ! -d "$data/mysql" ]; then
    password=$(sed "s/[\\\\']/\\\\&/g" "${MARIADB_ROOT_PASSWORD_FILE:?names no file}")
    # Whole, or not there at all.
    unfinished=$(realpath -m "$data").unfinished
    rm -rf "$unfinished"
    mkdir -p "$unfinished"
    chown mysql:mysql "$unfinished"
    mariadb-install-db --no-defaults --user=mysql --datadir="$unfinished" --skip-test-db \
        --auth-root-authentication-method=normal >/dev/null
    mariadbd --no-defaults --user=mysql --datadir="$unfinished" --bootstrap <<SQL
USE mysql;
FLUSH PRIVILEGES;
CREATE USER root@'%' IDENTIFIED BY '$password';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
SET PASSWORD FOR root@localhost = PASSWORD('$password');
DELETE FROM global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '%');
SQL
    [ ! -e "$data" ] || rmdir "$data"
    mv "$unfinished" "$data"
fi
# What was copied here is root's.
find "$data" ! -user mysql -exec chown mysql:mysql {} +
exec setpriv --reuid=mysql --regid=mysql --init-groups "$@"
