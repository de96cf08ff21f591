package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/roll"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// issuer makes the certificates of one pass.
type issuer struct {
	*kafkas
	s      *scene
	want   cluster.Cluster
	now    time.Time // the operator's clock, or later: see noteWritten
	closed bool      // this is no maintenance window
	made   cluster.Certificates
}

// certify brings both authorities and all certificates of a cluster to what is wanted, as values, and says what was done. A step
// of the replacement of the cluster's authority is taken only when all pods show that the one before is done.
func (r *kafkas) certify(ctx context.Context, s *scene, out *kafkaOutcome) (cluster.Certificates, error) {
	clock := r.Now()
	i := &issuer{kafkas: r, s: s, want: out.want, now: clock}
	i.closed = !i.want.Windows.Open(clock)
	i.made = cluster.Certificates{ServerHashes: make(map[int32]string), Secrets: make(map[string]cluster.Secret)}
	of, err := i.authority(ctx, pki.ClusterCA, i.want.ClusterCA, names.ClusterCA(s.kafka.Name), names.ClusterCACert(s.kafka.Name))
	if err != nil {
		return i.made, err
	}
	clients, err := i.authority(ctx, pki.ClientsCA, i.want.ClientsCA, names.ClientsCA(s.kafka.Name), names.ClientsCACert(s.kafka.Name))
	if err != nil {
		return i.made, err
	}
	// Whoever makes certificates of users has the newest key sign them, whatever brokers trust yet: a former one is of no use.
	clients = clients.WithoutFormerKeys()
	phase := roll.TrustPhase(of.KeyGeneration, of.CertGeneration, of.HasFormer(), marksOf(s, i.want))
	switch phase {
	case roll.Signing:
		of = of.WithoutFormerKeys()
	case roll.Removing: // of a user's own authority it ends the trust of nodes; the Secrets stay as they are
		of = of.WithoutFormer()
	}
	for _, a := range []struct {
		pki.Authority
		want      cluster.Authority
		key, cert string
	}{
		{of, i.want.ClusterCA, names.ClusterCA(s.kafka.Name), names.ClusterCACert(s.kafka.Name)},
		{clients, i.want.ClientsCA, names.ClientsCA(s.kafka.Name), names.ClientsCACert(s.kafka.Name)},
	} {
		if err := i.keep(a.Authority, a.want, a.key, a.cert); err != nil {
			return i.made, err
		}
	}
	bundles := map[string][]byte{names.KeyClusterCA: of.Bundle(), names.KeyClientsCA: clients.Bundle()}
	i.made.Secrets[names.TrustBundle(s.kafka.Name)] = cluster.Secret{Data: bundles, Annotations: map[string]string{
		pki.ClusterCA.GenerationAnnotation(): decimal(of.CertGeneration),
		pki.ClientsCA.GenerationAnnotation(): decimal(clients.CertGeneration),
	}}
	i.made.TrustHash = pki.TrustHash(bundles[names.KeyClusterCA], bundles[names.KeyClientsCA])
	i.made.ClusterCAKey, i.made.ClientsCACert = of.KeyGeneration, clients.CertGeneration
	r.Metrics.expires(s.key(), "cluster-ca", pki.ExpiryMillis(of.Certificate()))
	r.Metrics.expires(s.key(), "client-ca", pki.ExpiryMillis(clients.Certificate()))
	err = errors.Join(i.leaves(ctx, of, phase == roll.Trusting), i.management(ctx))
	out.warnings = append(out.warnings, i.clockWarning(clock)...)
	return i.made, err
}

// authority reads an authority, and has it advanced if it is the operator's to look after.
func (i *issuer) authority(ctx context.Context, kind pki.Kind, want cluster.Authority, keyName, certName string) (pki.Authority, error) {
	key, err := i.stored(ctx, keyName)
	if err != nil {
		return pki.Authority{}, err
	}
	cert, err := i.stored(ctx, certName)
	if err != nil {
		return pki.Authority{}, err
	}
	known, err := i.known(ctx, kind)
	if err != nil {
		return pki.Authority{}, err
	}
	if !want.Generate {
		a, err := pki.JudgeCustom(kind, key, cert, known, i.now)
		if err != nil {
			return a, &status.Missing{Message: err.Error()}
		}
		return a, nil
	}
	a, broken := pki.ParseAuthority(kind, key, cert)
	if broken != nil {
		i.event(i.s.kafka, nil, corev1.EventTypeWarning, "CertificateAuthorityBroken", "Certify", "%s", oneLine(broken))
	}
	policy := pki.AuthorityPolicy{Template: pki.AuthorityTemplate(0, 0), OnExpiry: pki.Renew, Closed: i.closed, Known: known}
	policy.Template.Validity, policy.Template.RenewBefore = want.Validity, want.RenewBefore
	if want.Replace {
		policy.OnExpiry = pki.Replace
	}
	a, did, err := a.Advance(i.Random, i.now, policy)
	if err != nil {
		return a, fmt.Errorf("%s: %w", kind, err)
	}
	for _, line := range did.Done {
		i.Log.Info("certificates", "namespace", i.s.kafka.Namespace, "kafka", i.s.kafka.Name, "authority", kind, "done", line)
		if did.Action != pki.Create {
			i.event(i.s.kafka, nil, corev1.EventTypeNormal, "CertificateAuthorityChanged", "Certify", "%s: %s", kind, line)
		}
	}
	i.s.fulfilled[keyName], i.s.fulfilled[certName] = did.RemoveFromKey, did.RemoveFromCert
	return a, nil
}

// stored reads a Secret as a value of package pki.
func (i *issuer) stored(ctx context.Context, name string) (pki.Stored, error) {
	found, err := i.secret(ctx, i.s, name)
	if err != nil || found == nil {
		return pki.Stored{Name: name}, err
	}
	i.noteWritten(found)
	return pki.Stored{Name: name, Data: found.Data, Annotations: found.Annotations}, nil
}

// known is what pods and the trust bundle show of an authority.
func (i *issuer) known(ctx context.Context, kind pki.Kind) (pki.Known, error) {
	var known pki.Known
	for _, pod := range i.s.pods {
		known.CertGeneration = max(known.CertGeneration, number(pod.Annotations[kind.GenerationAnnotation()]))
		if kind == pki.ClusterCA {
			known.KeyGeneration = max(known.KeyGeneration, number(pod.Annotations[names.AnnotationClusterCAKeyGeneration]))
		}
	}
	bundle, err := i.secret(ctx, i.s, names.TrustBundle(i.s.kafka.Name))
	if err != nil || bundle == nil {
		return known, err
	}
	key := names.KeyClusterCA
	if kind == pki.ClientsCA {
		key = names.KeyClientsCA
	}
	if certificates, err := pki.ParseCertificates(bundle.Data[key]); err == nil {
		known.Trusted = certificates // a bundle that can't be read is written anew
	}
	return known, nil
}

// keep notes both Secrets of an authority that is the operator's to look after.
func (i *issuer) keep(a pki.Authority, want cluster.Authority, keyName, certName string) error {
	if !want.Generate {
		return nil
	}
	key, err := a.KeySecret()
	if err != nil {
		return fmt.Errorf("%s: %w", keyName, err)
	}
	cert, err := a.CertSecret(i.Random, want.PKCS12)
	if err != nil {
		return fmt.Errorf("%s: %w", certName, err)
	}
	i.made.Secrets[keyName] = cluster.Secret{Data: key.Data, Annotations: key.Annotations, Ownerless: !want.Own}
	secret := cluster.Secret{Data: cert.Data, Annotations: cert.Annotations, Ownerless: !want.Own}
	if template := i.want.Template.ClusterCaCert; template != nil && a.Kind == pki.ClusterCA {
		secret.Template = template.Metadata
	}
	i.made.Secrets[certName] = secret
	return nil
}

// leaves makes the operator's own certificate and that of each node. Listeners' own ones go with those of the nodes.
func (i *issuer) leaves(ctx context.Context, of pki.Authority, trusting bool) error {
	days := func(d time.Duration) int { return int(d / (24 * time.Hour)) }
	validity, renewal := days(i.want.ClusterCA.Validity), days(i.want.ClusterCA.RenewBefore)
	issue := func(secret, name string, want pki.Template) (pki.Leaf, error) {
		have, err := i.stored(ctx, secret)
		if err != nil {
			return pki.Leaf{}, err
		}
		leaf, err := of.Leaf(i.Random, i.now, pki.LeafRequest{Name: name, Want: want, Have: have, Trusting: trusting, Closed: i.closed})
		if err != nil {
			return leaf, fmt.Errorf("certificate %s: %w", name, err)
		}
		if leaf.Changed {
			i.Log.Info("certificate made", "namespace", i.s.kafka.Namespace, "kafka", i.s.kafka.Name, "name", name, "reason", leaf.Reason)
		}
		i.made.Secrets[secret] = cluster.Secret{
			Data: leaf.Data, Annotations: map[string]string{pki.ClusterCA.GenerationAnnotation(): decimal(leaf.Generation)},
		}
		return leaf, nil
	}
	own, err := issue(names.OperatorCertificate(i.s.kafka.Name), names.OperatorCommonName,
		pki.LeafTemplate(names.OperatorCommonName, nil, nil, validity, renewal))
	if err != nil {
		return err
	}
	listeners, err := i.listeners(ctx)
	if err != nil {
		return err
	}
	if own.Changed && i.Clusters != nil {
		i.Clusters.Doubt(i.s.key())
	}
	i.made.ClusterCACert = own.Generation
	for node := range nodesOf(i.want) {
		leaf, err := issue(node.Pod, node.Pod, pki.LeafTemplate(names.KafkaComponent(i.s.kafka.Name), node.DNSNames, node.Addresses, validity, renewal))
		if err != nil {
			return err
		}
		i.made.ClusterCACert = min(i.made.ClusterCACert, leaf.Generation)
		i.made.ServerHashes[node.ID] = pki.CertificateHash(leaf.Data[node.Pod+names.SuffixCertificate])
		if node.Broker {
			maps.Copy(i.made.Secrets[node.Pod].Data, listeners)
		}
	}
	return nil
}

// listeners returns the certificates and keys of listeners that have their own, under the names of their files.
func (i *issuer) listeners(ctx context.Context) (map[string][]byte, error) {
	data := make(map[string][]byte)
	for _, l := range i.want.Listeners {
		if l.Certificate == nil {
			continue
		}
		found, err := i.secret(ctx, i.s, l.Certificate.SecretName)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, &status.Missing{Message: fmt.Sprintf("Secret %s of the listener %s does not exist", l.Certificate.SecretName, l.Name)}
		}
		certificate, key := found.Data[l.Certificate.Certificate], found.Data[l.Certificate.Key]
		if _, err := config.KeyStore(certificate, key); err != nil { // a node would not start with it
			return nil, model.Invalid{
				Field:   "spec.kafka.listeners." + l.Name + ".configuration.brokerCertChainAndKey",
				Message: fmt.Sprintf("Secret %s, keys %s and %s: %v", l.Certificate.SecretName, l.Certificate.Certificate, l.Certificate.Key, err),
			}
		}
		name := names.ListenerCertificate(l.Name, l.Port)
		data[name+names.SuffixCertificate], data[name+names.SuffixKey] = certificate, key
	}
	return data, nil
}

// management makes name and password of Java's management extensions, if they are wanted and not there.
func (i *issuer) management(ctx context.Context) error {
	if !i.want.JMXPassword {
		return nil
	}
	name := names.KafkaJMX(i.s.kafka.Name)
	found, err := i.secret(ctx, i.s, name)
	if err != nil {
		return err
	}
	secret := cluster.Secret{Data: make(map[string][]byte, 2)}
	for _, key := range []string{names.KeyJMXUsername, names.KeyJMXPassword} {
		if found != nil && len(found.Data[key]) > 0 {
			secret.Data[key] = found.Data[key]
			continue
		}
		if secret.Data[key], err = randomText(i.Random); err != nil {
			return fmt.Errorf("make Secret %s: %w", name, err)
		}
	}
	if template := i.want.Template.JmxSecret; template != nil {
		secret.Template = template.Metadata
	}
	i.made.Secrets[name] = secret
	return nil
}

// nodesOf calls yield with each node that is wanted.
func nodesOf(c cluster.Cluster) func(yield func(*cluster.Node) bool) {
	return func(yield func(*cluster.Node) bool) {
		for p := range c.Pools {
			for n := range c.Pools[p].Nodes {
				if !yield(&c.Pools[p].Nodes[n]) {
					return
				}
			}
		}
	}
}

// marksOf returns what the pods of all wanted nodes were made from; of one that is missing what its StrimziPodSet would make it
// from. A node that is in none yet is made from what is rendered next.
func marksOf(s *scene, c cluster.Cluster) []roll.Marks {
	next := make(map[string]map[string]string)
	for _, set := range s.sets {
		maps.Copy(next, planned(set))
	}
	var marks []roll.Marks
	for node := range nodesOf(c) {
		if pod := s.pods[node.ID]; pod != nil && pod.DeletionTimestamp == nil {
			marks = append(marks, readMarks(pod.Annotations))
		} else if annotations, ok := next[node.Pod]; ok {
			marks = append(marks, readMarks(annotations))
		}
	}
	return marks
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// number reads a generation; what is missing or no number is 0, the first one.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
