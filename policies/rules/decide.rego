# What evaluate.ts asks: one entrypoint for each action. A verdict is undefined, and so a denial, unless the input and
# the configuration are whole: a rule that reads something missing would say nothing, and silence would allow.
package cairn.decide

# entrypoint: cairn/decide/apply
apply := {"revision": data.config.revision, "denials": denials, "warnings": warnings} if {
	input_is_whole
	config_is_whole
	input.action == "apply"
	denials := {finding |
		some name
		some found in data.cairn.apply[name].deny
		finding := named(name, found)
	}
	warnings := {finding |
		some name
		some found in data.cairn.apply[name].warn
		finding := named(name, found)
	}
}

# entrypoint: cairn/decide/delete
delete := {"revision": data.config.revision, "denials": denials, "warnings": set()} if {
	input_is_whole
	config_is_whole
	input.action == "delete"
	denials := {finding |
		some name
		some found in data.cairn.delete[name].deny
		finding := named(name, found)
	}
}

named(name, found) := object.union(found, {"rule": replace(name, "_", "-"), "resource": input.resource.name})

input_is_whole if {
	input.schema == 1
	is_number(input.now)
	input.caller.role in {"viewer", "developer", "platform"}
	is_string(input.caller.subject)
	is_string(input.team.id)
	string_or_null(input.team.contact)
	is_string(input.service)
	is_string(input.environment.name)
	input.environment.tier in {"development", "staging", "production"}
	is_string(input.resource.name)
	is_string(input.resource.type)
	is_number(input.resource.version)
	string_or_null(input.resource.class)
	is_string(input.resource.provider)
	is_string(input.resource.kind)
	string_or_null(input.resource.region)
	is_object(input.resource.parameters)
	object_or_null(input.resource.overrides)
	is_object(input.resource.properties)
	is_boolean(input.resource.protected)
}

config_is_whole if {
	is_string(data.config.revision)
	every tier in ["development", "staging", "production"] {
		are_strings(data.config.classes["default"][tier])
	}
	every by_tier in data.config.classes.types {
		every classes in by_tier {
			are_strings(classes)
		}
	}
	are_strings(data.config.regions)
	are_strings(data.config.regionalProviders)
	is_number(data.config.production.backupDays)
	are_strings(data.config.production.protectedKinds)
	are_strings(data.config.overrides.names)
	every limits in data.config.overrides.kinds {
		every pointers in limits {
			are_strings(pointers)
		}
	}
}

are_strings(values) if {
	is_array(values)
	every value in values {
		is_string(value)
	}
}

string_or_null(value) if is_string(value)

string_or_null(value) if is_null(value)

object_or_null(value) if is_object(value)

object_or_null(value) if is_null(value)
