#!/usr/bin/env bash
# build.sh VERSION JARS CONTEXT: base.tar and kafka.tar, the layers of an image of apache/kafka's shape, into CONTEXT.
# JARS is a folder. Run by ../../lib/kafka.sh, which sets JDK (a folder with bin/jlink). Takes root, for chroot.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VERSION=$1 JARS=$2 CONTEXT=$3
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$WORK/root
K=$ROOT/opt/kafka

# A class archive fits the jars with the times that it has seen, so all have one.
DATE=@1700000000
stamp() { find "$@" -exec touch -h -d "$DATE" {} +; }
pack() { tar -C "$ROOT" --sort=name --numeric-owner --mtime="$DATE" -cf "$@"; }

# inside UID:GID SCRIPT: a shell in the root file system, with /proc, /dev and a loopback of its own.
inside() {
  # shellcheck disable=SC2016 # for the inner shells
  unshare -m -n -p -u --fork --kill-child --propagation private bash -ec '
    hostname localhost
    mount --bind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    ip link set lo up
    exec chroot --userspec="$2" "$1" /usr/bin/env -i PATH=/opt/java/openjdk/bin:/usr/bin:/bin \
      JAVA_HOME=/opt/java/openjdk HOME=/tmp bash -euc "$3"' - "$ROOT" "$1" "$2"
}

folders() {
  mkdir -p "$ROOT"/{bin,dev,proc,etc,lib64,tmp,root,run,home/appuser,usr/{bin,sbin,logs,lib/locale},opt/java} \
    "$ROOT"/{var/lib/kafka/data,etc/kafka/{docker,secrets},mnt/shared/config,opt/kafka/{bin,config,logs}}
}

# libraries FILE...: what these link to, at the same paths.
libraries() {
  local l
  { ldd "$@" 2> /dev/null || true; } | awk '$2 == "=>" && $3 ~ "^/" {print $3}' | grep -v "^$WORK" | sort -u | while read -r l; do
    mkdir -p "$ROOT${l%/*}"
    cp -L "$l" "$ROOT$l"
  done
  cp -L /lib64/ld-linux-*.so.2 "$ROOT/lib64/"
}

java_runtime() {
  local java=$ROOT/opt/java/openjdk modules=java.se,jdk.unsupported,jdk.crypto.ec,jdk.management,jdk.management.agent,jdk.zipfs
  modules+=,jdk.naming.dns,jdk.net,jdk.security.auth,jdk.security.jgss,jdk.httpserver,jdk.jfr,jdk.charsets
  "$JDK/bin/jlink" --add-modules "$modules" --strip-debug --no-header-files --no-man-pages --output "$java"
  rm -f "$java"/lib/lib{awt_xawt,jawt,splashscreen,jsound}.so
}

# base_layer: busybox, bash, Java and its archive of its own classes.
base_layer() {
  local a files
  cp /bin/busybox "$ROOT/bin/"
  for a in $(/bin/busybox --list); do [ "$a" = busybox ] || ln -s /bin/busybox "$ROOT/bin/$a"; done
  ln -s /bin/env "$ROOT/usr/bin/env"
  cp --remove-destination /bin/bash "$ROOT/bin/bash"
  java_runtime
  mapfile -t files < <(find "$ROOT/bin/bash" "$ROOT/opt/java" -type f \( -name '*.so' -o -perm -100 \))
  libraries "${files[@]}"
  cp -r /usr/lib/locale/C.utf8 "$ROOT/usr/lib/locale/"
  printf 'root:x:0:0:root:/root:/bin/bash\nappuser:x:1000:1000::/home/appuser:/bin/bash\n' > "$ROOT/etc/passwd"
  printf 'root:x:0:\nappuser:x:1000:\n' > "$ROOT/etc/group"
  echo 'hosts: files dns' > "$ROOT/etc/nsswitch.conf"
  echo '127.0.0.1 localhost' > "$ROOT/etc/hosts"
  printf '#!/bin/bash\nexec "$@"\n' > "$ROOT/__cacert_entrypoint.sh"
  chmod 755 "$ROOT/__cacert_entrypoint.sh"
  chmod 1777 "$ROOT/tmp"
  chown 1000:1000 "$ROOT/home/appuser" "$ROOT/usr/logs"
  stamp "$ROOT/opt/java"
  inside 0:0 'java -Xshare:dump > /dev/null 2>&1'
  stamp "$ROOT/opt/java"
  pack "$CONTEXT/base.tar.new" --exclude=./opt/kafka --exclude=./etc/kafka --exclude=./var --exclude=./mnt .
  mv "$CONTEXT/base.tar.new" "$CONTEXT/base.tar"
}

# tools: a script for each line of tools.txt, with the first of its classes that this version has.
tools() {
  local script classes c jar
  for jar in "$K"/libs/{kafka_2.13,kafka-tools,kafka-server}-"$VERSION".jar; do
    [ ! -e "$jar" ] || unzip -Z1 "$jar"
  done > "$WORK/classes"
  while read -r script classes; do
    for c in $classes; do
      grep -qx "${c//./\/}.class" "$WORK/classes" || continue
      # shellcheck disable=SC2016 # for the script
      printf '#!/bin/bash\nexec "$(dirname "$(readlink -f "$0")")/kafka-run-class.sh" %s "$@"\n' "$c" > "$K/bin/$script.sh"
      break
    done
  done < "$HERE/tools.txt"
}

kafka_files() {
  local c config=(log4j2.yaml tools-log4j2.yaml)
  mkdir "$K/libs"
  cp "$JARS"/*.jar "$K/libs/"
  cp "$HERE"/bin/* "$K/bin/"
  if [[ $VERSION == 3.* ]]; then
    config=(log4j.properties tools-log4j.properties)
    mkdir "$K/config/kraft"
    cp "$HERE/docker/server.properties" "$K/config/kraft/"
  fi
  for c in "${config[@]}"; do cp "$HERE/config/$c" "$K/config/"; cp "$HERE/config/$c" "$ROOT/etc/kafka/docker/"; done
  cp "$HERE/docker/server.properties" "$K/config/"
  cp "$HERE"/docker/* "$ROOT/etc/kafka/docker/"
  tools
  chmod 755 "$K"/bin/*
  chown -R 1000:1000 "$K" "$ROOT/mnt/shared/config"
  chown -R 1000:0 "$ROOT/var/lib/kafka" "$ROOT/etc/kafka"
  chmod -R ug+w "$ROOT/etc/kafka" "$ROOT/var/lib/kafka"
  stamp "$K"
}

# class_archives: of a format, and of a broker that has served. Three seconds less a start.
class_archives() {
  # shellcheck disable=SC2016 # for the inner shell
  inside 1000:1000 '
    cd /tmp
    export LOG_DIR=/tmp
    b=/opt/kafka/bin server=localhost:9092 settings=/etc/kafka/docker/server.properties
    KAFKA_JVM_PERFORMANCE_OPTS="-Xlog:cds=error -XX:ArchiveClassesAtExit=/tmp/storage.jsa" \
      $b/kafka-storage.sh format -t "$($b/kafka-storage.sh random-uuid)" -c $settings
    KAFKA_HEAP_OPTS=-Xmx256m KAFKA_JVM_PERFORMANCE_OPTS="-Xlog:cds=error -XX:ArchiveClassesAtExit=/tmp/kafka.jsa" \
      $b/kafka-server-start.sh $settings > /tmp/out 2>&1 &
    p=$!
    for i in $(seq 300); do
      grep -q "Kafka Server started" /tmp/out && break
      kill -0 $p || { cat /tmp/out; exit 1; }
      sleep 0.2
    done
    $b/kafka-topics.sh --bootstrap-server $server --create --topic t
    echo x | $b/kafka-console-producer.sh --bootstrap-server $server --topic t
    $b/kafka-console-consumer.sh --bootstrap-server $server --topic t --from-beginning --max-messages 1 --timeout-ms 20000
    kill $p
    wait $p || [ $? = 143 ]'
  mv "$ROOT"/tmp/{kafka,storage}.jsa "$K/"
  rm -rf "${K:?}"/logs/*
  stamp "$K/kafka.jsa" "$K/storage.jsa"
}

folders
if [ -e "$CONTEXT/base.tar" ]; then tar -C "$ROOT" -xf "$CONTEXT/base.tar"; else base_layer; fi
kafka_files
class_archives
pack "$CONTEXT/kafka.tar" ./opt/kafka ./etc/kafka ./var ./mnt
