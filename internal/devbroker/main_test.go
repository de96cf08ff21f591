package devbroker

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childDir names, in the environment, the directory on which the test binary
// is to run a broker instead of the tests, until it is killed.
const childDir = "STEG_TEST_DEVBROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(serve(dir))
	}
	goleak.VerifyTestMain(m)
}

// serve prints the broker's address, or why there is none, and waits to be
// killed. Should the parent die first, standard input ends and so does this.
func serve(dir string) int {
	b, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}
