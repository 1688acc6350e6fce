"""LocalStack's Step Functions, whose functions run behind LAMBDA_ENDPOINT.

It ends when its standard input does, so it never outlives who started it, however that one ended.
"""

import os
import runpy
import sys
import threading

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from localstack.aws.api.stepfunctions import HistoryEventType, LambdaFunctionFailedEventDetails
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import FailureEvent
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import lambda_eval_utils
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.state_task_lambda import (
    StateTaskLambda,
)
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails


def end_with_standard_input():
    sys.stdin.buffer.read()
    os._exit(0)


# A function may hang for as long as a state machine lets it, and what fails is the state machine's to try again.
functions = boto3.client(
    "lambda",
    endpoint_url=os.environ["LAMBDA_ENDPOINT"],
    config=Config(retries={"total_max_attempts": 1}, read_timeout=900, max_pool_connections=500),
)


def close_connection(request, **_):
    """A connection that is kept may be closed by the other side just when it is used again."""
    request.headers["Connection"] = "close"


functions.meta.events.register("before-send.lambda", close_connection)
own_failure = StateTaskLambda._from_error


def failure_named_as_on_aws(self, env, ex):
    """LocalStack calls every refusal of Lambda's "Exception"; AWS documents "Lambda." and the error's name."""
    if not isinstance(ex, ClientError):
        return own_failure(self, env, ex)
    error = f"Lambda.{ex.response['Error']['Code']}"
    details = LambdaFunctionFailedEventDetails(error=error, cause=ex.response["Error"]["Message"])
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details=EventDetails(lambdaFunctionFailedEventDetails=details),
    )


threading.Thread(target=end_with_standard_input, daemon=True).start()
lambda_eval_utils.boto_client_for = lambda **_: functions
StateTaskLambda._from_error = failure_named_as_on_aws
runpy.run_module("localstack.runtime.main", run_name="__main__")
