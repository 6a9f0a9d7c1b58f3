// Package cases is the frame of a Go scenario: it runs cases one after the other and prints one line for each. ../cases.py tells
// the talk with the harness.
package cases

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// Wait is how long a case waits for what has to come.
const Wait = 10 * time.Second

// KeptMessages is how many messages are taken responsibility for around a kill.
const KeptMessages = 300

var harness = bufio.NewReader(os.Stdin)

// Skipped says why a case cannot be tried against this broker.
type Skipped string

func (why Skipped) Error() string { return string(why) }

// Run gives each case to attempt, which connects for it, and prints its line.
func Run[T any](cases []func(T) error, attempt func(func(T) error) error) {
	for _, run := range cases {
		report(nameOf(run), attempt(run))
	}
}

func nameOf(function any) string {
	name := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

func report(name string, err error) {
	var skipped Skipped
	switch {
	case err == nil:
		fmt.Printf("ok %s\n", name)
	case errors.As(err, &skipped):
		fmt.Printf("skipped %s: %s\n", name, skipped)
	default:
		fmt.Printf("FAILED %s: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	}
}

// Equal fails with both values named.
func Equal(got, wanted any, what string) error {
	if !reflect.DeepEqual(got, wanted) {
		return fmt.Errorf("%s: got %#v, wanted %#v", what, got, wanted)
	}
	return nil
}

// First gives the first error of a list.
func First(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

// RequestKill asks for the broker to be killed. The channel gives the harness's answer when the new one serves.
func RequestKill() <-chan string {
	restarted := make(chan string, 1)
	fmt.Println("HARNESS kill")
	go func() {
		line, _ := harness.ReadString('\n')
		restarted <- strings.TrimSpace(line)
	}()
	return restarted
}

// KeepOverKill sends numbered messages until KeptMessages are taken responsibility for, has the broker killed half way, and gives
// the numbers that send said yes to. When send says no the broker is waited for and connect called.
func KeepOverKill(connect func() error, send func(number int) bool) ([]int, error) {
	if err := connect(); err != nil {
		return nil, err
	}
	var restarted <-chan string
	isBack := false
	await := func() error {
		if restarted == nil {
			return errors.New("a message was refused before the kill")
		}
		if isBack {
			return nil
		}
		isBack = true
		return Equal(<-restarted, "restarted", "answer of the harness")
	}
	var kept []int
	for number := 1; len(kept) < KeptMessages; number++ {
		if send(number) {
			kept = append(kept, number)
		} else if err := First(await(), connect()); err != nil {
			return nil, err
		}
		if len(kept) == KeptMessages/2 && restarted == nil {
			restarted = RequestKill()
		}
	}
	return kept, await()
}

// NoneLost fails when one of the kept numbers is not among the bodies.
func NoneLost(kept []int, bodies []string) error {
	seen := map[string]bool{}
	for _, body := range bodies {
		seen[body] = true
	}
	var lost []int
	for _, number := range kept {
		if !seen[fmt.Sprint(number)] {
			lost = append(lost, number)
		}
	}
	return Equal(len(lost), 0, fmt.Sprintf("messages lost: %v", lost))
}
