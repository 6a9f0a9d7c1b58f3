module ternmq.invalid/conformance/go-app

go 1.20

require (
	github.com/rabbitmq/amqp091-go v1.10.0
	ternmq.invalid/conformance/cases v0.0.0
)

replace ternmq.invalid/conformance/cases => ../cases
