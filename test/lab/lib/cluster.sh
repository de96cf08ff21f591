# shellcheck shell=bash
# cluster.sh: a cluster in namespaces of its own, out of which nothing of it reaches.
#
#   the machine's own namespaces     untouched: no interface, rule, mount or sysctl
#   └ pid/mnt/net/uts/ipc, top.sh    lan0 10.90.0.1/24: etcd, API server, controller-manager, scheduler, provisioner
#     └ the same a node, node.sh     eth0 10.90.0.1N: containerd, kubelet, kube-proxy, pods 10.244.N.0/24
#
# The end of the one process in $RUN/top.pid is the end of everything, since it takes the pid namespaces with it.

CONTROL_PLANE=10.90.0.1
CGROUP=/steg-lab
CONTROLLERS="cpu cpuacct cpuset memory devices freezer blkio pids systemd"
export CONTROL_PLANE CGROUP CONTROLLERS
EXEC= # "exec" where nothing comes after, so that a signal to the caller's child reaches the command itself

alive() { [ -e "$RUN/top.pid" ] && kill -0 "$(cat "$RUN/top.pid")" 2> /dev/null; }
need_cluster() { alive || die "no cluster: lab up [NODES]"; }

# top_init: the pid, as seen here, of top.sh. unshare stays as its parent.
top_init() { pgrep -P "$(cat "$RUN/top.pid")"; }

# node_init NODE: the pid, as seen here, of that node's node.sh; fails for one that isn't running.
node_init() {
  local u c
  for u in $(pgrep -x unshare -P "$(top_init)"); do
    c=$(pgrep -P "$u") || continue
    [ "$(tr '\0' ' ' < "/proc/$c/cmdline" | awk '{print $NF}')" = "${1#n}" ] && { echo "$c"; return; }
  done
  return 1
}

# run CMD...: in the cluster's network and with its names, but otherwise where the caller is: its files, its processes.
run() {
  need_cluster
  # shellcheck disable=SC2016 # for the inner shell
  $EXEC nsenter -t "$(cat "$RUN/top.pid")" -n -- unshare -m --propagation private \
    sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$LAB_DIR/inside/resolv.conf" \
    env KUBECONFIG="$RUN/pki/admin.kubeconfig" PATH="$RUN/bin:$PATH" "$@"
}

# k ARG...: kubectl.
k() { run kubectl "$@"; }

# in_node NODE CMD...: in all namespaces of a node.
in_node() {
  need_cluster
  local pid
  pid=$(node_init "$1") || die "$1 isn't running"
  shift
  $EXEC nsenter -t "$pid" -m -n -u -i -p -- env PATH="$RUN/bin:$PATH" "$@"
}

# make_cgroup CONTROLLER PATH: cpuset's are unusable until they are filled in.
make_cgroup() {
  local d=/sys/fs/cgroup/$1$CGROUP$2
  mkdir -p "$d"
  [ "$1" = cpuset ] || return 0
  cat "$d/../cpuset.cpus" > "$d/cpuset.cpus"
  cat "$d/../cpuset.mems" > "$d/cpuset.mems"
}

# make_cgroups NODE...: what is the kubelets' own, in each controller's tree.
make_cgroups() {
  local c n
  for c in $CONTROLLERS; do
    make_cgroup "$c" ""
    for n; do
      make_cgroup "$c" "/$n"
      make_cgroup "$c" "/$n/system"
    done
  done
}

remove_cgroups() {
  local c
  for c in $CONTROLLERS; do
    [ ! -d "/sys/fs/cgroup/$c$CGROUP" ] || find "/sys/fs/cgroup/$c$CGROUP" -depth -type d -exec rmdir {} + || return
  done
}

check_machine() {
  [ "$(id -u)" = 0 ] || die "a cluster takes root (namespaces, cgroups)"
  [ -d /sys/fs/cgroup/memory ] || die "the lab knows cgroup v1 only and this machine has v2: use kind or k3d here"
  case $1 in [1-9]) ;; *) die "up: $1 nodes? Say 1 to 9" ;; esac
  ! alive || die "a cluster is up already: lab down, or use it"
}

# up NODES [PID]: returns when every node is Ready and services have names. The cluster ends with process PID.
up() {
  local names i
  exec 8> "$CACHE/.up.lock"
  flock -n 8 || die "a cluster is being started"
  check_machine "$1"
  rm -rf "$RUN"
  mkdir -p "$RUN"/{pki,log}
  ln -s "$BIN" "$RUN/bin" # the cluster keeps its programs when the sources change meanwhile
  ln -s "$IMAGES" "$RUN/images"
  export NODES=$1
  for i in $(seq "$NODES"); do names+=("n$i"); done
  (cd "$RUN/pki" && make_pki "${names[@]}")
  make_cgroups "${names[@]}"
  setsid unshare -m -n -p -u -i --fork --kill-child=KILL --propagation private --mount-proc \
    "$LAB_DIR/inside/top.sh" > "$RUN/log/top.log" 2>&1 < /dev/null 8>&- &
  echo $! > "$RUN/top.pid"
  [ -z "${2:-}" ] || end_with "$2"
  eventually 60 "control plane (its logs are in $RUN/log)" test -e "$RUN/ready"
  route_services
  eventually 60 "nodes Ready" all_ready
  eventually 60 "default service account" k get serviceaccount default
  eventually 20 "names" run curl -sfm 1 "http://$CONTROL_PLANE:8181/ready"
  exec 8>&-
}

all_ready() { [ "$(k get nodes --no-headers | grep -cw Ready)" = "$NODES" ]; }

# end_with PID: the cluster goes when that process does. It looks from outside, since inside there is no such process.
end_with() {
  local top
  top=$(cat "$RUN/top.pid")
  # shellcheck disable=SC2016 # for the inner shell
  setsid bash -c 'while kill -0 "$1" && kill -0 "$2"; do sleep 0.5; done; [ "$(cat "$3/top.pid")" != "$2" ] || exec "$4/lab" down' \
    - "$1" "$top" "$RUN" "$LAB_DIR" > /dev/null 2>&1 < /dev/null 8>&- &
}

# down: leaves no process, mount, interface, rule or cgroup; also after a cluster that died by itself.
down() {
  local top init
  [ -d "$RUN" ] || return 0
  top=$(cat "$RUN/top.pid" 2> /dev/null) || top=
  if [ -n "$top" ] && alive; then
    init=$(top_init) || init=
    [ -z "$init" ] || kill -KILL "$init"
    eventually 20 "end of the cluster" gone "$top"
  fi
  [ "$(id -u)" != 0 ] || eventually 20 "end of its cgroups" remove_cgroups
  rm -rf "${RUN:?}"
}

gone() { ! kill -0 "$1" 2> /dev/null; }

# route_services: what `lab run` runs reaches Services through the kube-proxy of a node that runs: there is none outside nodes.
route_services() {
  local d
  for d in "$RUN"/n[1-9]; do
    node_init "${d##*/}" > /dev/null || continue
    nsenter -t "$(top_init)" -n -- ip route replace 10.96.0.0/16 via "10.90.0.1${d##*/n}"
    return
  done
}

# load ARCHIVE...: into every running node, all at once.
load() {
  local f d pids=() p
  need_cluster
  for f; do
    [ -f "$f" ] || die "load: no file $f"
    for d in "$RUN"/n[1-9]; do
      in_node "${d##*/}" ctr -n k8s.io images import "$(realpath "$f")" > /dev/null &
      pids+=($!)
    done
  done
  for p in "${pids[@]}"; do wait "$p"; done
}

# node_kill NODE: gone at once, as with a power cut.
node_kill() {
  local pid
  need_cluster
  pid=$(node_init "$1") || die "$1 isn't running"
  kill -KILL "$pid"
  eventually 10 "end of $1" gone "$pid"
  route_services
}

# node_start NODE: back, with its disk and its images.
node_start() {
  need_cluster
  [ -d "$RUN/$1" ] || die "no node $1"
  ! node_init "$1" > /dev/null || die "$1 is running"
  nsenter -t "$(top_init)" -m -n -u -i -p -- "$LAB_DIR/inside/add-node.sh" "${1#n}"
  route_services
}
