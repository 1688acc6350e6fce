import { type IVpc, SubnetType, Vpc } from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";

/** Two zones, because Aurora asks for two, and no way in or out: the Data API needs none. As a cluster's options. */
export function isolatedNetwork(scope: Construct, id: string) {
  // CDK's classes say `| undefined` where its interfaces do not, which exactOptionalPropertyTypes minds: hence `as`.
  const vpc = new Vpc(scope, id, {
    natGateways: 0,
    maxAzs: 2,
    subnetConfiguration: [{ name: "store", subnetType: SubnetType.PRIVATE_ISOLATED }],
  }) as IVpc;
  return { vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED } };
}
