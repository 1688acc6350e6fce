import type { CloudControlClient } from "@aws-sdk/client-cloudcontrol";

/** One thing that was asked of AWS. `assumed` is what Cairn, and the simulated cloud, take for granted; left out, nothing hangs on it. */
export type Finding = { what: string; answer: string; assumed?: string };

/** `once` retries nothing, because the service's answer is the finding; `patient` makes and removes what is asked about. */
export type Clients = { once: CloudControlClient; patient: CloudControlClient };

/** Asks, and removes what it made for that. */
export type Question = (clients: Clients) => AsyncIterable<Finding>;
