package cairn.decide_test

import data.cairn.decide
import data.cairn.fixture

deletion := object.union(fixture.with_resource({"protected": false}), {"action": "delete"})

test_an_allowed_apply_carries_the_revision_and_no_denials if {
	verdict := decide.apply with input as fixture.bucket
	verdict == {"revision": data.config.revision, "denials": set(), "warnings": set()}
}

test_a_finding_carries_its_rule_and_resource if {
	verdict := decide.apply with input as fixture.with_resource({"region": "nowhere-1"})
	some denial in verdict.denials
	denial.rule == "region-allowed"
	denial.resource == "files"
}

test_each_action_has_its_own_entrypoint if {
	decide.delete with input as deletion
	not decide.apply with input as deletion
	not decide.delete with input as fixture.bucket
}

test_an_input_of_another_schema_is_undefined if {
	not decide.apply with input as object.union(fixture.bucket, {"schema": 2})
	not decide.apply with input as object.remove(fixture.bucket, ["schema"])
}

test_an_input_that_lacks_anything_is_undefined if {
	every field in object.keys(fixture.bucket) {
		not decide.apply with input as object.remove(fixture.bucket, [field])
	}
	every field in object.keys(fixture.bucket.resource) {
		resource := object.remove(fixture.bucket.resource, [field])
		not decide.apply with input as object.union(object.remove(fixture.bucket, ["resource"]), {"resource": resource})
	}
}

test_a_configuration_that_lacks_anything_is_undefined if {
	every field in object.keys(data.config) {
		not decide.apply with input as fixture.bucket with data.config as object.remove(data.config, [field])
	}
}
