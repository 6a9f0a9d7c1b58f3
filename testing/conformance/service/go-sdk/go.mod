module ternmq.invalid/conformance/go-sdk

go 1.19

require (
	github.com/aws/aws-sdk-go-v2 v1.24.1
	github.com/aws/aws-sdk-go-v2/credentials v1.16.14
	github.com/aws/aws-sdk-go-v2/service/mq v1.20.6
	ternmq.invalid/conformance/cases v0.0.0
)

require (
	github.com/aws/aws-sdk-go-v2/internal/configsources v1.2.10 // indirect
	github.com/aws/aws-sdk-go-v2/internal/endpoints/v2 v2.5.10 // indirect
	github.com/aws/smithy-go v1.19.0 // indirect
)

replace ternmq.invalid/conformance/cases => ../../scenarios/cases
