package cairn.delete.deletion_protection_test

import data.cairn.delete.deletion_protection as rule
import data.cairn.fixture

test_a_protected_resource_is_not_deleted if {
	found := rule.deny with input as fixture.bucket
	fixture.pointers(found) == {"/resources/files"}
}

test_an_unprotected_one_is if {
	count(rule.deny) == 0 with input as fixture.with_resource({"protected": false})
}

test_not_knowing_is_protection if {
	unknown := object.remove(fixture.bucket.resource, ["protected"])
	count(rule.deny) == 1 with input as fixture.replaced(fixture.bucket, "resource", unknown)
}
