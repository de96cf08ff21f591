// Package names holds every name by which users, other programs and the operator's own parts know something: labels,
// annotations, ports, objects, paths in containers, environment variables. Names may be added; a name that was released is
// never changed, since workloads, dashboards and scripts depend on it. A golden test lists them all.
//
// The package decides nothing and imports nothing of the project.
package names
