import { hashOf, type Json } from "../../core/json.ts";
import { changed, database, observing, type Plant, swapping } from "./plant.ts";
import { useCases } from "./tasks.ts";

/** The checker is checked: each of these has to be caught. */
export const plants: readonly Plant[] = [
  {
    name: "blind create: what is not recorded is not looked for",
    bug: {
      use: {
        observeResource: (deps, ref) =>
          useCases.observeResource(
            observing(deps, async (provider, call) =>
              call.identifier === null && call.request === null ? { state: "absent" } : provider.observe(call),
            ),
            ref,
          ),
      },
    },
  },
  swapping(
    "that a provider is about to be asked is not persisted",
    "token_used_at = coalesce(o.token_used_at, now()), ",
    "",
  ),
  swapping(
    "the same token for a second attempt",
    "o.kind, o.attempt + 1), token_used_at",
    "o.kind, o.attempt), token_used_at",
  ),
  swapping(
    "another token without a proven failure",
    "if step = 'next-attempt' or (step = 'failed'",
    "if step in ('next-attempt', 'wait') or (step = 'failed'",
  ),
  swapping(
    "advance does not look at the epoch",
    "op.id is null or op.epoch <> held_epoch or op.status <> 'RUNNING'",
    "op.id is null",
  ),
  swapping(
    "advance looks at the epoch, not at the status",
    "op.epoch <> held_epoch or op.status <> 'RUNNING' then",
    "op.epoch <> held_epoch then",
  ),
  swapping(
    "claim does not look at the epoch",
    "op.id is null or op.epoch <> held_epoch or op.status not in",
    "op.id is null or op.status not in",
  ),
  swapping(
    "taking over leaves the epoch",
    "set epoch = o.epoch + 1, due_at = now() + make_interval(secs => grace_seconds),",
    "set due_at = now() + make_interval(secs => grace_seconds),",
  ),
  swapping("a stale generation becomes READY", "current := r.operation_id = op.id;", "current := true;"),
  swapping(
    "what has asked a provider is overtaken at once",
    "o.status in ('PENDING', 'RUNNING', 'WAITING') and o.token_used_at is null",
    "o.status in ('PENDING', 'RUNNING', 'WAITING')",
  ),
  swapping(
    "a change starts while the one before it is in flight",
    "and o.status in ('PENDING', 'RUNNING', 'WAITING') and o.generation < op.generation)",
    "and false)",
    "in_flight := exists (",
    "in_flight := false and exists (",
  ),
  swapping(
    "the sweep forgets what lost its execution",
    "o.status in ('PENDING', 'RUNNING', 'WAITING') and o.due_at <= now()",
    "o.status in ('PENDING', 'WAITING') and o.due_at <= now()",
  ),
  swapping(
    "the sweep forgets what was never started",
    "o.status in ('PENDING', 'RUNNING', 'WAITING') and o.due_at <= now()",
    "o.status in ('RUNNING', 'WAITING') and o.due_at <= now()",
  ),
  swapping(
    "dependencies are deleted before what uses them",
    "where e.team_id = team and e.depends_on = r.id and d.status <> 'DELETED'))",
    "where e.team_id = team and e.depends_on = r.id and false))",
    "e.depends_on = r.id;\n    end if;\n    in_flight",
    "e.depends_on = r.id and false;\n    end if;\n    in_flight",
  ),
  swapping(
    "deleting in order follows what is wanted, not what may be used outside",
    "cairn.outside_dependencies e\n      join cairn.resources d",
    "cairn.resource_dependencies e\n      join cairn.resources d",
    "cairn.outside_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id\n      where e.team_id = team",
    "cairn.resource_dependencies e join cairn.resources d on d.team_id = e.team_id and d.id = e.resource_id\n      where e.team_id = team",
  ),
  {
    name: "a key is not bound to its payload",
    bug: {
      use: {
        acceptIntent: (deps, request) => {
          const requestHash = hashOf(request.intent as unknown as Json);
          const intentContext: typeof deps.store.intentContext = async (scope, asked) => {
            const context = await deps.store.intentContext(scope, asked);
            return context.key === null ? context : { ...context, key: { ...context.key, requestHash } };
          };
          return useCases.acceptIntent({ ...deps, store: { ...deps.store, intentContext } }, request);
        },
      },
    },
  },
  swapping(
    "an idempotency key binds nothing",
    "k.team_id = :team and k.key = :key::text and",
    "false and",
    "where k.team_id = team and k.key = p->>'key' and k.created_at > now() - interval '7 days';",
    "where false;",
    "    where k.created_at <= now() - interval '7 days';\n  if not found then",
    "    where true;\n  if not found then",
  ),
  swapping(
    "a failure is not written to the audit log",
    "perform cairn.log(team, 'cairn', 'operation.failed', null, r.id, op.id, jsonb_build_object('reason', why, 'attempt', op.attempt));",
    "",
  ),
  swapping(
    "becoming READY is not written to the audit log",
    "perform cairn.log(team, 'cairn', case when current then 'operation.ready' else 'operation.superseded' end, null, r.id, op.id,\n      jsonb_build_object('generation', op.generation));",
    "",
  ),
  {
    name: "an unknown outcome is taken for a proven failure",
    bug: {
      database: database((sql, parameters) => {
        const progress =
          typeof parameters.progress === "string" ? (JSON.parse(parameters.progress) as { to: string }) : null;
        if (progress?.to === "wait") parameters.progress = JSON.stringify({ ...progress, to: "next-attempt" });
        return sql;
      }),
    },
  },
  {
    name: "a failed look is taken for absence",
    bug: {
      use: {
        observeResource: (deps, ref) =>
          useCases.observeResource(
            observing(deps, async (provider, call) => {
              const seen = await provider.observe(call);
              return seen.state === "unknown" ? { state: "absent" } : seen;
            }),
            ref,
          ),
      },
    },
  },
  {
    name: "a deletion is recorded without looking",
    bug: {
      use: {
        applyResource: async (deps, ref, asked) => {
          const step = await useCases.applyResource(deps, ref, asked);
          const work = await deps.store.work(ref, 60);
          if (work?.kind === "delete") await deps.store.advance(ref, { to: "deleted" });
          return step;
        },
      },
    },
  },
  {
    name: "other values are sent than were committed",
    bug: {
      use: {
        applyResource: (deps, ref, asked) =>
          useCases.applyResource(
            {
              ...deps,
              providers: changed(deps.providers, (provider) => ({
                apply: (call, observed) => provider.apply({ ...call, desired: { ...call.desired, Size: 7 } }, observed),
              })),
            },
            ref,
            asked,
          ),
      },
    },
  },
  {
    ...swapping(
      "what was made is gone as soon as one look does not find it",
      "p.attempt > 1)))\n    and not exists (",
      "p.attempt > 1)))\n    and false and not exists (",
    ),
    unseenEnd: "a deletion that the cloud failed at, and a look that does not find what is there",
  },
  swapping(
    "a breaker is tried without a lease",
    "and (x.probe_operation = op.id or x.probe_until is null or x.probe_until <= now())",
    "",
    "and (b.probe_until is null or b.probe_until <= now())",
    "",
  ),
  swapping(
    "an open breaker holds nobody back",
    "and b.service = cairn.provider_service(op.definition->>'kind') and b.state <> 'CLOSED';",
    "and false;",
  ),
  swapping(
    "what is let through takes nothing from the budget",
    "update cairn.target_budgets b set tokens = b.tokens - cost",
    "update cairn.target_budgets b set tokens = b.tokens",
  ),
  {
    name: "retries in two layers: a provider asks again by itself",
    bug: {
      providers: (providers) =>
        changed(providers, (provider) => ({
          observe: async (call) => {
            const seen = await provider.observe(call);
            return seen.state === "unknown" && seen.failure.transient ? provider.observe(call) : seen;
          },
        })),
    },
  },
  {
    ...swapping(
      "what was overtaken and ends without proof is forgotten",
      "(step = 'wait' or step = 'failed' and not coalesce((p->>'proven')::boolean, false))",
      "step = 'wait'",
    ),
    unseenEnd: "a create that is overtaken by a deletion, and may not be looked at",
  },
  {
    ...swapping(
      "what ended without proof is not settled before what comes after it",
      "o.status = 'FAILED' and o.token_used_at is not null\n    returning",
      "false\n    returning",
    ),
    unseenEnd: "a create without an answer that may not be looked at, and a deletion then",
  },
  {
    name: "that a deletion failed proves that nothing is left",
    unseenEnd: "a deletion that the cloud failed at, and a look that does not find what is there",
    bug: {
      use: {
        observeResource: (deps, ref) =>
          useCases.observeResource(
            observing(deps, async (provider, call) => {
              const seen = await provider.observe(call);
              return seen.state === "absent" && seen.failed !== undefined ? { state: "absent" } : seen;
            }),
            ref,
          ),
      },
    },
  },
  {
    name: "a change that nobody answered is not waited for",
    systematic: { type: "database", change: "create", next: "delete" },
    bug: {
      use: {
        applyResource: (deps, ref, asked) =>
          useCases.applyResource({ ...deps, pace: { ...deps.pace, unansweredSeconds: 0 } }, ref, asked),
      },
    },
  },
];
