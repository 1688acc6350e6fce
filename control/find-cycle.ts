/** A cycle in a graph of "uses" edges, first node repeated at the end; null when there is none. Linear in nodes and edges. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const path = [{ node: start, next: 0 }];
    const onPath = new Set([start]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const used = edges.get(top.node)?.[top.next];
      top.next += 1;
      if (used === undefined) {
        done.add(top.node);
        onPath.delete(top.node);
        path.pop();
      } else if (onPath.has(used)) {
        const nodes = path.map(({ node }) => node);
        return [...nodes.slice(nodes.indexOf(used)), used];
      } else if (!done.has(used)) {
        path.push({ node: used, next: 0 });
        onPath.add(used);
      }
    }
  }
  return null;
}
