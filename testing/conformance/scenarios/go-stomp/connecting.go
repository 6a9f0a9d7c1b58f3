package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"ternmq.invalid/conformance/cases"
)

// securePort is the listener `stomps` of docs/operations/transports.md.
const securePort = "61614"

func everyVersion(p *peers) error {
	for _, version := range []stomp.Version{stomp.V10, stomp.V11, stomp.V12} {
		connection, err := p.connect(stomp.ConnOpt.AcceptVersion(version))
		if err != nil {
			return err
		}
		destination := "/queue/s.v" + version.String()
		subscription, err := connection.Subscribe(destination, stomp.AckAuto)
		if err != nil {
			return err
		}
		err = connection.Send(destination, "text/plain", []byte("hello"), stomp.SendOpt.Header("k", "v"))
		if err != nil {
			return err
		}
		got, err := expect(subscription, "body in "+version.String(), "hello")
		if err != nil {
			return err
		}
		err = cases.First(
			cases.Equal(connection.Version(), version, "version agreed on"),
			cases.Equal(got[0].Header.Get("k"), "v", "header in "+version.String()),
			cases.Equal(got[0].Destination, destination, "destination"),
			cases.Equal(got[0].ContentType, "text/plain", "content type"),
			unsubscribe(subscription),
			connection.Disconnect(),
		)
		if err != nil {
			return err
		}
	}
	latest, err := p.connect()
	return cases.First(err, cases.Equal(latest.Version(), stomp.V12, "version agreed on when all are spoken"))
}

func connectByTheStompFrame(p *peers) error {
	connection, err := p.connect(stomp.ConnOpt.UseStomp)
	if err != nil {
		return err
	}
	return cases.First(
		cases.Equal(connection.Session() != "", true, "a session is named"),
		cases.Equal(connection.Server() != "", true, "a server is named"),
		send(connection, "/queue/s.stomp", "x"),
		connection.Disconnect(),
	)
}

func wrongPassword(p *peers) error {
	_, err := p.connect(stomp.ConnOpt.Login("guest", "wrong"))
	return refused(err, "Bad CONNECT")
}

func unknownVirtualHost(p *peers) error {
	_, err := p.connect(stomp.ConnOpt.Host("nowhere"))
	return refused(err, "Bad CONNECT")
}

// heartBeats keep an idle connection over several of its intervals: each side ends one that is silent for two.
func heartBeats(p *peers) error {
	var agreed string
	connection, err := p.connect(
		stomp.ConnOpt.HeartBeat(time.Second, time.Second),
		stomp.ConnOpt.HeartBeatError(200*time.Millisecond),
		stomp.ConnOpt.ResponseHeaders(func(headers *frame.Header) { agreed = headers.Get("heart-beat") }),
	)
	if err != nil {
		return err
	}
	if err := cases.Equal(agreed, "1000,1000", "heart-beat of CONNECTED"); err != nil {
		return err
	}
	subscription, err := subscribe(connection, "/queue/s.idle", stomp.AckAuto)
	if err != nil {
		return err
	}
	select {
	case message := <-subscription.C:
		return fmt.Errorf("an idle connection got %v", message)
	case <-time.After(4 * time.Second):
	}
	if err := send(connection, "/queue/s.idle", "awake"); err != nil {
		return err
	}
	_, err = expect(subscription, "after four idle seconds", "awake")
	return err
}

func overTLS(p *peers) error {
	host := net.JoinHostPort(address.Hostname(), securePort)
	if probe, err := net.Dial("tcp", host); err != nil {
		return cases.Skipped("nobody listens for STOMP on TLS here")
	} else {
		probe.Close()
	}
	ca, err := os.ReadFile(os.Getenv("TLS_CA"))
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(ca) {
		return fmt.Errorf("%s holds no certificate", os.Getenv("TLS_CA"))
	}
	if wire, err := tls.Dial("tcp", host, &tls.Config{ServerName: "localhost"}); err == nil {
		wire.Close()
		return fmt.Errorf("a certificate that nobody vouches for was good enough")
	}
	wire, err := tls.Dial("tcp", host, &tls.Config{ServerName: "localhost", RootCAs: trusted})
	if err != nil {
		return err
	}
	connection, err := p.over(wire)
	if err != nil {
		return err
	}
	subscription, err := subscribe(connection, "/queue/s.tls", stomp.AckAuto)
	if err = cases.First(err, send(connection, "/queue/s.tls", "secret")); err != nil {
		return err
	}
	_, err = expect(subscription, "over TLS", "secret")
	return err
}
