package cairn.apply.production_safety_test

import data.cairn.apply.production_safety as rule
import data.cairn.fixture

unsafe := fixture.of_kind("AWS::RDS::DBInstance", {})

test_a_safe_bucket_and_a_safe_database_pass if {
	count(rule.deny) == 0 with input as fixture.bucket
	count(rule.deny) == 0 with input as fixture.database
	count(rule.warn) == 0 with input as fixture.database
}

test_backups_zones_and_protection_are_each_asked_for if {
	count(rule.deny) == 3 with input as unsafe
}

test_other_tiers_need_none_of_it if {
	count(rule.deny) == 0 with input as fixture.in_tier(unsafe, "staging")
	count(rule.deny) == 0 with input as fixture.in_tier(unsafe, "development")
}

test_too_few_backups_are_denied_at_the_parameter if {
	found := rule.deny with input as object.union(fixture.database, {"resource": {
		"parameters": {"backupRetentionDays": 6},
		"properties": {"BackupRetentionPeriod": 6},
	}})
	fixture.pointers(found) == {"/resources/db/parameters/backupRetentionDays"}
}

test_an_unknown_number_of_backups_is_denied if {
	count(rule.deny) == 1 with input as fixture.overridden(
		fixture.database,
		{"BackupRetentionPeriod": {"ref": "${resources.x.outputs.y}"}},
	)
}

test_protection_off_behind_the_parameters_back_is_denied if {
	count(rule.deny) == 1 with input as fixture.overridden(fixture.database, {"DeletionProtection": false})
	count(rule.deny) == 1 with input as fixture.with_resource({"protected": false, "parameters": {}})
}

test_lifting_protection_is_a_warning if {
	lifted := object.union(fixture.database, {"resource": {
		"parameters": {"deletionProtection": false},
		"properties": {"DeletionProtection": false},
		"protected": false,
	}})
	count(rule.deny) == 0 with input as lifted
	found := rule.warn with input as lifted
	fixture.pointers(found) == {"/resources/db/parameters/deletionProtection"}
}
