package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/mq"
)

const (
	region = "us-east-1"
	// wait is for what has to come: longer than it ever takes on a busy machine.
	wait  = 60 * time.Second
	pause = 20 * time.Millisecond
)

// service is `ternmq serve` below the working folder, and a client of it.
type service struct {
	process *exec.Cmd
	*mq.Client
}

func start() (*service, error) {
	ports, keys := "ports.json", "keys.json"
	process := exec.Command(os.Getenv("TERNMQ"), "serve", "--data-dir", "data", "--listen", "api=127.0.0.1:0",
		"--ports-file", ports, "--credentials-file", keys, "--no-first-broker", "--api-burst=100000", "--api-rate=100000")
	log, err := os.Create("service.log")
	if err != nil {
		return nil, err
	}
	process.Stdout, process.Stderr = log, log
	if err := process.Start(); err != nil {
		return nil, err
	}
	var addresses map[string]string
	if err := until("the service serves", func() (bool, error) {
		err := read(ports, &addresses)
		return err == nil, ignoreMissing(err)
	}); err != nil {
		return nil, err
	}
	var key struct {
		ID     string `json:"access_key_id"`
		Secret string `json:"secret_access_key"`
	}
	if err := read(keys, &key); err != nil {
		return nil, err
	}
	client := mq.New(mq.Options{
		Region:       region,
		BaseEndpoint: aws.String("http://" + addresses["api"]),
		Credentials:  credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
	return &service{process, client}, nil
}

func (it *service) stop() error {
	if err := it.process.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return it.process.Wait()
}

func read(name string, into any) error {
	bytes, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(bytes, into)
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// until polls until it holds.
func until(what string, holds func() (bool, error)) error {
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(pause) {
		if is, err := holds(); is || err != nil {
			return err
		}
	}
	return fmt.Errorf("waited %s until %s", wait, what)
}

// nextSecond waits until another second: the same call in the same second has the same signature and is the same call.
func nextSecond() error {
	second := time.Now().Unix()
	return until("the next second", func() (bool, error) { return time.Now().Unix() > second, nil })
}

func background() context.Context { return context.Background() }
