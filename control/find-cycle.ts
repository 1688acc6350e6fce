/** A cycle in a graph of "uses" edges, first node repeated at the end; null when there is none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: string[] = [];
    const open = [{ node: start, next: 0 }];
    while (open.length > 0) {
      const top = open[open.length - 1] as { node: string; next: number };
      if (top.next === 0) {
        if (path.includes(top.node)) return [...path.slice(path.indexOf(top.node)), top.node];
        path.push(top.node);
      }
      const used = done.has(top.node) ? undefined : edges.get(top.node)?.[top.next];
      if (used !== undefined) {
        top.next += 1;
        open.push({ node: used, next: 0 });
      } else {
        done.add(top.node);
        path.pop();
        open.pop();
      }
    }
  }
  return null;
}
