import { z } from "@hono/zod-openapi";
import type { Page, PageRequest } from "../core/store.ts";
import { badRequest } from "./problem.ts";

export const maxPage = 100;

/** The query parameters of every list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, `must be a whole number from 1 to ${maxPage}`)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: maxPage,
      default: 50,
      description: "The most items a page holds.",
    }),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,512}$/, "is no cursor of this list; begin without one")
    .optional()
    .openapi({ description: "`nextCursor` of the page before; opaque." }),
};

export function pageOf<T extends z.ZodType>(items: T, name: string) {
  return z.object({ items: z.array(items), nextCursor: z.string().nullable() }).openapi(name);
}

/** What the store's own cursors may look like, by list: a cursor made up by a caller must never reach a SQL cast. */
const shapes = {
  id: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
  names: /^[a-z0-9@!-]{1,200}$/,
};

export type Cursors = {
  request(query: { limit?: string | undefined; cursor?: string | undefined }): PageRequest;
  page<T>(page: Page<T>): Page<T>;
};

/**
 * The cursors of one list. What a caller sees is base64url over the list's name and the store's cursor, so that a
 * cursor of another list, or one made up, is a `400` and not a wrong page.
 */
export function cursorsOf(list: string, shape: keyof typeof shapes): Cursors {
  return {
    request({ limit = "50", cursor }) {
      if (cursor === undefined) return { limit: Number(limit), cursor: null };
      const [head, ...rest] = Buffer.from(cursor, "base64url").toString("utf8").split("|");
      const inner = rest.join("|");
      if (head !== list || !shapes[shape].test(inner)) {
        throw badRequest([{ pointer: "cursor", message: "is no cursor of this list; begin without one" }]);
      }
      return { limit: Number(limit), cursor: inner };
    },
    page({ items, nextCursor }) {
      if (nextCursor === null) return { items, nextCursor };
      return { items, nextCursor: Buffer.from(`${list}|${nextCursor}`).toString("base64url") };
    },
  };
}
