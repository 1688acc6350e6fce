# Nothing that a team makes can be reached from the internet: no public address, no open security group, no policy that
# names everybody. What cannot be known, a reference, counts as public.
package cairn.apply.no_public_exposure

import data.cairn.lib

properties := input.resource.properties

kind := input.resource.kind

# Properties that open something to the internet, wherever they stand, with the only values that keep it closed.
closed_values := {
	"AssignPublicIp": {"DISABLED", false},
	"AssociatePublicIpAddress": {false},
	"BlockPublicAcls": {true},
	"BlockPublicPolicy": {true},
	"EndpointPublicAccess": {false},
	"IgnorePublicAcls": {true},
	"MapPublicIpOnLaunch": {false},
	"PubliclyAccessible": {false},
	"RestrictPublicBuckets": {true},
}

# Properties without which AWS decides by the account's or the network's settings.
must_be_given := {
	"AWS::DMS::ReplicationInstance": {["PubliclyAccessible"]},
	"AWS::RDS::DBInstance": {["PubliclyAccessible"]},
	"AWS::S3::Bucket": {
		["PublicAccessBlockConfiguration", "BlockPublicAcls"],
		["PublicAccessBlockConfiguration", "BlockPublicPolicy"],
		["PublicAccessBlockConfiguration", "IgnorePublicAcls"],
		["PublicAccessBlockConfiguration", "RestrictPublicBuckets"],
	},
}

# Settings of one kind, with the only values that keep it closed; null where it is closed without the setting.
closed_by_kind := {
	"AWS::ElastiCache::ServerlessCache": {"ConnectionType": {"vpc", null}},
	"AWS::ElasticLoadBalancing::LoadBalancer": {"Scheme": {"internal"}},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {"Scheme": {"internal"}},
	"AWS::Lambda::Url": {"AuthType": {"AWS_IAM"}},
}

private_acls := {"AwsExecRead", "BucketOwnerFullControl", "BucketOwnerRead", "LogDeliveryWrite", "Private"}

policy_properties := {
	"AccessPolicies",
	"KeyPolicy",
	"Policy",
	"PolicyDocument",
	"RepositoryPolicyText",
	"ResourcePolicy",
}

deny contains finding(path, $"{lib.last(path)} opens it to the internet", $"set {lib.last(path)} to a value that keeps it closed, or leave it out") if {
	some [path, value] in lib.nodes
	accepted := closed_values[lib.last(path)]
	not value in accepted
}

deny contains finding(path, $"{lib.last(path)} is not set, and without it this may be open to the internet", $"leave {lib.last(path)} as the golden path has it") if {
	some path in must_be_given[kind]
	is_null(lib.value_at(path))
}

deny contains finding([name], $"{name} opens it to the internet", $"set {name} to keep it internal") if {
	some name, accepted in closed_by_kind[kind]
	not object.get(properties, name, null) in accepted
}

deny contains finding(["AccessControl"], "this access control list can be read by others", "leave AccessControl out: buckets are private") if {
	kind == "AWS::S3::Bucket"
	acl := properties.AccessControl
	not acl in private_acls
}

deny contains finding(["WebsiteConfiguration"], "a website bucket is read by the whole internet", "leave WebsiteConfiguration out; serve files through the platform's CDN") if {
	kind == "AWS::S3::Bucket"
	"WebsiteConfiguration" in object.keys(properties)
}

deny contains finding(path, "public access is not disabled", "set Type to DISABLED, or leave PublicAccess out") if {
	some [path, value] in lib.nodes
	lib.last(path) == "PublicAccess"
	not value == {"Type": "DISABLED"}
}

deny contains finding(path, "this address range is open to the internet", "name the ranges or the security group that need to connect") if {
	kind != "AWS::EC2::SecurityGroupEgress"
	some [path, range] in lib.nodes
	lib.last(path) in {"CidrIp", "CidrIpv6"}
	not "SecurityGroupEgress" in path
	not narrow(range)
}

deny contains finding(path, "this policy lets everybody in", "name the accounts, roles or services that need access in Principal") if {
	some [path, statement] in lib.nodes
	lets_everybody_in(statement)
}

deny contains finding(path, "this policy lets everybody in", "name the accounts, roles or services that need access in Principal") if {
	some [path, text] in lib.nodes
	is_policy_text(path, text)
	walk(json.unmarshal(text), [_, statement])
	lets_everybody_in(statement)
}

deny contains finding(path, "this policy cannot be read, so nobody knows whom it lets in", "write it as JSON") if {
	some [path, text] in lib.nodes
	is_policy_text(path, text)
	not json.is_valid(text)
}

deny contains finding(path, "a policy from another resource's output cannot be checked", "write the policy itself") if {
	some [path, value] in lib.nodes
	lib.last(path) in policy_properties
	lib.is_reference(value)
}

finding(path, message, fix) := {"pointer": lib.pointer(path), "message": message, "fix": fix}

# At least a /8 of IPv4 or a /16 of IPv6: a range that covers more than one network is no network of anybody.
narrow(range) if {
	parts := split(range, "/")
	to_number(parts[1]) >= smallest_prefix(parts[0])
}

smallest_prefix(address) := 16 if {
	contains(address, ":")
} else := 8

is_policy_text(path, text) if {
	is_string(text)
	contains(lower(text), "principal")
	some part in path
	is_string(part)
	contains(lower(part), "polic")
}

# IAM reads the names of a statement's elements in any case.
lets_everybody_in(statement) if {
	is_object(statement)
	some key, who in statement
	lower(key) == "principal"
	not denies(statement)
	not is_named(who)
}

lets_everybody_in(statement) if {
	is_object(statement)
	some key, _ in statement
	lower(key) == "notprincipal"
	not denies(statement)
}

denies(statement) if {
	some key, effect in statement
	lower(key) == "effect"
	lower(effect) == "deny"
}

is_named(who) if is_name(who)

is_named(who) if {
	is_object(who)
	count(who) > 0
	every principal_type, names in who {
		lower(principal_type) in {"aws", "service", "federated", "canonicaluser"}
		are_names(names)
	}
}

are_names(names) if is_name(names)

are_names(names) if {
	is_array(names)
	every name in names {
		is_name(name)
	}
}

is_name(name) if {
	is_string(name)
	not contains(name, "*")
}
