# A team tunes its own object with overrides; identity, ownership, keys, network and access stay the platform's.
package cairn.apply.override_allowed

import data.cairn.lib

limits := object.get(data.config.overrides.kinds, input.resource.kind, {})

deny contains finding(path) if {
	some path in lib.override_paths
	lib.last(path) in data.config.overrides.names
	not excepted(path)
}

deny contains finding(path) if {
	some path, pointer in lib.override_pointers
	pointer in limits.deny
	not excepted(path)
}

# Replacing or removing a parent replaces what is below it.
deny contains finding(path) if {
	some path in lib.override_leaves
	below := $"{lib.override_pointers[path]}/"
	some denied in limits.deny
	startswith(denied, below)
	not excepted(path)
}

deny contains finding(path) if {
	some path in lib.override_leaves
	limits.only
	not at_or_below(path, limits.only)
	not excepted(path)
	not inside_array(path)
}

finding(path) := {
	"pointer": lib.pointer(path),
	"message": $"{lib.dotted(path)} is the platform's to set",
	"fix": "leave it out of overrides; where a golden path should offer it, ask the platform team for a parameter",
}

excepted(path) if at_or_below(path, limits.allow)

at_or_below(path, pointers) if {
	some pointer in pointers
	startswith($"{lib.override_pointers[path]}/", $"{pointer}/")
}

# A merge patch replaces an array whole: its pointer says enough.
inside_array(path) if {
	some part in path
	is_number(part)
}
