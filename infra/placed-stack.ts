import { type App, Fn, Stack } from "aws-cdk-lib";

export type Place = { account: string | null; region: string };

/**
 * A stack in a stage's region, and in its account when one is named. The place is said to `cdk deploy` alone: templates go
 * on naming neither, and nothing is asked of AWS to make them.
 */
export class PlacedStack extends Stack {
  constructor(
    app: App,
    id: string,
    { account, region }: Place,
    options: { description: string; terminationProtection?: boolean },
  ) {
    super(app, id, { ...options, env: { region, ...(account === null ? {} : { account }) } });
  }

  /** A network in a stack that knows its account would have its zones looked up. */
  override get availabilityZones(): string[] {
    return [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())];
  }
}
