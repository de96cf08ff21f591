package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

const day = 24 * time.Hour

// world is a cluster whose authority and certificates are this package's, whose phases are package roll's, and whose pods and
// operator may be stopped at any moment.
type world struct {
	r         *rapid.T
	now       time.Time
	key, cert pki.Stored
	bundle    []byte
	leaves    map[string]pki.Stored
	// names are the pods and the alternative name that each needs.
	names map[string]string
	pods  map[string]*pod
	// open says that there is a maintenance window, kill how likely the operator ends at each write.
	open   bool
	kill   float64
	phases []roll.Phase
	// signed remembers which authority signed which leaf, by their serial numbers.
	signed map[[2]string]bool
}

// pod is what runs: it has read its files when it started, its marks are those that it was made with.
type pod struct {
	marks roll.Marks
	leaf  *x509.Certificate
	trust []*x509.Certificate
}

// operatorName is the operator among the leaves. It trusts what the Secrets say and has no marks.
const operatorName = "cluster-operator"

// killed ends a reconciliation at a write.
type killed struct{}

func (w *world) write(do func()) {
	if rapid.Float64Range(0, 1).Draw(w.r, "survives") < w.kill {
		panic(killed{})
	}
	do()
}

func (w *world) certificates(text []byte) []*x509.Certificate {
	found, err := pki.ParseCertificates(text)
	if err != nil {
		w.r.Fatal(err)
	}
	return found
}

// known is what the pods and the bundle show.
func (w *world) known() pki.Known {
	k := pki.Known{}
	for _, p := range w.pods {
		k.KeyGeneration, k.CertGeneration = max(k.KeyGeneration, p.marks.ClusterCAKey), max(k.CertGeneration, p.marks.ClusterCACert)
	}
	for _, leaf := range w.leaves {
		generation, err := strconv.ParseInt(leaf.Annotations[pki.ClusterCA.GenerationAnnotation()], 10, 64)
		if err != nil {
			w.r.Fatal(err)
		}
		k.CertGeneration = max(k.CertGeneration, generation)
	}
	if w.bundle != nil {
		k.Trusted = w.certificates(w.bundle)
	}
	return k
}

// authority advances the authority and writes its Secrets and the bundle. It returns what is to be signed with.
func (w *world) authority() (pki.Authority, roll.Phase) {
	a, err := pki.ParseAuthority(pki.ClusterCA, w.key, w.cert)
	if err != nil {
		w.r.Fatal(err)
	}
	a, out, err := a.Advance(rand.Reader, w.now, pki.AuthorityPolicy{
		Template: pki.Template{Validity: 365 * day, RenewBefore: 60 * day},
		OnExpiry: rapid.SampledFrom([]pki.Action{pki.Renew, pki.Replace}).Draw(w.r, "on expiry"),
		Closed:   !w.open, Known: w.known(),
	})
	if err != nil {
		w.r.Fatal(err)
	}
	var marks []roll.Marks
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		if p := w.pods[name]; p != nil {
			marks = append(marks, p.marks)
		}
	}
	phase := roll.TrustPhase(a.KeyGeneration, a.CertGeneration, a.HasFormer(), marks)
	switch phase {
	case roll.Signing:
		a = a.WithoutFormerKeys()
	case roll.Removing:
		a = a.WithoutFormer()
	}
	var fs []string
	for _, f := range a.Former {
		fs = append(fs, fmt.Sprint(f.Certificate.Subject.CommonName, f.Generation, f.Key != nil))
	}
	ms := ""
	for n, p := range w.pods {
		ms += fmt.Sprint(n, p.marks.ClusterCAKey, "/", p.marks.ClusterCACert, p.leaf.Issuer.CommonName, describe(p.trust), "; ")
	}
	w.r.Log("STATE", out.Done, phase, "key", a.KeyGeneration, "cert", a.CertGeneration, a.Chain[0].Subject.CommonName, fs, "PODS", ms)
	key, err := a.KeySecret()
	if err != nil {
		w.r.Fatal(err)
	}
	cert, err := a.CertSecret(rand.Reader, false)
	if err != nil {
		w.r.Fatal(err)
	}
	w.write(func() { w.key = merge(w.key, key, out.RemoveFromKey) })
	w.write(func() { w.cert = merge(w.cert, cert, out.RemoveFromCert) })
	w.write(func() { w.bundle = a.Bundle() })
	return a, phase
}

// merge is what an apply does to a Secret.
func merge(old, applied pki.Stored, remove []string) pki.Stored {
	annotations := maps.Clone(old.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, applied.Annotations)
	for _, name := range remove {
		delete(annotations, name)
	}
	return pki.Stored{Data: applied.Data, Annotations: annotations}
}

// reconcile is one run of the operator, which may end early: the Secrets, the leaves, and the restart of one pod.
func (w *world) reconcile() (quiet bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
		}
	}()
	before := w.state()
	a, phase := w.authority()
	w.phases = append(w.phases, phase)
	want := map[string]roll.Marks{}
	for _, name := range append(slices.Sorted(maps.Keys(w.names)), operatorName) {
		want[name] = w.leaf(a, phase, name)
	}
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		if w.pods[name] == nil {
			w.start(name, want[name])
		}
	}
	var due []string
	for _, name := range slices.Sorted(maps.Keys(w.names)) {
		if w.pods[name].marks != want[name] {
			due = append(due, name)
		}
	}
	if len(due) > 0 {
		name := rapid.SampledFrom(due).Draw(w.r, "restarted")
		w.write(func() { w.start(name, want[name]) })
	}
	return before == w.state()
}

func (w *world) state() string {
	text := fmt.Sprintf("%s %s %s %s", w.key, w.cert, w.bundle, w.leaves)
	for _, name := range slices.Sorted(maps.Keys(w.pods)) {
		text += fmt.Sprint(w.pods[name].marks)
	}
	return text
}

// leaf brings a leaf's Secret to what is wanted, and returns the marks of a pod made from it.
func (w *world) leaf(a pki.Authority, phase roll.Phase, name string) roll.Marks {
	request := pki.LeafRequest{
		Name: name, Have: w.leaves[name], Trusting: phase == roll.Trusting, Closed: !w.open,
		Want: pki.Template{DNSNames: []string{w.names[name] + ".kafka"}, Validity: 90 * day, RenewBefore: 60 * day},
	}
	got, err := a.Leaf(rand.Reader, w.now, request)
	if err != nil {
		w.r.Fatal(err)
	}
	if got.Changed {
		made := pki.Stored{Data: got.Data, Annotations: map[string]string{
			pki.ClusterCA.GenerationAnnotation(): strconv.FormatInt(got.Generation, 10),
		}}
		w.write(func() { w.leaves[name] = made })
		request.Have = made
		if again, err := a.Leaf(rand.Reader, w.now, request); err != nil || again.Changed {
			w.r.Fatalf("%s is made again at once: %q, %v; phases %v", name, again.Reason, err, w.phases)
		}
	}
	return roll.Marks{
		Certificates: pki.CertificateHash(got.Data[name+".crt"]), Trust: pki.TrustHash(w.bundle),
		ClusterCAKey: a.KeyGeneration, ClusterCACert: got.Generation,
	}
}

// start makes a pod anew; restarted with its former marks it is a container that crashed.
func (w *world) start(name string, marks roll.Marks) {
	leaf := w.leaves[name].Data[name+".crt"]
	w.pods[name] = &pod{marks: marks, leaf: w.certificates(leaf)[0], trust: w.certificates(w.bundle)}
}

// check: at each moment each running pod and the operator believe each other.
func (w *world) check(what string) {
	if w.bundle == nil {
		return
	}
	all := maps.Clone(w.pods)
	if leaf := w.leaves[operatorName].Data; leaf != nil {
		all[operatorName] = &pod{leaf: w.certificates(leaf[operatorName+".crt"])[0], trust: w.certificates(w.bundle)}
	}
	for shows, p := range all {
		for looks, q := range all {
			if !w.believes(q.trust, p.leaf) {
				w.r.Fatalf("after %s at %s %s, which trusts %s, does not believe %s, signed by %q until %s; phases %v", what,
					w.now.Format(time.DateOnly), looks, describe(q.trust), shows, p.leaf.Issuer, p.leaf.NotAfter, w.phases)
			}
		}
	}
}

func describe(trust []*x509.Certificate) (texts []string) {
	for _, c := range trust {
		texts = append(texts, c.Subject.CommonName+" until "+c.NotAfter.Format(time.DateOnly))
	}
	return texts
}

// believes looks for an authority that signed the leaf. Signatures are checked once for each pair.
func (w *world) believes(trust []*x509.Certificate, leaf *x509.Certificate) bool {
	if !w.now.Before(leaf.NotAfter) {
		return false
	}
	for _, c := range trust {
		pair := [2]string{c.SerialNumber.String(), leaf.SerialNumber.String()}
		good, seen := w.signed[pair]
		if !seen {
			good = leaf.Issuer.String() == c.Subject.String() && leaf.CheckSignatureFrom(c) == nil
			w.signed[pair] = good
		}
		if good && w.now.Before(c.NotAfter) {
			return true
		}
	}
	return false
}

// event is something that happens to the cluster from outside.
func (w *world) event(kinds []string) string {
	kind := rapid.SampledFrom(kinds).Draw(w.r, "event")
	some := func() string { return rapid.SampledFrom(slices.Sorted(maps.Keys(w.names))).Draw(w.r, "pod") }
	switch kind {
	case "crash":
		if name := some(); w.pods[name] != nil && w.leaves[name].Data != nil {
			w.start(name, w.pods[name].marks)
		}
	case "force-replace":
		if w.key.Data != nil {
			w.key = merge(w.key, pki.Stored{Data: w.key.Data, Annotations: map[string]string{pki.AnnotationForceReplace: "true"}}, nil)
		}
	case "force-renew":
		if w.cert.Data != nil {
			w.cert = merge(w.cert, pki.Stored{Data: w.cert.Data, Annotations: map[string]string{pki.AnnotationForceRenew: "true"}}, nil)
		}
	case "scale up":
		if len(w.names) < 5 {
			name := fmt.Sprintf("pod-%d", len(w.names))
			w.names[name] = name
		}
	case "another name":
		w.names[some()] += "x"
	case "leaf lost":
		delete(w.leaves, some())
	case "window":
		w.open = !w.open
	case "pause":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 24).Draw(w.r, "hours")) * time.Hour)
	}
	return kind
}

func newWorld(r *rapid.T) *world {
	w := &world{
		r: r, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), open: true, leaves: map[string]pki.Stored{},
		names: map[string]string{}, pods: map[string]*pod{}, signed: map[[2]string]bool{},
	}
	for i := range rapid.IntRange(1, 3).Draw(r, "pods") {
		w.names[fmt.Sprintf("pod-%d", i)] = fmt.Sprintf("pod-%d", i)
	}
	w.kill = rapid.SampledFrom([]float64{0, 0.05, 0.3}).Draw(r, "kill")
	return w
}

// settle lets the operator work until there is nothing to do, and checks what is left.
func (w *world) settle() {
	w.open, w.kill = true, 0
	for runs := 0; !w.reconcile(); runs++ {
		w.check("settling")
		if runs > 20*len(w.names) {
			w.r.Fatalf("no end: phases %v", w.phases)
		}
		w.now = w.now.Add(time.Minute)
	}
	if len(w.key.Data) != 1 || len(w.cert.Data) != 1 {
		w.r.Fatalf("former keys or certificates are left: %v %v", slices.Collect(maps.Keys(w.key.Data)), slices.Collect(maps.Keys(w.cert.Data)))
	}
	newest := w.certificates(w.cert.Data[pki.AuthorityBundle])
	for name, p := range w.pods {
		if !pki.Equal(p.trust, newest) || p.leaf.CheckSignatureFrom(newest[0]) != nil {
			w.r.Fatalf("%s trusts %s and is signed by %q; phases %v", name, describe(p.trust), p.leaf.Issuer, w.phases)
		}
		if err := p.leaf.VerifyHostname(w.names[name] + ".kafka"); err != nil {
			w.r.Fatal(err)
		}
	}
}

// TestRotationIsBelieved: whatever is asked for, whenever pods and the operator are killed, all that runs believes all that
// runs, new pods included.
func TestRotationIsBelieved(t *testing.T) {
	kinds := []string{"crash", "force-replace", "force-renew", "scale up", "another name", "leaf lost", "window", "pause", "none", "none", "none"}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r)
		for range rapid.IntRange(10, 60).Draw(r, "ticks") {
			w.reconcile()
			w.check("the operator's work")
			w.check(w.event(kinds))
		}
		w.settle()
	})
}

// TestRotationOverYears: certificates and authorities are renewed in time, for years, though windows are rarely open.
func TestRotationOverYears(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r)
		for month := range 18 {
			w.settle()
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 29).Draw(r, "days")) * day)
			w.open = rapid.Bool().Draw(r, "open")
			w.reconcile()
			w.check(fmt.Sprint("month ", month))
		}
	})
}

// TestRotationSurvivesLoss: Secrets of the authority are deleted, or restored from an older copy, at any moment. What runs
// still believes what runs. (A pod that is new just then can't be believed by all: no key that they trust is left.)
func TestRotationSurvivesLoss(t *testing.T) {
	kinds := []string{"crash", "force-replace", "force-renew", "window", "pause", "none", "none", "none"}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r)
		w.settle()
		keys, certs := []pki.Stored{{}, w.key}, []pki.Stored{{}, w.cert}
		for range rapid.IntRange(10, 50).Draw(r, "ticks") {
			loss, then := rapid.IntRange(0, 12).Draw(r, "loss"), rapid.IntRange(0, len(keys)-1).Draw(r, "then")
			if loss == 0 || loss == 1 {
				w.key = keys[then]
			}
			if loss == 0 || loss == 2 {
				w.cert = certs[then]
			}
			w.reconcile()
			w.check("the operator's work")
			w.check(w.event(kinds))
			keys, certs = append(keys, w.key), append(certs, w.cert)
		}
		w.settle()
	})
}
