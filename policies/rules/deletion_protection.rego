# A protected resource is not deleted until an apply lifts its protection: two steps, each with its own audit entry.
package cairn.delete.deletion_protection

import data.cairn.lib

deny contains {
	"pointer": lib.resource_pointer,
	"message": $"{input.resource.name} is protected against deletion",
	"fix": "apply it with \"parameters\": { \"deletionProtection\": false } first, then delete it",
} if {
	not unprotected
}

unprotected if input.resource.protected == false
