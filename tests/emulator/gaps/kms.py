"""KMS: policies are of keys and not of aliases, and are judged when they are written; keys that a test needs are put
there by the control endpoint.

API reference, PutKeyPolicy.
"""
import fnmatch
import functools
import json

from ministack.core.responses import error_response_json, request_scope
from ministack.core.responses import get_account_id
from ministack.services import kms

from .policies import RESOURCE, Malformed, as_list, parse, statements
from .principals import Invalid, resolved_text

POLICY_BYTES = 32768


def put_key(account, region, alias, policy, key=None):
    """Makes a key with this policy and alias, and perhaps this id, in an account: its ARN."""
    with request_scope(account, region):
        _, _, body = kms._create_key({"Policy": policy})
        made = json.loads(body)["KeyMetadata"]
        arn = made["Arn"]
        if key:
            record = kms._keys.pop(made["KeyId"])
            arn = arn.replace(made["KeyId"], key)
            record.update(KeyId=key, Arn=arn)
            kms._keys[key] = record
        kms._create_alias({"AliasName": alias, "TargetKeyId": arn})
        return arn


def get_key_policy(original, data):
    """API reference, GetKeyPolicy: the key's id or ARN."""
    name = data.get("KeyId", "")
    if name.split(":")[-1].startswith("alias/"):
        return error_response_json("NotFoundException", f"Invalid keyId {name}", 400)
    return original(data)


def _lets_change(statement):
    """Whether a statement lets the key's account put its policy again."""
    principal = statement.get("Principal")
    names = ["*"] if principal == "*" else as_list(principal.get("AWS", [])) if isinstance(principal, dict) else []
    own = {"*", get_account_id(), f"arn:aws:iam::{get_account_id()}:root"}
    actions = [a.lower() for a in as_list(statement.get("Action", []))]
    puts = any(fnmatch.fnmatchcase("kms:putkeypolicy", a) for a in actions)
    return statement.get("Effect") == "Allow" and puts and bool(own & set(names))


def put_key_policy(original, data):
    name, text = data.get("KeyId", ""), data.get("Policy", "")
    if name.split(":")[-1].startswith("alias/"):
        return error_response_json("NotFoundException", f"Invalid keyId {name}", 400)
    if len(text.encode()) > POLICY_BYTES:
        return error_response_json("LimitExceededException", "The key policy exceeds the length constraint.", 400)
    try:
        document = parse(text, RESOURCE)
        text = resolved_text(text, document)
    except Malformed as error:
        return error_response_json("MalformedPolicyDocumentException", str(error), 400)
    except Invalid:
        return error_response_json("MalformedPolicyDocumentException",
                                   "Policy contains a statement with one or more invalid principals.", 400)
    if not any(_lets_change(s) for s in statements(document)):
        return error_response_json("MalformedPolicyDocumentException",
                                   "The new key policy will not allow you to update the key policy in the future.", 400)
    return original({**data, "Policy": text})


def install():
    kms._put_key_policy = functools.partial(put_key_policy, kms._put_key_policy)
    kms._get_key_policy = functools.partial(get_key_policy, kms._get_key_policy)
