// What AWS's handlers could do beyond what any golden path asks. An override that needs one of these is refused by AWS, with
// ACCESS_DENIED, until the platform team takes the line away.

export const leftOut: { actions: RegExp; why: string }[] = [
  {
    actions: /^iam:(PassRole|GetRole|ListRoles)$|^rds:(Add|Remove)Role(To|From)DBInstance$/,
    why: "no template gives an object a role, and passing one is how rights are won",
  },
  {
    actions: /^rds:(RestoreDBInstance\w+|CreateDBInstanceReadReplica|PromoteReadReplica)$/,
    why: "a database is made new: one made of a snapshot or a source could hold another team's data",
  },
  {
    actions:
      /^rds:St(art|op)DBInstanceAutomatedBackupsReplication$|^secretsmanager:(ReplicateSecret|RemoveRegions)\w+$/,
    why: "nothing is copied into another region",
  },
  {
    actions:
      /^s3:Put(ReplicationConfiguration|InventoryConfiguration|AnalyticsConfiguration|BucketNotification|BucketLogging)$/,
    why: "no template sends a bucket's contents, their listing or their log elsewhere",
  },
  {
    actions: /^s3:(DeleteObject|PutObjectAcl|PutBucketAcl)$/,
    why: "Cairn never touches what is in a bucket, and ownership is BucketOwnerEnforced, which knows no ACL",
  },
  { actions: /^s3tables:|^s3:(Create|Update|Delete)BucketMetadata\w+$/, why: "no template sets metadata tables" },
  {
    actions: /^s3:(PutBucketWebsite|DeleteBucketWebsite|PutBucketCORS|PutAccelerateConfiguration|PutBucketAbac)$/,
    why: "no template serves a bucket to browsers or changes how its rights work",
  },
  {
    actions: /^s3:(PutBucketObjectLockConfiguration|PutIntelligentTieringConfiguration|PutMetricsConfiguration)$/,
    why: "no template sets it, and a lock cannot be taken back",
  },
];

/** Optional resource types that hold data: an object is made new, never of another team's. */
export const holdsData = /snapshot|backup|^cluster$/;
