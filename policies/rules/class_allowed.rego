# A tier pays for the classes that it needs.
package cairn.apply.class_allowed

import data.cairn.lib

tier := input.environment.tier

permitted := object.get(
	data.config.classes.types,
	[input.resource.type, tier],
	data.config.classes["default"][tier],
)

deny contains {
	"pointer": lib.pointer_of(["resources", input.resource.name, "class"]),
	"message": $"class {input.resource.class} is not for {tier} environments",
	"fix": $"use one of: {concat(", ", permitted)}",
} if {
	not allowed
}

allowed if is_null(input.resource.class)

allowed if input.resource.class in permitted
