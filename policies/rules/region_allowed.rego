# Data lives where the organisation has said that it may.
package cairn.apply.region_allowed

import data.cairn.lib

deny contains {
	"pointer": lib.resource_pointer,
	"message": $"environment {input.environment.name} puts it in {region}, which is not an allowed region",
	"fix": $"use an environment in one of: {concat(", ", data.config.regions)}; the platform team sets it in the environment's target",
} if {
	not allowed
}

region := input.resource.region if {
	is_string(input.resource.region)
} else := "no known region"

allowed if input.resource.region in data.config.regions

# A provider without regions, such as a cluster that the platform runs.
allowed if {
	is_null(input.resource.region)
	not input.resource.provider in data.config.regionalProviders
}
