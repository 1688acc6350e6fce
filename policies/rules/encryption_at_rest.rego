# What a team stores is encrypted where it lies. What cannot be known, a reference, counts as not encrypted.
package cairn.apply.encryption_at_rest

import data.cairn.lib

properties := input.resource.properties

kind := input.resource.kind

# Kinds that are not encrypted unless asked to be.
must_be_true := {
	"AWS::DocDB::DBCluster": ["StorageEncrypted"],
	"AWS::EC2::Volume": ["Encrypted"],
	"AWS::EFS::FileSystem": ["Encrypted"],
	"AWS::ElastiCache::ReplicationGroup": ["AtRestEncryptionEnabled"],
	"AWS::Neptune::DBCluster": ["StorageEncrypted"],
	"AWS::OpenSearchService::Domain": ["EncryptionAtRestOptions", "Enabled"],
	"AWS::RDS::DBCluster": ["StorageEncrypted"],
	"AWS::RDS::DBInstance": ["StorageEncrypted"],
	"AWS::Redshift::Cluster": ["Encrypted"],
}

# Switches that turn encryption off wherever they stand, in kinds that are encrypted by themselves too.
switches := {
	"AtRestEncryptionEnabled",
	"Encrypted",
	"EncryptionAtRestEnabled",
	"SSEEnabled",
	"SqsManagedSseEnabled",
	"StorageEncrypted",
}

bucket_algorithms := {"AES256", "aws:kms", "aws:kms:dsse"}

deny contains finding(path) if {
	path := must_be_true[kind]
	not lib.value_at(path) == true
}

deny contains finding(path) if {
	some [path, value] in lib.nodes
	lib.last(path) in switches
	value != true
	not uses_queue_key
}

deny contains finding(["BucketEncryption"]) if {
	kind == "AWS::S3::Bucket"
	not bucket_encrypted
}

deny contains finding(["SqsManagedSseEnabled"]) if {
	kind == "AWS::SQS::Queue"
	not queue_encrypted
}

deny contains finding(["KmsMasterKeyId"]) if {
	kind == "AWS::SNS::Topic"
	not is_key(object.get(properties, "KmsMasterKeyId", null))
}

finding(path) := {
	"pointer": lib.pointer(path),
	"message": $"what it stores is not known to be encrypted: {lib.dotted(path)}",
	"fix": "leave encryption as the golden path has it",
}

bucket_encrypted if {
	rules := properties.BucketEncryption.ServerSideEncryptionConfiguration
	is_array(rules)
	count(rules) > 0
	every rule in rules {
		rule.ServerSideEncryptionByDefault.SSEAlgorithm in bucket_algorithms
	}
}

queue_encrypted if properties.SqsManagedSseEnabled == true

queue_encrypted if uses_queue_key

# A queue has either SQS's own key or one of KMS: with the second, the first is switched off.
uses_queue_key if {
	kind == "AWS::SQS::Queue"
	is_key(properties.KmsMasterKeyId)
}

is_key(value) if {
	is_string(value)
	value != ""
}
