package cairn.apply.no_public_exposure_test

import data.cairn.apply.no_public_exposure as rule
import data.cairn.fixture

test_a_private_bucket_and_a_private_database_pass if {
	count(rule.deny) == 0 with input as fixture.bucket
	count(rule.deny) == 0 with input as fixture.database
}

test_an_opened_bucket_is_denied_at_the_override if {
	found := rule.deny with input as fixture.overridden(
		fixture.bucket,
		{"PublicAccessBlockConfiguration": {"BlockPublicPolicy": false}},
	)
	fixture.pointers(found) == {"/resources/files/overrides/PublicAccessBlockConfiguration/BlockPublicPolicy"}
}

test_a_bucket_without_a_public_access_block_is_denied_four_times if {
	found := rule.deny with input as fixture.of_kind("AWS::S3::Bucket", {})
	count(found) == 4
}

test_a_database_that_leaves_it_to_the_network_is_denied if {
	count(rule.deny) == 1 with input as fixture.of_kind("AWS::RDS::DBInstance", {})
}

test_a_cache_is_closed_without_a_word_and_open_by_any_other if {
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::ElastiCache::ServerlessCache", {})
	count(rule.deny) == 0 with input as fixture.of_kind("AWS::ElastiCache::ServerlessCache", {"ConnectionType": "vpc"})
	every connection in ["public", "Public", {"ref": "${resources.x.outputs.y}"}] {
		count(rule.deny) == 1 with input as fixture.of_kind("AWS::ElastiCache::ServerlessCache", {"ConnectionType": connection})
	}
}

test_an_unknown_value_counts_as_public if {
	reference := {"ref": "${resources.x.outputs.y}"}
	count(rule.deny) == 1 with input as fixture.overridden(fixture.database, {"PubliclyAccessible": reference})
}

test_policies_that_let_everybody_in_are_denied if {
	every principal in ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}, {"ref": "${resources.x.outputs.y}"}, {}] {
		count(rule.deny) == 1 with input as fixture.of_kind(
			"AWS::SQS::QueuePolicy",
			{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": principal}]}},
		)
	}
}

test_policies_that_name_someone_pass if {
	every statement in [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
		{"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com"]}},
		{"Effect": "Deny", "Principal": "*"},
	] {
		count(rule.deny) == 0 with input as fixture.of_kind(
			"AWS::SQS::QueuePolicy",
			{"PolicyDocument": {"Statement": [statement]}},
		)
	}
}

test_a_policy_written_as_text_is_read if {
	text := "{\"Statement\":[{\"effect\":\"Allow\",\"principal\":\"*\"}]}"
	count(rule.deny) == 1 with input as fixture.of_kind("AWS::Logs::ResourcePolicy", {"PolicyDocument": text})
	count(rule.deny) == 1 with input as fixture.of_kind("AWS::Logs::ResourcePolicy", {"PolicyDocument": "{Principal"})
}

test_open_address_ranges_are_denied if {
	every range in ["0.0.0.0/0", "0.0.0.0/1", "::/0", "anything", {"ref": "${resources.x.outputs.y}"}] {
		count(rule.deny) == 1 with input as fixture.of_kind(
			"AWS::EC2::SecurityGroup",
			{"SecurityGroupIngress": [{"CidrIp": range}]},
		)
	}
	count(rule.deny) == 0 with input as fixture.of_kind(
		"AWS::EC2::SecurityGroup",
		{"SecurityGroupIngress": [{"CidrIp": "10.0.0.0/8"}], "SecurityGroupEgress": [{"CidrIp": "0.0.0.0/0"}]},
	)
}

test_a_policy_for_all_but_one_lets_everybody_in if {
	count(rule.deny) == 1 with input as fixture.of_kind(
		"AWS::SQS::QueuePolicy",
		{"PolicyDocument": {"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"}}}},
	)
}

test_an_override_is_not_blamed_for_what_it_left_alone if {
	block := object.remove(fixture.bucket.resource.properties.PublicAccessBlockConfiguration, ["BlockPublicAcls"])
	properties := object.union(
		object.remove(fixture.bucket.resource.properties, ["PublicAccessBlockConfiguration"]),
		{"PublicAccessBlockConfiguration": block},
	)
	found := rule.deny with input as fixture.with_resource({
		"properties": properties,
		"overrides": {"PublicAccessBlockConfiguration": {"IgnorePublicAcls": true}},
	})
	fixture.pointers(found) == {"/resources/files"}
}
