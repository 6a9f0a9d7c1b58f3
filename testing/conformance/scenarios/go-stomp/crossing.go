package main

import (
	"fmt"
	"time"

	"github.com/go-stomp/stomp/v3"
	amqp "github.com/rabbitmq/amqp091-go"

	"ternmq.invalid/conformance/cases"
)

// fetch polls by AMQP until a message is there.
func fetch(channel *amqp.Channel, name string) (amqp.Delivery, error) {
	for deadline := time.Now().Add(cases.Wait); time.Now().Before(deadline); {
		delivery, ok, err := channel.Get(name, true)
		if err != nil || ok {
			return delivery, err
		}
	}
	return amqp.Delivery{}, fmt.Errorf("no message came from %s", name)
}

// publish by AMQP to a queue.
func publish(channel *amqp.Channel, queue string, message amqp.Publishing) error {
	return channel.Publish("", queue, false, false, message)
}

func toAMQP(p *peers) error {
	connection, channel, err := p.both()
	if err != nil {
		return err
	}
	if _, err := channel.QueueDeclare("s.out", true, false, false, false, nil); err != nil {
		return err
	}
	option := stomp.SendOpt.Header
	err = send(connection, "/queue/s.out", "body", persistent, option("priority", "3"), option("correlation-id", "c"),
		option("reply-to", "r"), option("amqp-message-id", "m"), option("timestamp", "1700000000"), option("type", "t"),
		option("user-id", "guest"), option("app-id", "a"), option("mine", "x"))
	if err != nil {
		return err
	}
	got, err := fetch(channel, "s.out")
	return cases.First(err,
		cases.Equal(string(got.Body), "body", "body"),
		cases.Equal(got.RoutingKey, "s.out", "routing key"),
		cases.Equal(got.ContentType, "text/plain", "content type"),
		cases.Equal(got.DeliveryMode, amqp.Persistent, "delivery mode"),
		cases.Equal(got.Priority, uint8(3), "priority"),
		cases.Equal(got.CorrelationId, "c", "correlation id"),
		cases.Equal(got.ReplyTo, "r", "reply to"),
		cases.Equal(got.MessageId, "m", "message id"),
		cases.Equal(got.Timestamp.Unix(), int64(1700000000), "timestamp"),
		cases.Equal(got.Type, "t", "type"),
		cases.Equal(got.UserId, "guest", "user id"),
		cases.Equal(got.AppId, "a", "app id"),
		cases.Equal(got.Headers["mine"], "x", "header"),
	)
}

func fromAMQP(p *peers) error {
	connection, channel, err := p.both()
	if err != nil {
		return err
	}
	subscription, err := subscribe(connection, "/queue/s.in", stomp.AckAuto)
	if err != nil {
		return err
	}
	err = publish(channel, "s.in", amqp.Publishing{
		Body: []byte("bo\x00dy"), ContentType: "text/plain", DeliveryMode: amqp.Persistent, Priority: 3, CorrelationId: "c", ReplyTo: "r",
		MessageId: "m", Timestamp: time.Unix(1700000000, 0), Type: "t", UserId: "guest", AppId: "a",
		Headers: amqp.Table{"text": "x:y\n", "number": int64(7), "list": []any{int32(1)}},
	})
	if err != nil {
		return err
	}
	got, err := expect(subscription, "body", "bo\x00dy")
	if err != nil {
		return err
	}
	wanted := map[string]string{
		"content-type": "text/plain", "persistent": "true", "priority": "3", "correlation-id": "c", "reply-to": "/reply-queue/r",
		"amqp-message-id": "m", "timestamp": "1700000000", "type": "t", "user-id": "guest", "app-id": "a", "text": "x:y\n", "number": "7",
		"destination": "/queue/s.in", "list": "", "redelivered": "false",
	}
	var names []string
	for name := range wanted {
		names = append(names, name)
	}
	return cases.Equal(headers(got[0], names...), wanted, "headers")
}

// replyAcross answers by AMQP what was asked by STOMP.
func replyAcross(p *peers) error {
	connection, channel, err := p.both()
	if err != nil {
		return err
	}
	if _, err := channel.QueueDeclare("s.across", true, false, false, false, nil); err != nil {
		return err
	}
	answers, err := connection.Subscribe("/temp-queue/x", stomp.AckAuto, header(stomp.ReplyToHeader, "/temp-queue/x"))
	if err != nil {
		return err
	}
	err = send(connection, "/queue/s.across", "question",
		stomp.SendOpt.Header(stomp.ReplyToHeader, "/temp-queue/x"), stomp.SendOpt.Header("correlation-id", "7"))
	if err != nil {
		return err
	}
	request, err := fetch(channel, "s.across")
	if err != nil {
		return err
	}
	err = publish(channel, request.ReplyTo, amqp.Publishing{Body: []byte("answer"), CorrelationId: request.CorrelationId})
	if err != nil {
		return err
	}
	got, err := expect(answers, "answer", "answer")
	return cases.First(err, cases.Equal(got[0].Header.Get("correlation-id"), "7", "correlation-id"))
}

// deadLetters has a message pushed out by a later one: this client cannot say requeue:false with a NACK.
func deadLetters(p *peers) error {
	connection, channel, err := p.both()
	if err != nil {
		return err
	}
	if _, err := channel.QueueDeclare("s.dead", true, false, false, false, nil); err != nil {
		return err
	}
	_, err = subscribe(connection, "/queue/s.alive", stomp.AckClientIndividual,
		header("x-dead-letter-exchange", ""), header("x-dead-letter-routing-key", "s.dead"), header("x-max-length", "1"),
		header("prefetch-count", "1"))
	if err != nil {
		return err
	}
	// The first is with the subscription, the second waits; the third pushes that out.
	for _, body := range numbers(3) {
		if err := send(connection, "/queue/s.alive", body); err != nil {
			return err
		}
	}
	dead, err := fetch(channel, "s.dead")
	if err != nil {
		return err
	}
	deaths, _ := dead.Headers["x-death"].([]any)
	if err := cases.Equal(len(deaths), 1, "deaths"); err != nil {
		return err
	}
	death, _ := deaths[0].(amqp.Table)
	return cases.First(
		cases.Equal(string(dead.Body), "1", "dead body"),
		cases.Equal(death["queue"], "s.alive", "x-death queue"),
		cases.Equal(death["reason"], "maxlen", "x-death reason"),
	)
}
