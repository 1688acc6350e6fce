import { readStage } from "../../infra/stages/read-stage.ts";
import { parseStage, type Stage } from "../../infra/stages/stage.ts";

/** Production with everything that a stage may leave out: machines, a domain, targets in two accounts and two regions. */
export const fullStage: Stage = parseStage("test/infra/full-stage.ts", {
  ...readStage("production"),
  // What whoever deploys it has changed is not what is asked here.
  account: "111122223333",
  region: "eu-west-1",
  reserveConcurrency: true,
  tokens: {
    issuer: "https://login.example.com/",
    audience: ["cairn"],
    claims: { team: "team", role: "role" },
    platformSubjects: [],
  },
  machineCallers: [
    { name: "ci", trusts: ["arn:aws:iam::444455556666:role/ci"], role: "developer", team: "payments" },
    { name: "portal", trusts: ["arn:aws:iam::111122223333:role/portal"], role: "platform" },
  ],
  domain: {
    name: "cairn.example.com",
    certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d",
    zone: { id: "Z0123456789", name: "example.com" },
  },
  alarmAddresses: ["on-call@example.com"],
  targets: [
    {
      name: "shared",
      account: "222233334444",
      region: "eu-west-1",
      environments: ["development", "staging"],
      externalId: "made-up-for-shared-01",
      requestsPerSecond: null,
      values: {
        subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5a60719"],
        cacheSecurityGroupIds: ["sg-0b1c2d3e4f5a60719"],
        kafkaClusterArn: "arn:aws:kafka:eu-west-1:222233334444:cluster/shared/11111111-2222-4333-8444-555555555555-1",
      },
      tenants: {
        cluster: "new",
        environments: ["development", "staging"],
        engineVersion: "17.7",
        minCapacity: 0.5,
        maxCapacity: 8,
        standby: false,
        backupDays: 14,
        deletionProtection: true,
        subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5a60719"],
        securityGroupIds: ["sg-0a1b2c3d4e5f60718"],
        database: "tenants",
      },
    },
    {
      name: "live",
      account: "333344445555",
      region: "eu-central-1",
      environments: ["production"],
      externalId: "made-up-for-live-0001",
      requestsPerSecond: 10,
      values: {
        subnetIds: ["subnet-0c1b2c3d4e5f60718", "subnet-0d1c2d3e4f5a60719"],
        securityGroupIds: ["sg-0a1b2c3d4e5f60718"],
        cacheSecurityGroupIds: ["sg-0d1c2d3e4f5a60719"],
        dbSubnetGroupName: "databases",
        kmsKeyId: "arn:aws:kms:eu-central-1:333344445555:key/0a1b2c3d-1111-2222-3333-444455556666",
      },
      tenants: null,
    },
  ],
});
