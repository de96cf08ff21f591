package bridge

import "sync"

// buffer is room for one answer.
type buffer struct{ data []byte }

// buffers keeps room for answers between requests.
type buffers struct{ pool sync.Pool }

func (p *buffers) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

// put takes a buffer back; one that a large answer has grown is left to the collector.
func (p *buffers) put(b *buffer) {
	if cap(b.data) > pooledBuffer {
		return
	}
	b.data = b.data[:0]
	p.pool.Put(b)
}
