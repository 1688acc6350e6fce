package cairn.apply.override_allowed_test

import data.cairn.apply.override_allowed as rule
import data.cairn.fixture

limits := {
	"names": ["KmsKeyId"],
	"kinds": {"AWS::S3::Bucket": {"deny": ["/BucketName", "/A/B"], "allow": ["/Special"]}},
}

test_no_overrides_and_harmless_ones_pass if {
	count(rule.deny) == 0 with input as fixture.bucket with data.config.overrides as limits
	count(rule.deny) == 0 with input as fixture.overridden(fixture.bucket, {"A": {"C": 1}}) with data.config.overrides as limits
}

test_a_refused_name_is_found_at_any_depth if {
	found := rule.deny with input as fixture.overridden(fixture.bucket, {"Deep": [{"er/~": {"KmsKeyId": "k"}}]})
		with data.config.overrides as limits
	fixture.pointers(found) == {"/resources/files/overrides/Deep/0/er~1~0/KmsKeyId"}
}

test_a_refused_pointer_is_found_and_so_is_its_parent_when_replaced if {
	found := rule.deny with input as fixture.overridden(fixture.bucket, {"BucketName": "mine"}) with data.config.overrides as limits
	fixture.pointers(found) == {"/resources/files/overrides/BucketName"}
	count(rule.deny) == 1 with input as fixture.with_resource({"overrides": {"A": null}}) with data.config.overrides as limits
}

test_an_exception_wins if {
	count(rule.deny) == 0 with input as fixture.overridden(fixture.bucket, {"Special": {"KmsKeyId": "k"}})
		with data.config.overrides as limits
}

test_only_refuses_everything_else if {
	narrow := {"names": [], "kinds": {"AWS::S3::Bucket": {"only": ["/A/B"]}}}
	count(rule.deny) == 0 with input as fixture.overridden(fixture.bucket, {"A": {"B": [1, 2]}}) with data.config.overrides as narrow
	count(rule.deny) == 1 with input as fixture.overridden(fixture.bucket, {"A": {"Bee": [1, 2]}}) with data.config.overrides as narrow
}
