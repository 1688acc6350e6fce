package cairn.apply.class_allowed_test

import data.cairn.apply.class_allowed as rule
import data.cairn.fixture

classes := {
	"default": {"development": ["small"], "staging": ["small"], "production": ["small", "large"]},
	"types": {"postgres": {"development": ["small", "medium"]}},
}

asking(class, tier) := fixture.in_tier(object.union(fixture.database, {"resource": {"class": class}}), tier)

test_a_listed_class_passes if {
	count(rule.deny) == 0 with input as asking("large", "production") with data.config.classes as classes
}

test_a_type_may_have_a_list_of_its_own if {
	count(rule.deny) == 0 with input as asking("medium", "development") with data.config.classes as classes
	count(rule.deny) == 1 with input as asking("medium", "staging") with data.config.classes as classes
}

test_a_class_that_is_not_listed_is_denied_with_what_may_be_used if {
	found := rule.deny with input as asking("large", "development") with data.config.classes as classes
	fixture.pointers(found) == {"/resources/db/class"}
	some finding in found
	contains(finding.fix, "small, medium")
}

test_a_type_without_classes_passes if {
	count(rule.deny) == 0 with input as fixture.bucket with data.config.classes as classes
}
