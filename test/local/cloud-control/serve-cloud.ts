// A process of its own for the tests that kill one: serves the cloud kept in a file and prints where.
import { openCloud } from "../../../local/cloud/open-cloud.ts";
import { startCloudControl } from "../../../local/cloud-control/start-cloud-control.ts";

const server = await startCloudControl({ store: openCloud(process.argv[2] ?? "") });
console.log(server.url);
