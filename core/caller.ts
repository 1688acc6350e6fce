export type Role = "viewer" | "developer" | "platform";
export const roles: readonly Role[] = ["viewer", "developer", "platform"];

/** Who sends a request, from the verified token. Only `platform` may be without a team. */
export type Caller = { subject: string; role: Role; team: string | null };

/** Whose rows a statement may see: one team's (row-level security) or, for the platform role, every team's. */
export type Scope = { team: string } | "platform";
