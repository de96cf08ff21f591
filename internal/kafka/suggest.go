package kafka

// Suggest returns the candidate nearest to a misspelled name, or "" when none is near enough: two edits for short names,
// three for names from 12 characters up. Of equally near candidates the first one is returned.
func Suggest(name string, candidates []string) string {
	limit := 2
	if len(name) >= 12 {
		limit = 3
	}
	best, nearest := "", limit+1
	for _, c := range candidates {
		if diff := len(c) - len(name); diff > limit || -diff > limit {
			continue
		}
		if d := Distance(name, c); d < nearest {
			best, nearest = c, d
		}
	}
	return best
}

// Distance is the number of single-byte edits between two names (Levenshtein), in one row of memory.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
