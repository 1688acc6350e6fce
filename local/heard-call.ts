import type { IncomingMessage } from "node:http";

/** A call as IAM would judge it, told before it is answered: who asks, for what, on what. */
export type HeardCall = {
  /** The access key that signed it, or what runs it where nobody signs. */
  caller: string;
  /** The right it takes: `service:Action`. */
  action: string;
  /** An ARN, or `*` where AWS takes no narrower resource. */
  resource: string;
  /** What a policy's conditions can ask of it, by condition key. */
  context: { readonly [key: string]: string };
  /** Of Cloud Control: the type that AWS's own handler then works on, with the caller's rights. */
  typeName?: string | undefined;
};

/** Is told of each call. This machine takes any credentials; who listens can say what real ones would have needed. */
export type Hear = (call: HeardCall) => void;

/** Whose signature a request bears: the access key in the header of Signature Version 4. */
export function accessKeyOf(request: IncomingMessage): string {
  return /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
}

/** The condition keys of tags: `aws:ResourceTag/…` or `aws:RequestTag/…`. */
export function tagContext(which: "ResourceTag" | "RequestTag", tags: readonly { Key: string; Value: string }[]) {
  return Object.fromEntries(tags.map(({ Key, Value }) => [`aws:${which}/${Key}`, Value]));
}
