package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
)

// What Terraform's provider calls for its resources, in its order and with its ways of waiting.

const (
	password = "correct-horse-battery"
	xml      = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<broker xmlns="http://activemq.apache.org/schema/core">
  <plugins><forcePersistencyModeBrokerPlugin persistenceFlag="true"/></plugins>
</broker>
`
)

// createConfiguration is the create of aws_mq_configuration: the text comes with an update. It gives id and revision.
func (it *service) createConfiguration(name, engine, version, data string) (string, int32, error) {
	made, err := it.CreateConfiguration(background(), &mq.CreateConfigurationInput{
		Name: aws.String(name), EngineType: types.EngineType(engine), EngineVersion: aws.String(version),
		Tags: map[string]string{"Name": name},
	})
	if err != nil {
		return "", 0, err
	}
	return it.updateConfiguration(*made.Id, data)
}

func (it *service) updateConfiguration(id, data string) (string, int32, error) {
	updated, err := it.UpdateConfiguration(background(), &mq.UpdateConfigurationInput{
		ConfigurationId: &id, Description: aws.String("by Terraform"),
		Data: aws.String(base64.StdEncoding.EncodeToString([]byte(data))),
	})
	if err != nil {
		return "", 0, err
	}
	return id, *updated.LatestRevision.Revision, nil
}

// readConfiguration is its read: what the state of aws_mq_configuration is made of.
func (it *service) readConfiguration(id string) (*mq.DescribeConfigurationOutput, string, error) {
	found, err := it.DescribeConfiguration(background(), &mq.DescribeConfigurationInput{ConfigurationId: &id})
	if err != nil {
		return nil, "", err
	}
	revision := fmt.Sprint(*found.LatestRevision.Revision)
	text, err := it.DescribeConfigurationRevision(background(), &mq.DescribeConfigurationRevisionInput{
		ConfigurationId: &id, ConfigurationRevision: &revision,
	})
	if err != nil {
		return nil, "", err
	}
	data, err := base64.StdEncoding.DecodeString(*text.Data)
	return found, string(data), err
}

// await polls until the broker is in the target state; a state that is not pending is an error.
func (it *service) await(id string, target types.BrokerState, pending ...types.BrokerState) error {
	return until(fmt.Sprintf("%s is %s", id, target), func() (bool, error) {
		found, err := it.DescribeBroker(background(), &mq.DescribeBrokerInput{BrokerId: &id})
		if err != nil {
			return false, err
		}
		for _, state := range pending {
			if found.BrokerState == state {
				return false, nil
			}
		}
		if found.BrokerState != target {
			return false, fmt.Errorf("the broker is %s", found.BrokerState)
		}
		return true, nil
	})
}

func (it *service) awaitCreated(id string) error {
	return it.await(id, types.BrokerStateRunning, types.BrokerStateCreationInProgress, types.BrokerStateRebootInProgress)
}

func (it *service) awaitRebooted(id string) error {
	return it.await(id, types.BrokerStateRunning, types.BrokerStateRebootInProgress)
}

// deleteBroker is the delete of aws_mq_broker.
func (it *service) deleteBroker(id string) error {
	if _, err := it.DeleteBroker(background(), &mq.DeleteBrokerInput{BrokerId: &id}); err != nil {
		return err
	}
	return until(id+" is gone", func() (bool, error) {
		found, err := it.DescribeBroker(background(), &mq.DescribeBrokerInput{BrokerId: &id})
		var missing *types.NotFoundException
		if errors.As(err, &missing) {
			return true, nil
		}
		if err == nil && found.BrokerState != types.BrokerStateDeletionInProgress {
			return false, fmt.Errorf("the broker is %s", found.BrokerState)
		}
		return false, err
	})
}

// state is what aws_mq_broker keeps; reading it takes every member that the provider takes without asking whether it is
// there.
type state struct {
	broker *mq.DescribeBrokerOutput
	users  map[string]*mq.DescribeUserOutput
}

func (it *service) readBroker(id string) (*state, error) {
	found, err := it.DescribeBroker(background(), &mq.DescribeBrokerInput{BrokerId: &id})
	if err != nil {
		return nil, err
	}
	if err := complete(found); err != nil {
		return nil, err
	}
	users := map[string]*mq.DescribeUserOutput{}
	for _, user := range found.Users {
		one, err := it.DescribeUser(background(), &mq.DescribeUserInput{BrokerId: &id, Username: user.Username})
		if err != nil {
			return nil, err
		}
		users[*user.Username] = one
	}
	return &state{found, users}, nil
}

func complete(found *mq.DescribeBrokerOutput) error {
	window, options, instances := found.MaintenanceWindowStartTime, found.EncryptionOptions, found.BrokerInstances
	storage := string(found.StorageType)
	parts := map[string]bool{
		"configurations":     found.Configurations != nil && found.Configurations.Current != nil,
		"logs":               found.Logs != nil && found.Logs.General != nil,
		"maintenance window": window != nil && window.DayOfWeek != "" && window.TimeOfDay != nil && window.TimeZone != nil,
		"encryption options": options != nil && options.UseAwsOwnedKey != nil && *options.UseAwsOwnedKey,
		"instances":          len(instances) == 1 && len(instances[0].Endpoints) > 0 && instances[0].ConsoleURL != nil,
		"names":              found.BrokerArn != nil && found.BrokerName != nil,
		"kinds":              found.HostInstanceType != nil && found.EngineVersion != nil,
		"flags":              found.AutoMinorVersionUpgrade != nil && found.PubliclyAccessible != nil,
		"words":              string(found.AuthenticationStrategy) == "simple" && strings.ToLower(storage) == storage,
	}
	for name, isThere := range parts {
		if !isThere {
			return fmt.Errorf("the description has no %s that Terraform can read", name)
		}
	}
	return nil
}
