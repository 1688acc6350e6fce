# Somebody answers for what runs in production. Elsewhere it is a reminder.
package cairn.apply.owner_known

deny contains finding if {
	input.environment.tier == "production"
	not known
}

warn contains finding if {
	input.environment.tier != "production"
	not known
}

finding := {
	"pointer": "/team",
	"message": $"nobody is known to answer for team {input.team.id}",
	"fix": $"ask the platform team to set \"contact\" with PUT /v1/teams/{input.team.id}",
}

known if {
	is_string(input.team.contact)
	trim_space(input.team.contact) != ""
}
