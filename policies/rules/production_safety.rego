# In production, what holds data is backed up, survives the loss of a zone and is not deleted by mistake.
package cairn.apply.production_safety

import data.cairn.lib

# Each kind's properties, and what they must be: `is` a value, or `from` a number on.
requirements := {
	"AWS::DynamoDB::Table": [{
		"path": ["PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"],
		"is": true,
		"for": "backups",
	}],
	"AWS::EFS::FileSystem": [{"path": ["BackupPolicy", "Status"], "is": "ENABLED", "for": "backups"}],
	"AWS::ElastiCache::ReplicationGroup": [
		{"path": ["MultiAZEnabled"], "is": true, "for": "several zones"},
		{"path": ["AutomaticFailoverEnabled"], "is": true, "for": "several zones"},
		{"path": ["SnapshotRetentionLimit"], "from": 1, "for": "backups"},
	],
	"AWS::ElastiCache::ServerlessCache": [{"path": ["SnapshotRetentionLimit"], "from": 1, "for": "backups"}],
	"AWS::MSK::Topic": [{"path": ["ReplicationFactor"], "from": 3, "for": "several zones"}],
	"AWS::RDS::DBCluster": [{
		"path": ["BackupRetentionPeriod"],
		"from": data.config.production.backupDays,
		"for": "backups",
	}],
	"AWS::RDS::DBInstance": [
		{"path": ["BackupRetentionPeriod"], "from": data.config.production.backupDays, "for": "backups"},
		{"path": ["MultiAZ"], "is": true, "for": "several zones"},
	],
	"AWS::S3::Bucket": [{"path": ["VersioningConfiguration", "Status"], "is": "Enabled", "for": "backups"}],
}

# Where the provider itself refuses a delete.
provider_protection := {
	"AWS::DynamoDB::Table": ["DeletionProtectionEnabled"],
	"AWS::RDS::DBCluster": ["DeletionProtection"],
	"AWS::RDS::DBInstance": ["DeletionProtection"],
}

in_production if input.environment.tier == "production"

deny contains {
	"pointer": lib.pointer(requirement.path),
	"message": $"production needs {requirement.for}: {lib.dotted(requirement.path)} must be {wanted(requirement)}",
	"fix": $"leave {lib.dotted(requirement.path)} as the golden path has it for production, or set it to {wanted(requirement)}",
} if {
	in_production
	some requirement in requirements[input.resource.kind]
	not met(requirement)
}

deny contains {
	"pointer": lib.pointer(path),
	"message": $"production needs deletion protection: {lib.dotted(path)} must be true",
	"fix": "to make it deletable say \"deletionProtection\": false in parameters; else leave this as the golden path has it",
} if {
	in_production
	not lifted
	path := provider_protection[input.resource.kind]
	not lib.value_at(path) == true
}

deny contains {
	"pointer": lib.resource_pointer,
	"message": "production needs deletion protection",
	"fix": "leave \"deletionProtection\" out of parameters, or set it to true",
} if {
	in_production
	not lifted
	needs_protection
	not input.resource.protected
}

# Lifting it is how a delete is prepared, so it is said out loud and allowed.
warn contains {
	"pointer": lib.parameter_pointer("deletionProtection"),
	"message": "deletion protection is lifted in production: the next delete removes it for good",
	"fix": "apply it without \"deletionProtection\": false if it is to stay",
} if {
	in_production
	lifted
	needs_protection
}

lifted if input.resource.parameters.deletionProtection == false

needs_protection if input.resource.kind in data.config.production.protectedKinds

met(requirement) if lib.value_at(requirement.path) == requirement.is

met(requirement) if {
	value := lib.value_at(requirement.path)
	is_number(value)
	value >= requirement.from
}

wanted(requirement) := json.marshal(requirement.is) if "is" in object.keys(requirement)

wanted(requirement) := $"{requirement.from} or more" if is_number(requirement.from)
