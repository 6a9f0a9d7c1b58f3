module ternmq.invalid/conformance/go-stomp

go 1.20

require (
	github.com/go-stomp/stomp/v3 v3.1.3
	github.com/rabbitmq/amqp091-go v1.10.0
	ternmq.invalid/conformance/cases v0.0.0
)

replace ternmq.invalid/conformance/cases => ../cases
