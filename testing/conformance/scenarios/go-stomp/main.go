// Command go-stomp is an application over go-stomp, with amqp091-go at the other end of some conversations. It prints one line per
// case; ../cases.py tells the talk with the harness.
package main

import (
	"ternmq.invalid/conformance/cases"
)

func main() {
	cases.Run([]func(*peers) error{
		everyVersion, connectByTheStompFrame, wrongPassword, unknownVirtualHost, heartBeats, overTLS,
		receipts, bodiesWithNUL, escapedHeaders, unreceiptedSends,
		clientAcksAreCumulative, individualAcks, acksOfOldVersions, nackRequeues, deadLetters, prefetchCount,
		transactions, transactionalAcks, nackInATransaction,
		topics, durableSubscription, autoDeleteAndExclusive, queueArguments, exchangeAndAMQQueue,
		requestAndReply, replyAcross, toAMQP, fromAMQP,
		unknownDestination, unknownQueue, queueDeleted, nothingAfterUnsubscribe, reconnectAfterKill,
	}, attempt)
}
