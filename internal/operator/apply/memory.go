package apply

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ref names an object.
type ref struct {
	gvk schema.GroupVersionKind
	key client.ObjectKey
}

func (r ref) String() string { return r.gvk.Kind + " " + r.key.Name }

// want is an object as it is to be.
type want struct {
	ref  ref
	body []byte // its JSON, with the fields that are set and no others
	hash [sha256.Size]byte
}

// decode reads an apply configuration of any type. One without a kind or a name is an error of who made it.
func decode(object runtime.ApplyConfiguration) (want, error) {
	body, err := json.Marshal(object)
	if err != nil {
		return want{}, fmt.Errorf("encode %T: %w", object, err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(body); err != nil {
		return want{}, fmt.Errorf("decode %T: %w", object, err)
	}
	if u.GetName() == "" {
		return want{}, fmt.Errorf("%T has no name", object)
	}
	return want{
		ref:  ref{gvk: u.GroupVersionKind(), key: client.ObjectKeyFromObject(u)},
		body: body,
		hash: sha256.Sum256(body),
	}, nil
}

// mark is what an object was when it was last applied: what was sent, and the resource version that came of it.
type mark struct {
	hash    [sha256.Size]byte
	version string
}

// memory keeps the marks of all owners. It is lost with the process: then each object is applied once more.
type memory struct {
	mu     sync.Mutex
	owners map[client.ObjectKey]map[ref]mark
}

func (m *memory) recall(owner client.ObjectKey, r ref) mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owners[owner][r]
}

func (m *memory) remember(owner client.ObjectKey, r ref, k mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owners[owner] == nil {
		m.owners[owner] = make(map[ref]mark)
	}
	m.owners[owner][r] = k
}

func (m *memory) drop(owner client.ObjectKey, r ref) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owners[owner], r)
}

func (m *memory) forget(owner client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.owners, owner)
}
