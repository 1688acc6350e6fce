import { providerContract } from "../contract.ts";
import { startAwsStage } from "./stage.ts";

// A bucket is found by its name; a queue's identifier is made by AWS, so it is found in a list.
providerContract("aws provider's bucket: the", () =>
  startAwsStage("AWS::S3::Bucket", "BucketName", { VersioningConfiguration: { Status: "Enabled" } }),
);
providerContract("aws provider's queue: the", () => startAwsStage("AWS::SQS::Queue", "QueueName", { DelaySeconds: 5 }));
