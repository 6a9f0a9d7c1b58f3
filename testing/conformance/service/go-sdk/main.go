// The Amazon MQ API over the AWS SDK for Go: the calls of Terraform's provider for its resources and data sources, and
// errors by their types.
package main

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"
	"ternmq.invalid/conformance/cases"
)

func anActiveMQBrokerFromCreateToDestroy(it *service) error {
	configuration, revision, err := it.createConfiguration("terraform", "ActiveMQ", "5.18", xml)
	if err != nil {
		return err
	}
	found, text, err := it.readConfiguration(configuration)
	if err != nil {
		return err
	}
	if err := cases.First(
		cases.Equal(*found.LatestRevision.Description, "by Terraform", "description"),
		cases.Equal(string(found.EngineType), "ActiveMQ", "engine type"),
		cases.Equal(strings.Contains(text, "forcePersistencyModeBrokerPlugin"), true, "text"),
	); err != nil {
		return err
	}
	made, err := it.CreateBroker(background(), &mq.CreateBrokerInput{
		BrokerName: aws.String("terraform"), EngineType: "ActiveMQ", EngineVersion: aws.String("5.18"),
		HostInstanceType: aws.String("mq.t3.micro"), DeploymentMode: types.DeploymentModeSingleInstance,
		PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(true),
		CreatorRequestId: aws.String("tf-terraform-20261130"), AuthenticationStrategy: "simple", StorageType: "efs",
		Configuration: &types.ConfigurationId{Id: &configuration, Revision: &revision},
		Logs:          &types.Logs{General: aws.Bool(true), Audit: aws.Bool(false)},
		Users: []types.User{{
			Username: aws.String("ops"), Password: aws.String(password), Groups: []string{"staff"}, ConsoleAccess: aws.Bool(true),
		}},
		Tags: map[string]string{"Name": "terraform"},
	})
	if err != nil {
		return err
	}
	return inOrder(
		func() error { return it.awaitCreated(*made.BrokerId) },
		func() error { return it.checkCreated(*made.BrokerId, configuration, revision) },
		func() error { return it.update(*made.BrokerId, configuration) },
		func() error { return it.deleteBroker(*made.BrokerId) },
	)
}

// inOrder takes each step, until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (it *service) checkCreated(id, configuration string, revision int32) error {
	read, err := it.readBroker(id)
	if err != nil {
		return err
	}
	current, ops := read.broker.Configurations.Current, read.users["ops"]
	if ops == nil {
		return fmt.Errorf("the user is not listed: %v", read.broker.Users)
	}
	return cases.First(
		cases.Equal(*current.Id, configuration, "configuration"),
		cases.Equal(*current.Revision, revision, "revision"),
		cases.Equal(string(read.broker.EngineType), "ActiveMQ", "engine type"),
		cases.Equal(*read.broker.EngineVersion, "5.18.4", "version"),
		cases.Equal(string(read.broker.StorageType), "efs", "storage type"),
		cases.Equal(ops.Groups, []string{"staff"}, "groups"),
		cases.Equal(*ops.ConsoleAccess, true, "console access"),
		cases.Equal(read.broker.Tags["Name"], "terraform", "tag"),
	)
}

// update is the update of aws_mq_broker with apply_immediately: a call for each group of arguments, then users, then a
// reboot.
func (it *service) update(id, configuration string) error {
	before, err := it.readBroker(id)
	if err != nil {
		return err
	}
	_, revision, err := it.updateConfiguration(configuration, strings.Replace(xml, `"true"`, `"false"`, 1))
	if err != nil {
		return err
	}
	window := &types.WeeklyStartTime{
		DayOfWeek: types.DayOfWeekSaturday, TimeOfDay: aws.String("22:45"), TimeZone: aws.String("Europe/Paris"),
	}
	for _, input := range []*mq.UpdateBrokerInput{
		{SecurityGroups: before.broker.SecurityGroups},
		{
			Configuration: &types.ConfigurationId{Id: &configuration, Revision: &revision},
			Logs:          &types.Logs{General: aws.Bool(true), Audit: aws.Bool(true)}, EngineVersion: aws.String("5.18"),
		},
		{HostInstanceType: aws.String("mq.m5.large")},
		{AutoMinorVersionUpgrade: aws.Bool(true)},
		{MaintenanceWindowStartTime: window},
	} {
		input.BrokerId = &id
		if _, err := it.UpdateBroker(background(), input); err != nil {
			return err
		}
	}
	if err := inOrder(func() error { return it.changeUsers(id) }, func() error { return it.reboot(id) }); err != nil {
		return err
	}
	after, err := it.readBroker(id)
	if err != nil {
		return err
	}
	names := []string{}
	for name := range after.users {
		names = append(names, name)
	}
	sort.Strings(names)
	return cases.First(
		cases.Equal(*after.broker.Configurations.Current.Revision, revision, "revision"),
		cases.Equal(after.broker.Configurations.Pending == nil, true, "nothing pending"),
		cases.Equal(*after.broker.Logs.Audit, true, "audit log"),
		cases.Equal(*after.broker.HostInstanceType, "mq.m5.large", "instance type"),
		cases.Equal(*after.broker.MaintenanceWindowStartTime.TimeZone, "Europe/Paris", "time zone"),
		cases.Equal(names, []string{"new", "ops"}, "users"),
		cases.Equal(after.users["ops"].Groups, []string{"night"}, "groups"),
	)
}

func (it *service) changeUsers(id string) error {
	for _, name := range []string{"new", "brief"} {
		input := &mq.CreateUserInput{BrokerId: &id, Username: aws.String(name), Password: aws.String(password)}
		if _, err := it.CreateUser(background(), input); err != nil {
			return err
		}
	}
	if _, err := it.DeleteUser(background(), &mq.DeleteUserInput{BrokerId: &id, Username: aws.String("brief")}); err != nil {
		return err
	}
	_, err := it.UpdateUser(background(), &mq.UpdateUserInput{
		BrokerId: &id, Username: aws.String("ops"), Groups: []string{"night"}, Password: aws.String(password),
	})
	return err
}

func (it *service) reboot(id string) error {
	if err := nextSecond(); err != nil {
		return err
	}
	if _, err := it.RebootBroker(background(), &mq.RebootBrokerInput{BrokerId: &id}); err != nil {
		return err
	}
	return it.awaitRebooted(id)
}

func aRabbitMQBrokerFromCreateToDestroy(it *service) error {
	made, err := it.CreateBroker(background(), &mq.CreateBrokerInput{
		BrokerName: aws.String("rabbit"), EngineType: "RabbitMQ", EngineVersion: aws.String("3.13"),
		HostInstanceType: aws.String("mq.m5.large"), DeploymentMode: types.DeploymentModeSingleInstance,
		PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(true),
		CreatorRequestId: aws.String("tf-rabbit-20261130"),
		Logs:             &types.Logs{General: aws.Bool(true)},
		Users:            []types.User{{Username: aws.String("ops"), Password: aws.String(password)}},
	})
	if err != nil {
		return err
	}
	if err := it.awaitCreated(*made.BrokerId); err != nil {
		return err
	}
	read, err := it.readBroker(*made.BrokerId)
	if err != nil {
		return err
	}
	return cases.First(
		cases.Equal(len(read.broker.Users), 0, "users are not read back"),
		cases.Equal(string(read.broker.StorageType), "ebs", "storage type"),
		cases.Equal(*read.broker.EngineVersion, "3.13.7", "version"),
		cases.Equal(strings.HasPrefix(read.broker.BrokerInstances[0].Endpoints[0], "amqps://"), true, "endpoint"),
		it.deleteBroker(*made.BrokerId),
	)
}

func dataSources(it *service) error {
	var options []types.BrokerInstanceOption
	input := &mq.DescribeBrokerInstanceOptionsInput{EngineType: aws.String("RABBITMQ"), MaxResults: aws.Int32(5)}
	for {
		page, err := it.DescribeBrokerInstanceOptions(background(), input)
		if err != nil {
			return err
		}
		options = append(options, page.BrokerInstanceOptions...)
		if page.NextToken == nil {
			break
		}
		input.NextToken = page.NextToken
	}
	engine := &mq.DescribeBrokerEngineTypesInput{EngineType: aws.String("ACTIVEMQ")}
	engines, err := it.DescribeBrokerEngineTypes(background(), engine)
	if err != nil {
		return err
	}
	pager := mq.NewListBrokersPaginator(it.Client, &mq.ListBrokersInput{MaxResults: aws.Int32(5)})
	for pager.HasMorePages() {
		if _, err := pager.NextPage(background()); err != nil {
			return err
		}
	}
	return cases.First(
		cases.Equal(len(options) > 5, true, "options"),
		cases.Equal(options[0].StorageType, types.BrokerStorageType("ebs"), "storage type"),
		cases.Equal(len(engines.BrokerEngineTypes), 1, "engine types"),
	)
}

func errorsHaveTheirTypes(it *service) error {
	var missing *types.NotFoundException
	_, err := it.DescribeBroker(background(), &mq.DescribeBrokerInput{BrokerId: aws.String("b-0")})
	if !errors.As(err, &missing) || *missing.ErrorAttribute != "broker-id" || *missing.Message == "" {
		return fmt.Errorf("not the error of an unknown broker: %v", err)
	}
	var bad *types.BadRequestException
	_, err = it.CreateConfiguration(background(), &mq.CreateConfigurationInput{
		Name: aws.String("a b"), EngineType: "ACTIVEMQ", EngineVersion: aws.String("5.19"),
	})
	if !errors.As(err, &bad) || *bad.ErrorAttribute != "name" {
		return fmt.Errorf("not the error of a bad name: %v", err)
	}
	return nil
}

func main() {
	it, err := start()
	if err != nil {
		fmt.Printf("FAILED start: %s\n", err)
		os.Exit(1)
	}
	cases.Run([]func(*service) error{
		anActiveMQBrokerFromCreateToDestroy, aRabbitMQBrokerFromCreateToDestroy, dataSources, errorsHaveTheirTypes,
	}, func(run func(*service) error) error { return run(it) })
	if err := it.stop(); err != nil {
		fmt.Printf("FAILED stop: %s\n", err)
	}
}
