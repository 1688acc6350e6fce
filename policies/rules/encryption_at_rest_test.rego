package cairn.apply.encryption_at_rest_test

import data.cairn.apply.encryption_at_rest as rule
import data.cairn.fixture

test_what_is_encrypted_passes if {
	count(rule.deny) == 0 with input as fixture.bucket
	count(rule.deny) == 0 with input as fixture.database
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::SQS::Queue", {"SqsManagedSseEnabled": true})
	count(rule.deny) == 0 with input as fixture.of_kind(
		"AWS::SQS::Queue",
		{"SqsManagedSseEnabled": false, "KmsMasterKeyId": "alias/aws/sqs"},
	)
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::ElastiCache::ServerlessCache", {})
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::DynamoDB::Table", {})
}

test_what_is_not_encrypted_is_denied if {
	every case in [
		{"kind": "AWS::S3::Bucket", "properties": {}},
		{"kind": "AWS::S3::Bucket", "properties": {"BucketEncryption": {"ServerSideEncryptionConfiguration": []}}},
		{"kind": "AWS::RDS::DBInstance", "properties": {}},
		{"kind": "AWS::SQS::Queue", "properties": {}},
		{"kind": "AWS::SQS::Queue", "properties": {"KmsMasterKeyId": ""}},
		{"kind": "AWS::SNS::Topic", "properties": {}},
		{"kind": "AWS::EC2::Instance", "properties": {"BlockDeviceMappings": [{"Ebs": {"Encrypted": false}}]}},
		{"kind": "AWS::DynamoDB::Table", "properties": {"SSESpecification": {"SSEEnabled": false}}},
	] {
		count(rule.deny) == 1 with input as fixture.of_kind(case.kind, case.properties)
	}
}

test_an_unknown_value_counts_as_not_encrypted if {
	found := rule.deny with input as fixture.overridden(
		fixture.database,
		{"StorageEncrypted": {"ref": "${resources.x.outputs.y}"}},
	)
	fixture.pointers(found) == {"/resources/db/overrides/StorageEncrypted"}
}

test_encryption_that_an_override_removes_is_denied_at_the_override if {
	whole := object.union(
		fixture.of_kind("AWS::S3::Bucket", {}),
		{"resource": {"overrides": {"BucketEncryption": null}}},
	)
	found := rule.deny with input as whole
	fixture.pointers(found) == {"/resources/files/overrides/BucketEncryption"}
}

test_a_switch_of_any_kind_must_be_known_to_be_on if {
	every value in [false, "true", {"ref": "${resources.x.outputs.y}"}] {
		count(rule.deny) == 1 with input as fixture.of_kind("AWS::Test::Thing", {"Disk": {"Encrypted": value}})
	}
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::Test::Thing", {"Disk": {"Encrypted": true}})
}
