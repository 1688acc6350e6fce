# What rules share: reading properties, and saying where in the caller's intent a finding comes from.
package cairn.lib

# The value at a path below the provider's properties, null where there is none. Never undefined: OPA evaluates a call
# that stands inside `not f(x) == y` before the `not`, so an undefined one would make a denial vanish.
value_at(path) := object.get(input.resource.properties, path, null)

# A reference to another resource's output: its value is not known when policy decides.
is_reference(value) if {
	is_object(value)
	is_string(value.ref)
	count(value) == 1
}

# A pointer into the intent for a property of the provider: the override that set it; or the one parameter with the same
# value (true and false say too little); or the resource itself, since a golden path decided it.
pointer(path) := pointer_of(array.concat(["resources", input.resource.name, "overrides"], path)) if {
	override_paths[path]
} else := pointer_of(array.concat(["resources", input.resource.name, "overrides"], replaced)) if {
	lengths := {length | some length in numbers.range(1, count(path)); override_leaves[array.slice(path, 0, length)]}
	replaced := array.slice(path, 0, max(lengths))
} else := parameter_pointer(keys[0]) if {
	value := value_at(path)
	not is_boolean(value)
	not is_null(value)
	keys := [key | some key, given in input.resource.parameters; given == value]
	count(keys) == 1
} else := resource_pointer

resource_pointer := pointer_of(["resources", input.resource.name])

parameter_pointer(name) := pointer_of(["resources", input.resource.name, "parameters", name])

# RFC 6901.
pointer_of(path) := concat("", [$"/{escaped(part)}" | some part in path])

escaped(part) := replace(replace(part, "~", "~0"), "/", "~1") if is_string(part)

escaped(part) := format_int(part, 10) if is_number(part)

# Every property of the provider at any depth, as [path, value]. Walked once and shared: each walk costs about a
# kilobyte of WASM's memory for every value.
nodes := [node | walk(input.resource.properties, node)]

override_nodes := [[path, value] |
	walk(input.resource.overrides, [path, value])
	count(path) > 0
]

override_paths := {path | some [path, _] in override_nodes}

# Each with its pointer, made once: WASM keeps every text that it makes until it has decided.
override_pointers := {path: pointer_of(path) | some path in override_paths}

# What a merge patch puts in place whole: everything but an object.
override_leaves := {path |
	some [path, value] in override_nodes
	not is_object(value)
}

# A path in words. Every part is made text first: concat fails on a number, and a failed message is a denial lost.
dotted(path) := concat(".", [$"{part}" | some part in path])

last(path) := path[count(path) - 1]
