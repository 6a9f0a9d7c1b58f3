package main

import (
	"fmt"
	"time"

	"github.com/go-stomp/stomp/v3"

	"ternmq.invalid/conformance/cases"
)

func topics(p *peers) error {
	one, two, err := p.pair()
	if err != nil {
		return err
	}
	some, err := subscribe(one, "/topic/s.news.*", stomp.AckAuto)
	if err != nil {
		return err
	}
	all, err := subscribe(two, "/topic/s.#", stomp.AckAuto)
	if err != nil {
		return err
	}
	sender, err := p.connect(stomp.ConnOpt.AcceptVersion(stomp.V10))
	if err != nil {
		return err
	}
	err = cases.First(send(sender, "/topic/s.news.today", "both"), send(sender, "/topic/s.other", "second only"))
	if err != nil {
		return err
	}
	if _, err := expect(all, "two", "both", "second only"); err != nil {
		return err
	}
	_, err = expect(some, "one", "both")
	return cases.First(err, nothing(one, some))
}

func durableSubscription(p *peers) error {
	durable, kept, id := header("durable", "true"), header("auto-delete", "false"), stomp.SubscribeOpt.Id("s.sub")
	connection, err := p.connect()
	if err != nil {
		return err
	}
	if _, err := subscribe(connection, "/topic/s.durable", stomp.AckAuto, id, durable, kept); err != nil {
		return err
	}
	if err := connection.Disconnect(); err != nil {
		return err
	}
	sender, again, err := p.pair()
	if err != nil {
		return err
	}
	if err := send(sender, "/topic/s.durable", "while away", persistent); err != nil {
		return err
	}
	subscription, err := again.Subscribe("/topic/s.durable", stomp.AckAuto, id, durable, kept)
	if err != nil {
		return err
	}
	if _, err := expect(subscription, "collected", "while away"); err != nil {
		return err
	}
	// With the header the subscription itself goes, not only this reader of it.
	if err := unsubscribe(subscription, durable); err != nil {
		return err
	}
	if err := send(sender, "/topic/s.durable", "for nobody", persistent); err != nil {
		return err
	}
	fresh, err := subscribe(again, "/topic/s.durable", stomp.AckAuto, id, durable, kept)
	return cases.First(err, nothing(again, fresh), unsubscribe(fresh, durable))
}

func autoDeleteAndExclusive(p *peers) error {
	owner, other, err := p.pair()
	if err != nil {
		return err
	}
	brief, err := subscribe(owner, "/queue/s.brief", stomp.AckAuto, header("durable", "false"), header("auto-delete", "true"),
		header("exclusive", "false"))
	if err != nil {
		return err
	}
	if _, err := p.depth("s.brief"); err != nil {
		return err
	}
	if err := cases.First(unsubscribe(brief), p.gone("s.brief")); err != nil {
		return err
	}
	_, err = subscribe(owner, "/queue/s.mine", stomp.AckAuto, header("durable", "false"), header("exclusive", "true"))
	if err != nil {
		return err
	}
	theirs, err := other.Subscribe("/queue/s.mine", stomp.AckAuto, header("durable", "false"), header("exclusive", "true"))
	if err != nil {
		return err
	}
	return cases.First(refusal(theirs, "resource_locked"), owner.Disconnect(), p.gone("s.mine"))
}

// queueArguments checks that those of SUBSCRIBE make the queue: old messages go, and the strongest comes first.
func queueArguments(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	expiring, err := subscribe(connection, "/queue/s.ttl", stomp.AckAuto, header("x-message-ttl", "60"), header("x-expires", "60000"))
	if err = cases.First(err, unsubscribe(expiring), send(connection, "/queue/s.ttl", "late")); err != nil {
		return err
	}
	if err := p.empties("s.ttl"); err != nil {
		return err
	}
	strong, err := subscribe(connection, "/queue/s.priority", stomp.AckAuto, header("x-max-priority", "5"))
	if err = cases.First(err, unsubscribe(strong)); err != nil {
		return err
	}
	for _, priority := range []string{"1", "5", "3"} {
		if err := send(connection, "/queue/s.priority", priority, stomp.SendOpt.Header("priority", priority)); err != nil {
			return err
		}
	}
	strong, err = connection.Subscribe("/queue/s.priority", stomp.AckAuto, header("x-max-priority", "5"))
	if err != nil {
		return err
	}
	_, err = expect(strong, "order by priority", "5", "3", "1")
	return err
}

// empties waits until a queue holds nothing.
func (p *peers) empties(name string) error {
	for deadline := time.Now().Add(cases.Wait); time.Now().Before(deadline); {
		if depth, err := p.depth(name); err != nil || depth == 0 {
			return err
		}
	}
	return fmt.Errorf("%s keeps its messages", name)
}

func exchangeAndAMQQueue(p *peers) error {
	channel, err := p.amqp()
	if err != nil {
		return err
	}
	_, err = channel.QueueDeclare("s.given", true, false, false, false, nil)
	err = cases.First(err,
		channel.ExchangeDeclare("s.direct", "direct", true, false, false, false, nil),
		channel.QueueBind("s.given", "k", "s.direct", false, nil))
	if err != nil {
		return err
	}
	connection, err := p.connect()
	if err != nil {
		return err
	}
	given, err := subscribe(connection, "/amq/queue/s.given", stomp.AckAuto)
	if err != nil {
		return err
	}
	own, err := subscribe(connection, "/exchange/s.direct/k", stomp.AckAuto)
	if err = cases.First(err, send(connection, "/exchange/s.direct/k", "twice")); err != nil {
		return err
	}
	if _, err := expect(given, "bound by AMQP", "twice"); err != nil {
		return err
	}
	if _, err := expect(own, "bound by SUBSCRIBE", "twice"); err != nil {
		return err
	}
	if err := send(connection, "/amq/queue/s.given", "straight"); err != nil {
		return err
	}
	_, err = expect(given, "sent to the queue", "straight")
	return cases.First(err, nothing(connection, own))
}

func requestAndReply(p *peers) error {
	client, server, err := p.pair()
	if err != nil {
		return err
	}
	requests, err := subscribe(server, "/queue/s.rpc", stomp.AckAuto)
	if err != nil {
		return err
	}
	// This only tells the client that answers will come: the broker makes the queue for the first request.
	answers, err := client.Subscribe("/temp-queue/answers", stomp.AckAuto, header(stomp.ReplyToHeader, "/temp-queue/answers"))
	if err != nil {
		return err
	}
	for _, question := range numbers(3) {
		err := send(client, "/queue/s.rpc", question,
			stomp.SendOpt.Header(stomp.ReplyToHeader, "/temp-queue/answers"), stomp.SendOpt.Header("correlation-id", question))
		if err != nil {
			return err
		}
		got, err := expect(requests, "request", question)
		if err != nil {
			return err
		}
		id := got[0].Header.Get("correlation-id")
		err = send(server, got[0].Header.Get(stomp.ReplyToHeader), "answer "+id, stomp.SendOpt.Header("correlation-id", id))
		if err != nil {
			return err
		}
		got, err = expect(answers, "answer", "answer "+question)
		if err = cases.First(err, cases.Equal(got[0].Header.Get("correlation-id"), question, "correlation-id")); err != nil {
			return err
		}
	}
	return nil
}

func nothingAfterUnsubscribe(p *peers) error {
	connection, err := p.connect()
	if err != nil {
		return err
	}
	subscription, err := subscribe(connection, "/queue/s.left", stomp.AckAuto)
	if err = cases.First(err, unsubscribe(subscription), send(connection, "/queue/s.left", "stays")); err != nil {
		return err
	}
	depth, err := p.depth("s.left")
	return cases.First(err, cases.Equal(depth, 1, "messages left"), connection.Disconnect())
}
