// Package pki makes and judges the certificates that the operator issues itself: certificate authorities, leaves signed by
// them, and the decisions when one has to be made anew. It serves two users: the operator's own webhook (Serving), and the
// authorities of Kafka clusters (Authority: RSA keys, Strimzi's subjects and Secrets).
//
// Everything here is a function of its arguments. The time and the source of randomness are given by the caller, nothing is
// read, written or logged, and the package knows no Kubernetes object. Errors name what is wrong with a certificate or a key,
// and never contain key material.
//
// # The Secrets of an authority
//
//	<cluster>-cluster-ca       ca.key                     the private key; strimzi.io/ca-key-generation
//	                           ca-generation-<n>.key      a former one, while it may still have to sign: n is the
//	                                                      generation of its certificate (not Strimzi's)
//	<cluster>-cluster-ca-cert  ca.crt                     the certificate; strimzi.io/ca-cert-generation
//	                           ca-<end>.crt               the certificate of a former key, by its end
//	                           ca.p12, ca.password        all of them as PKCS#12
//
// and the same with clients-ca. Renewing makes another certificate for the key, under the same name: leaves are believed
// under both, and nothing has to be in order. Replacing makes another key, under another name, and must be.
//
// # Replacing a key
//
// A caller reconciles in this order, each time, and may be killed anywhere: ParseAuthority (or JudgeCustom), Advance, the
// phase (roll.TrustPhase), the Secret of the key, that of the certificate, the trust bundle, the leaves, and last the pods.
//
//	phase      the caller does             Trusted     leaves are signed by      a new pod's leaf by
//	Trusting                               new, old    old: they are kept        the old key, which is kept for that
//	Signing    a.WithoutFormerKeys()       new, old    new: they are made anew   new
//	Removing   a.WithoutFormer()           new         new                       new
//
// While not all pods trust the new key (Trusting), nothing can be signed by it that all believe; but pods are added, get other
// names and lose their Secrets then too. So the former private key stays in the key's Secret until that phase is over, and
// not a moment longer. If a key is replaced once more in that time, the oldest one that is left signs: it is what all pods
// trusted before, and the trust in it ends in Removing only. A leaf that can't be signed so, since somebody took the former
// key away, stays as it is for as long as it is any good; if there is none, the new key signs it, since waiting would leave
// the pod out of the cluster, and the roll waits for the pod.
//
// The certificate generation that a leaf is from is written on its Secret and on the pod, and stays with the leaf that is
// kept: the pod isn't rolled for it before Signing.
//
// What is lost is not begun anew: Known says what pods and the trust bundle have. Generations go on from there, and what the
// bundle says stays trusted until Removing, so that an authority whose Secrets were deleted, or restored from an old copy, is
// replaced in the same phases as any other.
package pki
