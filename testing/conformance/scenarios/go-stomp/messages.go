package main

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"ternmq.invalid/conformance/cases"
)

func numbers(count int) []string {
	var texts []string
	for number := 0; number < count; number++ {
		texts = append(texts, strconv.Itoa(number))
	}
	return texts
}

func sendNumbers(connection *stomp.Conn, destination string, count int) error {
	for _, body := range numbers(count) {
		if err := connection.Send(destination, "text/plain", []byte(body)); err != nil {
			return err
		}
	}
	return nil
}

func receipts(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	for _, body := range numbers(50) {
		if err := send(connection, "/queue/s.receipts", body, persistent); err != nil {
			return err
		}
	}
	depth, err := p.depth("s.receipts")
	if err = cases.First(err, cases.Equal(depth, 50, "messages with a receipt")); err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/queue/s.receipts", stomp.AckAuto)
	if err != nil {
		return err
	}
	_, err = expect(subscription, "order", numbers(50)...)
	return err
}

func unreceiptedSends(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	if err := sendNumbers(connection, "/queue/s.plain", 500); err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/queue/s.plain", stomp.AckAuto)
	if err != nil {
		return err
	}
	_, err = expect(subscription, "order", numbers(500)...)
	return err
}

func bodiesWithNUL(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/queue/s.binary", stomp.AckAuto)
	if err != nil {
		return err
	}
	every := make([]byte, 256)
	for value := range every {
		every[value] = byte(value)
	}
	for _, body := range [][]byte{{}, {0}, []byte("a\x00\n\x00b"), every, bytes.Repeat(every, 8192)} {
		if err := connection.Send("/queue/s.binary", "application/octet-stream", body, receipt); err != nil {
			return err
		}
		got, err := take(subscription, 1)
		if err != nil {
			return err
		}
		if !bytes.Equal(got[0].Body, body) {
			return fmt.Errorf("a body of %d bytes came back as %d others", len(body), len(got[0].Body))
		}
	}
	// Without content-length a body ends at its first NUL.
	if err := send(connection, "/queue/s.binary", "text", stomp.SendOpt.NoContentLength); err != nil {
		return err
	}
	_, err = expect(subscription, "a body without content-length", "text")
	return err
}

func escapedHeaders(p *peers) error {
	special := map[stomp.Version]string{stomp.V11: "a:b\\c\nd", stomp.V12: "a:b\\c\nd\re"}
	for _, version := range []stomp.Version{stomp.V11, stomp.V12} {
		connection, err := p.connect(stomp.ConnOpt.AcceptVersion(version))
		if err != nil {
			return err
		}
		subscription, err := connection.Subscribe("/queue/s.escaped", stomp.AckAuto)
		if err != nil {
			return err
		}
		err = send(connection, "/queue/s.escaped", "x",
			stomp.SendOpt.Header("special", special[version]), stomp.SendOpt.Header("na:me", "v"))
		if err != nil {
			return err
		}
		got, err := take(subscription, 1)
		if err != nil {
			return err
		}
		err = cases.First(
			cases.Equal(got[0].Header.Get("special"), special[version], "value in "+version.String()),
			cases.Equal(got[0].Header.Get("na:me"), "v", "name in "+version.String()),
			unsubscribe(subscription),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

// left checks what a subscription finds that comes after another.
func left(p *peers, destination string, wanted ...string) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	subscription, err := connection.Subscribe(destination, stomp.AckAuto)
	if err != nil {
		return err
	}
	got, err := expect(subscription, "what was not acknowledged", wanted...)
	if err != nil {
		return err
	}
	for _, message := range got {
		if err := cases.Equal(message.Header.Get("redelivered"), "true", "redelivered"); err != nil {
			return err
		}
	}
	return cases.First(nothing(connection, subscription), unsubscribe(subscription))
}

// filled subscribes to a queue in which so many messages are, and takes them.
func filled(connection *stomp.Conn, destination string, count int, mode stomp.AckMode, more ...func(*frame.Frame) error) ([]*stomp.Message, error) {
	if err := sendNumbers(connection, destination, count); err != nil {
		return nil, err
	}
	subscription, err := connection.Subscribe(destination, mode, more...)
	if err != nil {
		return nil, err
	}
	return expect(subscription, "order", numbers(count)...)
}

func clientAcksAreCumulative(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	got, err := filled(connection, "/queue/s.client", 4, stomp.AckClient)
	if err != nil {
		return err
	}
	return cases.First(connection.Ack(got[2]), connection.Disconnect(), left(p, "/queue/s.client", "3"))
}

func individualAcks(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	got, err := filled(connection, "/queue/s.individual", 3, stomp.AckClientIndividual)
	if err != nil {
		return err
	}
	return cases.First(connection.Ack(got[1]), connection.Disconnect(), left(p, "/queue/s.individual", "0", "2"))
}

func acksOfOldVersions(p *peers) error {
	for _, version := range []stomp.Version{stomp.V10, stomp.V11} {
		connection, err := p.connect(stomp.ConnOpt.AcceptVersion(version))
		if err != nil {
			return err
		}
		got, err := filled(connection, "/queue/s.old", 2, stomp.AckClient, stomp.SubscribeOpt.Id("sub"))
		if err = cases.First(err, connection.Ack(got[0]), connection.Disconnect()); err != nil {
			return err
		}
		if err := left(p, "/queue/s.old", "1"); err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
	}
	return nil
}

func nackRequeues(p *peers) error {
	for _, version := range []stomp.Version{stomp.V11, stomp.V12} {
		connection, err := p.connect(stomp.ConnOpt.AcceptVersion(version))
		if err != nil {
			return err
		}
		subscription, err := connection.Subscribe("/queue/s.nack", stomp.AckClientIndividual)
		if err = cases.First(err, send(connection, "/queue/s.nack", "again")); err != nil {
			return err
		}
		got, err := expect(subscription, "first", "again")
		if err = cases.First(err, connection.Nack(got[0])); err != nil {
			return err
		}
		got, err = expect(subscription, "after a nack", "again")
		if err != nil {
			return err
		}
		err = cases.First(
			cases.Equal(got[0].Header.Get("redelivered"), "true", "redelivered"),
			connection.Ack(got[0]),
			connection.Disconnect(),
		)
		if err != nil {
			return err
		}
		depth, err := p.depth("s.nack")
		if err = cases.First(err, cases.Equal(depth, 0, "messages left")); err != nil {
			return err
		}
	}
	return nil
}

func prefetchCount(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	if err := sendNumbers(connection, "/queue/s.prefetch", 4); err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/queue/s.prefetch", stomp.AckClient, header("prefetch-count", "2"))
	if err != nil {
		return err
	}
	got, err := expect(subscription, "the window", "0", "1")
	if err = cases.First(err, nothing(connection, subscription), connection.Ack(got[1])); err != nil {
		return err
	}
	_, err = expect(subscription, "after the window opened", "2", "3")
	return err
}
