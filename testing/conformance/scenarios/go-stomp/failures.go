package main

import (
	"strconv"

	"github.com/go-stomp/stomp/v3"

	"ternmq.invalid/conformance/cases"
)

func unknownDestination(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	return refused(send(connection, "/nonsense/x", "x"), "Unknown destination")
}

func unknownQueue(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	subscription, err := connection.Subscribe("/amq/queue/s.none", stomp.AckAuto)
	return cases.First(err, refusal(subscription, "not_found"))
}

func queueDeleted(p *peers) error {
	connection, channel, err := p.both()
	if err != nil {
		return err
	}
	subscription, err := subscribe(connection, "/queue/s.deleted", stomp.AckAuto)
	if err != nil {
		return err
	}
	_, err = channel.QueueDelete("s.deleted", false, false, false)
	return cases.First(err, refusal(subscription, "Server cancelled subscription"))
}

// sender keeps a connection and makes a new one when it is lost.
type sender struct {
	peers      *peers
	connection *stomp.Conn
}

func (s *sender) connect() error {
	connection, err := s.peers.connect()
	s.connection = connection
	return err
}

func (s *sender) send(number int) bool {
	return send(s.connection, "/queue/s.kept", strconv.Itoa(number), persistent) == nil
}

// reconnectAfterKill loses nothing that a receipt came for, nor a durable subscription.
func reconnectAfterKill(p *peers) error {
	durable, kept, id := header("durable", "true"), header("auto-delete", "false"), stomp.SubscribeOpt.Id("s.survivor")
	before, err := p.connect()
	if err != nil {
		return err
	}
	if _, err := subscribe(before, "/topic/s.survivor", stomp.AckAuto, id, durable, kept); err != nil {
		return err
	}
	if err := cases.First(before.Disconnect()); err != nil {
		return err
	}
	sending := &sender{peers: p}
	confirmed, err := cases.KeepOverKill(sending.connect, sending.send)
	if err != nil {
		return err
	}
	depth, err := p.depth("s.kept")
	if err != nil {
		return err
	}
	reader, err := p.connect()
	if err != nil {
		return err
	}
	subscription, err := reader.Subscribe("/queue/s.kept", stomp.AckAuto)
	if err != nil {
		return err
	}
	got, err := take(subscription, depth)
	if err = cases.First(err, cases.NoneLost(confirmed, bodies(got))); err != nil {
		return err
	}
	if err := send(reader, "/topic/s.survivor", "still subscribed", persistent); err != nil {
		return err
	}
	survivor, err := reader.Subscribe("/topic/s.survivor", stomp.AckAuto, id, durable, kept)
	if err != nil {
		return err
	}
	_, err = expect(survivor, "kept by the durable subscription", "still subscribed")
	return err
}
