"""MiniStack as it is, but for what AWS does otherwise and this test needs.

Its own Data API and Cloud Control are stubs. Who may call them is still its IAM's to say; what a call does is then done by
Cairn's own rooms, whose addresses are in CAIRN_RDS_DATA and CAIRN_CLOUD_CONTROL.

It ends when its standard input does, so it never outlives who started it, however that one ended.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import get_region, json_response
from ministack.core.router import extract_access_key_id
from ministack.services import cloudcontrol, rds_data, secretsmanager

resolve_condition_key = iam_evaluator._resolve_condition_key
create_secret = secretsmanager._create_secret
is_bindable = app._port_is_bindable


def end_with_standard_input():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)  # its functions end with it; a request that never ends would keep it
    os._exit(1)


def with_role_of_session(key, context):
    """aws:PrincipalArn of a role's session is the role's own ARN, not the session's."""
    value = resolve_condition_key(key, context)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in value:
        return value
    return value.replace(":sts::", ":iam::").replace(":assumed-role/", ":role/").rsplit("/", 1)[0]


def once_per_token(data):
    """CreateSecret's token is the version's id, and with the same content again it is the first call again."""
    token = data.get("ClientRequestToken")
    _, secret = secretsmanager._resolve(data.get("Name"))
    known = secret["Versions"].get(token) if secret else None
    if known is None or known.get("SecretString") != data.get("SecretString"):
        answer = create_secret(data)
        if answer[0] != 200 or token is None:
            return answer
        _, secret = secretsmanager._resolve(data.get("Name"))
        secret["Versions"] = {token: version for version in secret["Versions"].values()}
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": token})


def room(url):
    def send(path, headers, body):
        passed = {name: headers[name] for name in ("content-type", "x-amz-target") if name in headers}
        request = urllib.request.Request(url + path, data=body, headers=passed, method="POST")
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, dict(answer.headers), answer.read()

    async def handle_request(method, path, headers, body, query_params):
        return await asyncio.to_thread(send, path, headers, body)

    return handle_request


def reading_the_secret(execute):
    """The Data API reads the secret with its caller's rights."""

    async def handle_request(method, path, headers, body, query_params):
        secret = json.loads(body or b"{}").get("secretArn", "")
        denied = iam_evaluator.enforce(
            extract_access_key_id(headers, query_params),
            "secretsmanager:GetSecretValue",
            "secretsmanager",
            get_region(),
            resource_arn=secret,
        )
        if denied:
            return access_denied_response(
                "rds-data", "secretsmanager:GetSecretValue", denied.principal_arn, "", headers=headers
            )
        return await execute(method, path, headers, body, query_params)

    return handle_request


iam_evaluator._resolve_condition_key = with_role_of_session
secretsmanager._create_secret = once_per_token
rds_data.handle_request = reading_the_secret(room(os.environ["CAIRN_RDS_DATA"]))
cloudcontrol.handle_request = room(os.environ["CAIRN_CLOUD_CONTROL"])
# Over TLS it takes port 443 as well where it may, for names of AWS that nobody looks up here.
app._port_is_bindable = lambda host, port: port != 443 and is_bindable(host, port)
threading.Thread(target=end_with_standard_input, daemon=True).start()
app.main()
