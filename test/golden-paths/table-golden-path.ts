/** A type Cairn does not ship: one file more in the folder is all that adding it takes. */
export const tableGoldenPath = {
  type: "table",
  version: 1,
  title: "DynamoDB table",
  description: "A DynamoDB table, billed by request.",
  parameters: {
    type: "object",
    additionalProperties: false,
    required: ["hashKey"],
    properties: {
      deletionProtection: { type: "boolean", description: "Refuse to delete the table." },
      hashKey: { type: "string", minLength: 1, maxLength: 255, description: "Name of the key." },
      rangeKey: { type: "string", description: "For nothing here but being optional." },
    },
  },
  protection: "deletionProtection",
  defaults: {
    development: { deletionProtection: false },
    staging: { deletionProtection: false },
    production: { deletionProtection: true },
  },
  outputs: { name: "Name of the table", arn: "ARN of the table" },
  variants: [
    {
      tiers: ["development", "staging", "production"],
      provider: "aws",
      kind: "AWS::DynamoDB::Table",
      name: { property: "TableName", maxLength: 255, separator: "-" },
      target: { required: [], optional: ["kmsKeyId"] },
      properties: {
        AttributeDefinitions: [{ AttributeName: "${parameters.hashKey}", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "${parameters.hashKey}", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
        SSESpecification: { SSEEnabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: "${parameters.deletionProtection}",
      },
      outputs: { name: "${attributes.TableName}", arn: "${attributes.Arn}" },
      monthlyPrice: {
        currency: "USD",
        amounts: { default: 2.5 },
        source: "https://aws.amazon.com/dynamodb/pricing/ us-east-1: 10 GB at 0.25 USD, requests not included",
        date: "2026-06-30",
      },
    },
  ],
};
