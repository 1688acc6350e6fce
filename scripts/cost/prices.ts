/**
 * AWS's public on-demand prices in us-east-1, in US dollars, without free tiers and discounts. Other regions cost up to a third
 * more. Each names the page to check it on; what a month costs is as true as this list is new.
 */
export const pricesAsOf = "2026-11";

export const prices = {
  httpRequest: { per: 1_000_000, dollars: 1, page: "aws.amazon.com/api-gateway/pricing" },
  lambdaRequest: { per: 1_000_000, dollars: 0.2, page: "aws.amazon.com/lambda/pricing" },
  lambdaGbSecond: { per: 1, dollars: 0.0000133334, page: "aws.amazon.com/lambda/pricing" },
  stateTransition: { per: 1_000, dollars: 0.025, page: "aws.amazon.com/step-functions/pricing" },
  dataApiRequest: { per: 1_000_000, dollars: 0.35, page: "aws.amazon.com/rds/aurora/pricing" },
  auroraCapacityHour: { per: 1, dollars: 0.12, page: "aws.amazon.com/rds/aurora/pricing" },
  auroraStorageGb: { per: 1, dollars: 0.1, page: "aws.amazon.com/rds/aurora/pricing" },
  auroraIo: { per: 1_000_000, dollars: 0.2, page: "aws.amazon.com/rds/aurora/pricing" },
  auroraBackupGb: { per: 1, dollars: 0.021, page: "aws.amazon.com/rds/aurora/pricing" },
  secret: { per: 1, dollars: 0.4, page: "aws.amazon.com/secrets-manager/pricing" },
  key: { per: 1, dollars: 1, page: "aws.amazon.com/kms/pricing" },
  alarm: { per: 1, dollars: 0.1, page: "aws.amazon.com/cloudwatch/pricing" },
  metric: { per: 1, dollars: 0.3, page: "aws.amazon.com/cloudwatch/pricing" },
  dashboard: { per: 1, dollars: 3, page: "aws.amazon.com/cloudwatch/pricing" },
  logGb: { per: 1, dollars: 0.5, page: "aws.amazon.com/cloudwatch/pricing" },
  trace: { per: 1_000_000, dollars: 5, page: "aws.amazon.com/xray/pricing" },
} as const;

export type Item = keyof typeof prices;
