#!/usr/bin/env bash
# top.sh: pid 1 of the cluster: its network, the control plane, the nodes. Started by ../lib/cluster.sh.
set -euo pipefail
. "$LAB_DIR/inside/common.sh"
PKI=$RUN/pki

hostname control-plane
own_mounts
ip link set lo up
ip link add lan0 type bridge
ip addr add "$CONTROL_PLANE/24" dev lan0
ip link set lan0 up
sysctl -qw net.ipv4.ip_forward=1

mkdir /run/etcd # in memory: a cluster does not outlive its namespaces
start etcd etcd --data-dir /run/etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380

# With aggregator routing the API server dials a webhook's pod, to which there are routes here, not its Service, which
# would take a kube-proxy.
start kube-apiserver kube-apiserver --etcd-servers http://127.0.0.1:2379 --secure-port 6443 --advertise-address "$CONTROL_PLANE" \
  --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --allow-privileged --enable-aggregator-routing --profiling=false \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$PKI/sa.pub" --service-account-signing-key-file "$PKI/sa.key" \
  --client-ca-file "$PKI/ca.crt" --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
  --kubelet-client-certificate "$PKI/kubelet-client.crt" --kubelet-client-key "$PKI/kubelet-client.key" --kubelet-preferred-address-types InternalIP \
  --requestheader-client-ca-file "$PKI/ca.crt" --requestheader-allowed-names front-proxy-client \
  --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group --requestheader-extra-headers-prefix X-Remote-Extra- \
  --proxy-client-cert-file "$PKI/front-proxy.crt" --proxy-client-key-file "$PKI/front-proxy.key"

for i in $(seq "$NODES"); do "$LAB_DIR/inside/add-node.sh" "$i"; done
until_served

# kube_program NAME FLAG...: one that speaks for itself to the API server.
kube_program() {
  local name=$1 config=$PKI/${1#kube-}.kubeconfig
  shift
  start "$name" "$name" --kubeconfig "$config" --authentication-kubeconfig "$config" --authorization-kubeconfig "$config" \
    --leader-elect=false --profiling=false --bind-address 127.0.0.1 "$@"
}
# 20 s instead of 40 s until a lost node is NotReady: tests wait for it.
kube_program kube-controller-manager --use-service-account-credentials --service-account-private-key-file "$PKI/sa.key" \
  --root-ca-file "$PKI/ca.crt" --cluster-signing-cert-file "$PKI/ca.crt" --cluster-signing-key-file "$PKI/ca.key" \
  --node-monitor-grace-period 20s
kube_program kube-scheduler
start coredns coredns -conf "$LAB_DIR/inside/Corefile"
start lab-provisioner lab-provisioner "$PKI/admin.kubeconfig" "$RUN"
touch "$RUN/ready"
stay
