module ternmq.invalid/conformance/cases

go 1.20
