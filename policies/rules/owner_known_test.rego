package cairn.apply.owner_known_test

import data.cairn.apply.owner_known as rule
import data.cairn.fixture

answered_by(contact, tier) := fixture.in_tier(object.union(fixture.bucket, {"team": {"contact": contact}}), tier)

test_a_known_owner_passes_everywhere if {
	count(rule.deny) == 0 with input as fixture.bucket
	count(rule.warn) == 0 with input as fixture.in_tier(fixture.bucket, "staging")
}

test_nobody_is_denied_in_production_and_warned_about_elsewhere if {
	every contact in [null, "", "  "] {
		count(rule.deny) == 1 with input as answered_by(contact, "production")
		count(rule.warn) == 0 with input as answered_by(contact, "production")
		count(rule.deny) == 0 with input as answered_by(contact, "staging")
		count(rule.warn) == 1 with input as answered_by(contact, "development")
	}
}
