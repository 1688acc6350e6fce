package cairn.apply.region_allowed_test

import data.cairn.apply.region_allowed as rule
import data.cairn.fixture

regions := ["eu-central-1"]

test_a_listed_region_passes if {
	count(rule.deny) == 0 with input as fixture.bucket with data.config.regions as regions
}

test_another_region_is_denied if {
	count(rule.deny) == 1 with input as fixture.with_resource({"region": "us-east-1"}) with data.config.regions as regions
}

test_only_a_provider_without_regions_may_have_none if {
	count(rule.deny) == 1 with input as fixture.with_resource({"region": null})
	count(rule.deny) == 0 with input as fixture.with_resource({"region": null, "provider": "postgres"})
	count(rule.deny) == 1 with input as fixture.with_resource({"region": "nowhere-1", "provider": "postgres"})
}
