# shellcheck shell=bash
# pki.sh: keys, certificates and kubeconfigs of a cluster, valid for a year.

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

# cert NAME SUBJECT USAGE [NAMES]: NAME.key and NAME.crt, signed by ca.
cert() {
  key "$1"
  {
    echo "keyUsage=critical,digitalSignature"
    echo "extendedKeyUsage=$3"
    [ -z "${4:-}" ] || echo "subjectAltName=$4"
  } > "$1.ext"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.crt" 2> /dev/null
  rm "$1.ext"
}

# kubeconfig NAME: NAME.kubeconfig for the certificate of that name, which it contains.
kubeconfig() {
  cat > "$1.kubeconfig" << Y
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://$CONTROL_PLANE:6443", certificate-authority-data: "$(base64 -w0 ca.crt)"}}]
users: [{name: $1, user: {client-certificate-data: "$(base64 -w0 "$1.crt")", client-key-data: "$(base64 -w0 "$1.key")"}}]
contexts: [{name: lab, context: {cluster: lab, user: $1}}]
current-context: lab
Y
}

# make_pki NODE...: all of it, in the current folder.
make_pki() {
  local service=kubernetes.default.svc name n
  key ca
  openssl req -x509 -new -key ca.key -subj /CN=lab-ca -days 365 -out ca.crt \
    -addext keyUsage=critical,keyCertSign,digitalSignature,cRLSign
  openssl genrsa -out sa.key 2048 2> /dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2> /dev/null
  cert apiserver /CN=kube-apiserver serverAuth \
    "DNS:kubernetes,DNS:kubernetes.default,DNS:$service,DNS:$service.cluster.local,DNS:localhost,IP:$CONTROL_PLANE,IP:10.96.0.1,IP:127.0.0.1"
  cert kubelet-client /O=system:masters/CN=apiserver-kubelet clientAuth
  cert front-proxy /CN=front-proxy-client clientAuth
  cert admin /O=system:masters/CN=admin clientAuth
  for name in controller-manager scheduler proxy; do cert "$name" "/CN=system:kube-$name" clientAuth; done
  for n in "$@"; do cert "$n" "/O=system:nodes/CN=system:node:$n" clientAuth; done
  for name in admin controller-manager scheduler proxy "$@"; do kubeconfig "$name"; done
}
