"""KMS: GetKeyPolicy takes no alias; keys that a test needs are put there by the control endpoint."""
import functools
import json

from ministack.core.responses import error_response_json, request_scope
from ministack.services import kms


def put_key(account, region, alias, policy):
    """Makes a key with this policy and alias in an account: its ARN."""
    with request_scope(account, region):
        _, _, body = kms._create_key({"Policy": policy})
        arn = json.loads(body)["KeyMetadata"]["Arn"]
        kms._create_alias({"AliasName": alias, "TargetKeyId": arn})
        return arn


def get_key_policy(original, data):
    """API reference, GetKeyPolicy: the key's id or ARN."""
    name = data.get("KeyId", "")
    if name.split(":")[-1].startswith("alias/"):
        return error_response_json("NotFoundException", f"Invalid keyId {name}", 400)
    return original(data)


def install():
    kms._get_key_policy = functools.partial(get_key_policy, kms._get_key_policy)
