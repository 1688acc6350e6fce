-- Teams, services and environments.

create or replace function cairn.put_team(team text, team_name text, team_contact text, actor text) returns jsonb language plpgsql as $$
declare
  created boolean;
  t cairn.teams;
begin
  -- Of two at once one creates and the other changes: only the insert itself knows which.
  insert into cairn.teams (team_id, name, contact) values (team, team_name, team_contact) on conflict do nothing
  returning * into t;
  created := found;
  if not created then
    update cairn.teams x set name = team_name, contact = team_contact, updated_at = now() where x.team_id = team returning * into t;
  end if;
  perform cairn.log(team, actor, case when created then 'team.created' else 'team.changed' end, null, null, null,
    jsonb_build_object('name', team_name, 'contact', team_contact));
  return jsonb_build_object('created', created, 'team', t.team_id, 'name', t.name, 'contact', t.contact,
    'createdAt', cairn.iso(t.created_at), 'updatedAt', cairn.iso(t.updated_at));
end
$$;

create or replace function cairn.put_service(team text, service_name text, words text, actor text, scope text) returns jsonb language plpgsql as $$
declare
  created boolean;
  s cairn.services;
begin
  perform set_config('cairn.team', scope, true);
  if not exists (select from cairn.teams t where t.team_id = team) then
    return null;
  end if;
  insert into cairn.services (team_id, service, description) values (team, service_name, words) on conflict do nothing
  returning * into s;
  created := found;
  if not created then
    update cairn.services x set description = words, updated_at = now()
    where x.team_id = team and x.service = service_name returning * into s;
  end if;
  perform cairn.log(team, actor, case when created then 'service.created' else 'service.changed' end, null, null, null,
    jsonb_build_object('service', service_name));
  return jsonb_build_object('created', created, 'team', s.team_id, 'service', s.service, 'description', s.description,
    'createdAt', cairn.iso(s.created_at), 'updatedAt', cairn.iso(s.updated_at));
end
$$;

-- An environment's tier decides defaults and rules, so it stays while resources live there.
create or replace function cairn.put_environment(environment_name text, wanted_tier text, actor text) returns jsonb language plpgsql as $$
declare
  created boolean := false;
  e cairn.environments;
begin
  insert into cairn.environments (environment, tier) values (environment_name, wanted_tier) on conflict do nothing;
  created := found;
  select * into e from cairn.environments x where x.environment = environment_name for update;
  if e.tier <> wanted_tier then
    if exists (select from cairn.resources r where r.environment = environment_name and r.status <> 'DELETED') then
      return null;
    end if;
    update cairn.environments x set tier = wanted_tier, updated_at = now() where x.environment = environment_name returning * into e;
  end if;
  perform cairn.log('', actor, case when created then 'environment.created' else 'environment.changed' end, null, null, null,
    jsonb_build_object('environment', environment_name, 'tier', wanted_tier));
  return jsonb_build_object('created', created, 'environment', e.environment, 'tier', e.tier,
    'createdAt', cairn.iso(e.created_at), 'updatedAt', cairn.iso(e.updated_at));
end
$$;

grant execute on function cairn.put_team(text, text, text, text), cairn.put_environment(text, text, text) to cairn_platform;
grant execute on function cairn.put_service(text, text, text, text, text) to cairn_api, cairn_platform;
