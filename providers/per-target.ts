import { canonicalJson, type JsonObject } from "../core/json.ts";

/** One client for each target, kept: a client holds connections and credentials. The oldest makes room after `limit`. */
export function perTarget<Client>(make: (target: JsonObject) => Client, limit = 100): (target: JsonObject) => Client {
  const clients = new Map<string, Client>();
  return (target) => {
    const key = canonicalJson(target);
    const client = clients.get(key) ?? make(target);
    clients.delete(key);
    clients.set(key, client);
    const [oldest] = clients.keys();
    if (clients.size > limit && oldest !== undefined) clients.delete(oldest);
    return client;
  };
}
