#!/usr/bin/env bash
# add-node.sh N: starts node nN and plugs it into lan0. Run in the cluster's namespaces.
set -euo pipefail
i=$1
unshare -m -n -p -u -i --fork --kill-child=KILL --propagation private --mount-proc \
  "$LAB_DIR/inside/node.sh" "$i" >> "$RUN/log/n$i.log" 2>&1 < /dev/null &
p=$!
for _ in $(seq 100); do
  [ "$(readlink "/proc/$p/ns/net")" != "$(readlink /proc/self/ns/net)" ] && break
  sleep 0.02
done
ip link del "veth$i" 2> /dev/null || true # of the same node before it was lost
ip link add "veth$i" type veth peer name eth0 netns "$p"
ip link set "veth$i" master lan0 up
ip route replace "10.244.$i.0/24" via "10.90.0.1$i"
