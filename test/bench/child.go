package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// child is a process of ours. One that plays a role of this program ends when its standard input does, so that none is left
// behind if this process is killed.
type child struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	lines *bufio.Scanner
}

// stopTime is how long a process may take to end before it is killed.
const stopTime = 30 * time.Second

// start runs a program with pipes to it. It does not end with a context: stop ends it.
func start(program string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(context.Background(), program, args...)}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(out)
	c.lines.Buffer(nil, 1<<20)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	return c, nil
}

// role starts this program in a role.
func role(name string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(self, append([]string{name}, args...)...)
}

func (c *child) id() int { return c.cmd.Process.Pid }

// line returns the next line of output.
func (c *child) line() (string, error) {
	if c.lines.Scan() {
		return c.lines.Text(), nil
	}
	return "", errors.Join(c.lines.Err(), fmt.Errorf("%s ended", c.cmd.Args[0]))
}

// ask sends a line of JSON and reads one into answer.
func (c *child) ask(question, answer any) error {
	text, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := c.input.Write(append(text, '\n')); err != nil {
		return err
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(line), answer)
}

// stop ends the process and waits for it.
func (c *child) stop() error {
	_ = c.input.Close()
	_ = c.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	kill := time.AfterFunc(stopTime, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	err := c.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() < 0 {
		return nil // by our signal
	}
	return err
}

// orphaned returns a context that ends with ctx or with standard input, for a role.
func orphaned(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}
