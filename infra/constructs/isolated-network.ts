import { type IVpc, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";

/** Two zones, because Aurora asks for two, and no way in or out: the Data API needs none. As a cluster's options. */
export function isolatedNetwork(scope: Construct, id: string) {
  // CDK's classes say `| undefined` where its interfaces do not, which exactOptionalPropertyTypes minds: hence `as`.
  const vpc = new Vpc(scope, id, {
    natGateways: 0,
    maxAzs: 2,
    subnetConfiguration: [{ name: "store", subnetType: SubnetType.PRIVATE_ISOLATED }],
  }) as IVpc;
  acknowledge(vpc, { VPC7: "no route leads in or out, and Aurora alone is in it: there are no flows to log" });
  return { vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED } };
}
