package serve

// connections returns how many connections of the named listener are open.
func (g *Group) connections(name string) int {
	for _, b := range g.bound {
		if b.name == name {
			b.guard.mu.Lock()
			defer b.guard.mu.Unlock()
			return len(b.guard.open)
		}
	}
	return 0
}
