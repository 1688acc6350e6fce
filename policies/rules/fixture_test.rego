# Inputs that the rules' tests start from: each allowed as it is, so that a test changes the one thing it is about.
package cairn.fixture

bucket := {
	"schema": 1,
	"now": 1763800000,
	"action": "apply",
	"caller": {"subject": "ada", "role": "developer"},
	"team": {"id": "payments", "contact": "payments@example.com"},
	"service": "orders",
	"environment": {"name": "production", "tier": "production"},
	"resource": {
		"name": "files",
		"type": "bucket",
		"version": 1,
		"class": null,
		"provider": "aws",
		"kind": "AWS::S3::Bucket",
		"region": "eu-central-1",
		"parameters": {"deletionProtection": true, "versioning": "Enabled"},
		"overrides": null,
		"properties": {
			"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]},
			"PublicAccessBlockConfiguration": {
				"BlockPublicAcls": true,
				"BlockPublicPolicy": true,
				"IgnorePublicAcls": true,
				"RestrictPublicBuckets": true,
			},
			"VersioningConfiguration": {"Status": "Enabled"},
		},
		"protected": true,
	},
}

database := with_resource({
	"name": "db",
	"type": "postgres",
	"class": "small",
	"kind": "AWS::RDS::DBInstance",
	"parameters": {"backupRetentionDays": 14, "deletionProtection": true},
	"properties": {
		"BackupRetentionPeriod": 14,
		"DeletionProtection": true,
		"MultiAZ": true,
		"PubliclyAccessible": false,
		"StorageEncrypted": true,
	},
})

of_kind(kind, properties) := with_resource({"kind": kind, "properties": properties})

# Members are replaced whole: object.union alone would merge the old properties in.
with_resource(changes) := replaced(bucket, "resource", replaced_all(bucket.resource, changes))

replaced(whole, member, value) := replaced_all(whole, {member: value})

replaced_all(whole, changes) := object.union(object.remove(whole, object.keys(changes)), changes)

# The input as a golden path would give it with this override on top of its properties.
overridden(whole, overrides) := object.union(whole, {"resource": {
	"overrides": overrides,
	"properties": object.union(whole.resource.properties, overrides),
}})

in_tier(whole, tier) := object.union(whole, {"environment": {"name": tier, "tier": tier}})

pointers(findings) := {finding.pointer | some finding in findings}
