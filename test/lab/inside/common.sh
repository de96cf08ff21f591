# shellcheck shell=bash
# common.sh: what pid 1 of the cluster and of a node both do.
PATH=$RUN/bin:$PATH:/usr/sbin:/sbin

# own_mounts: /run, /sys and the cgroups' trees as this namespace's own. In a new network namespace the old /sys shows the
# wrong interfaces.
own_mounts() {
  local c
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for c in $CONTROLLERS; do
    mkdir "/sys/fs/cgroup/$c"
    case $c in
    systemd) mount -t cgroup -o none,name=systemd cgroup "/sys/fs/cgroup/$c" ;;
    *) mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c" ;;
    esac
  done
}

# start LOG CMD...: in the background, with a log of its own.
start() {
  local log=$1
  shift
  "$@" > "$RUN/log/$log.log" 2>&1 < /dev/null &
}

# until_served: waits up to a minute for the API server.
until_served() {
  local _
  for _ in $(seq 600); do
    kubectl --kubeconfig "$RUN/pki/admin.kubeconfig" get --raw /readyz > /dev/null 2>&1 && return
    sleep 0.1
  done
  echo "no answer from the API server"
  return 1
}

# stay: what is left for pid 1 to do: to be there, and to reap.
stay() {
  trap 'exit 0' TERM
  while :; do
    sleep 3600 &
    wait $!
  done
}
