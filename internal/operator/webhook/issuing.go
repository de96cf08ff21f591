package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
)

// errOvertaken says that another replica wrote the Secret at the same time; what it wrote is read at the next look.
var errOvertaken = errors.New("another replica was faster")

// loadSecret shows what the Secret holds, and reports whether it can be used: whether it is valid and, as long as that was
// never seen, whether the API server trusts it. After a reinstallation it does not, while the Lease of the operator before
// may still run for a minute.
func (c *Certificates) loadSecret(ctx context.Context) (usable bool, err error) {
	secret, err := c.secret(ctx)
	if err != nil || secret == nil {
		return false, err
	}
	serving, _ := pki.ParseServing(secret.Data) // what is wrong with it is told by the one who mends it
	if !serving.Usable(c.o.Now()) {
		return false, nil
	}
	c.show(serving.Leaf, nil)
	if c.installed.Load() {
		return true, nil
	}
	for _, t := range c.targets() {
		if t.trusts(ctx, c.live, serving.Leaf.Certificate, c.o.Now()) != nil {
			return false, nil
		}
	}
	c.installed.Store(true)
	return true, nil
}

// secret reads the Secret, nil if there is none.
func (c *Certificates) secret(ctx context.Context) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := c.live.Get(ctx, client.ObjectKey{Namespace: c.o.Namespace, Name: c.o.Secret}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s/%s: %w", c.o.Namespace, c.o.Secret, err)
	}
	return secret, nil
}

// maintain does what is due: an authority, its installation, a certificate. Each state is stored before it is used, and a
// Secret that another replica changed meanwhile is left to the next pass.
func (c *Certificates) maintain(ctx context.Context) error {
	select {
	case c.leading <- struct{}{}:
		defer func() { <-c.leading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	secret, err := c.secret(ctx)
	if err != nil {
		return err
	}
	var have pki.Serving
	if secret != nil {
		if have, err = pki.ParseServing(secret.Data); err != nil {
			c.o.Log.Warn("the webhook's Secret is broken and will be mended", "secret", c.o.Secret, "error", err.Error())
		}
	}
	now := c.o.Now()
	serving, done, err := c.policy.Advance(rand.Reader, have, c.toldSince(have), now)
	if err != nil {
		return err
	}
	if len(done) > 0 {
		if err := c.store(ctx, secret, serving); err != nil {
			return err
		}
		for _, line := range done {
			c.o.Log.Info("webhook certificate: " + line)
		}
	}
	c.show(serving.Leaf, nil)
	return c.install(ctx, serving, now)
}

// toldSince is since when the API server has what s trusts, as far as this process knows. A new leader counts from its own
// first look.
func (c *Certificates) toldSince(s pki.Serving) time.Time {
	if c.bundle != string(s.Bundle()) {
		return time.Time{}
	}
	return c.told
}

// install gives the bundle to all that have to trust it.
func (c *Certificates) install(ctx context.Context, s pki.Serving, now time.Time) error {
	bundle := s.Bundle()
	changed := false
	for _, t := range c.targets() {
		written, err := t.install(ctx, c.live, c.writer, bundle)
		if err != nil {
			c.told = time.Time{}
			return err
		}
		if written {
			changed = true
			c.o.Log.Info("webhook certificate: authorities installed", "kind", t.kind.Kind, "name", t.name)
		}
	}
	if changed || c.toldSince(s).IsZero() {
		c.told, c.bundle = now, string(bundle)
	}
	c.installed.Store(true)
	return nil
}

// store writes the Secret: created if there was none, else updated on the condition that nobody did so since it was read.
func (c *Certificates) store(ctx context.Context, old *corev1.Secret, s pki.Serving) error {
	data, err := s.Data()
	if err != nil {
		return err
	}
	owner := client.FieldOwner(names.FieldOwner)
	if old == nil {
		fresh := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: c.o.Namespace, Name: c.o.Secret,
				Labels: map[string]string{names.LabelName: names.Operator, names.LabelManagedBy: names.Operator},
			},
			Type: corev1.SecretTypeTLS, Data: data,
		}
		if err := c.writer.Create(ctx, fresh, owner); apierrors.IsAlreadyExists(err) {
			return errOvertaken
		} else if err != nil {
			return fmt.Errorf("creating Secret %s/%s: %w", c.o.Namespace, c.o.Secret, err)
		}
		return nil
	}
	changed := old.DeepCopy()
	if changed.Data == nil {
		changed.Data = make(map[string][]byte)
	}
	maps.Copy(changed.Data, data)
	if err := c.writer.Update(ctx, changed, owner); apierrors.IsConflict(err) {
		return errOvertaken
	} else if err != nil {
		return fmt.Errorf("updating Secret %s/%s: %w", c.o.Namespace, c.o.Secret, err)
	}
	return nil
}
