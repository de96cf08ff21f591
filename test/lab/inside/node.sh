#!/usr/bin/env bash
# node.sh N: pid 1 of node nN: containerd, kubelet, kube-proxy. Its disk is $RUN/nN, which outlives it; every path inside
# is the usual one.
set -euo pipefail
. "$LAB_DIR/inside/common.sh"
I=$1 N=n$1 DISK=$RUN/n$1 PKI=$RUN/pki

hostname "$N"
mkdir -p "$DISK"/{etc,sysctl}

# The kubelet sets these for the whole machine unless they are as it wants them: let it see files that are.
for kv in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$DISK/sysctl/$(tr / . <<< "${kv%=*}")
  echo "${kv#*=}" > "$file"
  mount --bind "$file" "/proc/sys/${kv%=*}"
done

own_mounts
mkdir -p /run/{containerd,netns,lock}
# What a reboot would have removed: each stale cgroup costs cAdvisor three seconds at the kubelet's start.
for c in $CONTROLLERS; do
  old=/sys/fs/cgroup/$c$CGROUP/$N/kubepods
  [ ! -d "$old" ] || find "$old" -depth -type d -exec rmdir {} + || true
  echo $$ > "/sys/fs/cgroup/$c$CGROUP/$N/system/cgroup.procs"
done

for path in /var/lib/kubelet /var/lib/containerd /var/lib/cni /var/log/pods /var/log/containers; do
  mkdir -p "$path" "$DISK$path"
  mount --bind "$DISK$path" "$path"
done
mount --make-shared /var/lib/kubelet # for volumes that pods mount for each other

ip link set lo up
for _ in $(seq 200); do ip link show eth0 > /dev/null 2>&1 && break; sleep 0.02; done
ip addr add "10.90.0.1$I/24" dev eth0
ip link set eth0 up
ip route add default via "$CONTROL_PLANE"
for j in $(seq "$NODES"); do [ "$j" = "$I" ] || ip route add "10.244.$j.0/24" via "10.90.0.1$j"; done
sysctl -qw net.ipv4.ip_forward=1

# fill TEMPLATE: its @NAMES@ replaced, into the node's /etc.
fill() {
  sed "s|@N@|$N|g; s|@I@|$I|g; s|@DISK@|$DISK|g; s|@PKI@|$PKI|g; s|@CGROUP@|$CGROUP|g; s|@RUNC@|$(command -v runc)|g" \
    "$LAB_DIR/inside/$1" > "$DISK/etc/$1"
}
for template in cni.conflist containerd.toml kubelet.yaml kube-proxy.yaml; do fill "$template"; done
: > "$DISK/etc/resolv.conf"

start "$N-containerd" containerd -c "$DISK/etc/containerd.toml"
for _ in $(seq 200); do ctr version > /dev/null 2>&1 && break; sleep 0.05; done
for archive in "$RUN"/images/*.tar; do ctr -n k8s.io images import "$archive"; done
until_served
start "$N-kubelet" kubelet --config "$DISK/etc/kubelet.yaml" --kubeconfig "$PKI/$N.kubeconfig" --hostname-override "$N" --node-ip "10.90.0.1$I"
start "$N-kube-proxy" kube-proxy --config "$DISK/etc/kube-proxy.yaml"
stay
