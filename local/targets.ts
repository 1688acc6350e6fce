/** Where this machine's environments live: what a platform team sets for its own accounts and clusters. */
export function localTargets(place: {
  region: string;
  accountId: string;
  clusterArn: string;
  adminSecretArn: string;
  host: string;
  port: number;
}): { environment: string; provider: string; config: object }[] {
  const { region, accountId, clusterArn, adminSecretArn, host, port } = place;
  // As a stage's target: its role and its ExternalId, of which this machine's STS takes any.
  const access = {
    region,
    roleArn: `arn:aws:iam::${accountId}:role/cairn-local-target-here`,
    externalId: "cairn-local-here",
  };
  const aws = {
    ...access,
    lookRoleArn: `${access.roleArn}-look`,
    accountId,
    kafkaClusterArn: `arn:aws:kafka:${region}:${accountId}:cluster/shared/11111111-2222-4333-8444-555555555555-1`,
    dbSubnetGroupName: "cairn-databases",
    securityGroupIds: ["sg-0a1b2c3d4e5f60718"],
    cacheSecurityGroupIds: ["sg-0b1c2d3e4f5a60719"],
    subnetIds: ["subnet-0a1b2c3d4e5f60718", "subnet-0b1c2d3e4f5a60719"],
  };
  const postgres = {
    ...access,
    roleArn: `${access.roleArn}-tenants`,
    lookRoleArn: `${access.roleArn}-tenants-look`,
    clusterArn,
    adminSecretArn,
    host,
    port,
    database: "cairn_tenants",
  };
  return ["development", "staging", "production"].flatMap((environment) => [
    { environment, provider: "aws", config: aws },
    ...(environment === "production" ? [] : [{ environment, provider: "postgres", config: postgres }]),
  ]);
}
