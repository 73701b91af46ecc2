"""AWS Organizations: the tree and its policies, as the control endpoint puts them there.

ministack has one organization in every account, and no resource control policies. Here an account is in the
organization that was put there, or in none; the tree is shown to the management account and delegated administrators.
"""
import json

from ministack.core.responses import error_response_json, get_account_id
from ministack.services import organizations

_organizations = []

_FULL_ACCESS = {"SERVICE_CONTROL_POLICY": ("p-FullAWSAccess", "FullAWSAccess"),
                "RESOURCE_CONTROL_POLICY": ("p-RCPFullAWSAccess", "RCPFullAWSAccess")}


def put(organization):
    """Puts an organization there: id, management, root, enabled, parents, policies, delegated, without_full_access."""
    _organizations.append(organization)


def reset():
    _organizations.clear()


def _has(it, account):
    return account == it["management"] or account in it["parents"]


def _own():
    return next((it for it in reversed(_organizations) if _has(it, get_account_id())), None)


def _answer(document):
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()


def _refuse(code, message):
    return error_response_json(code, message, 400)


def _administered(answer):
    def handle(payload):
        it, account = _own(), get_account_id()
        if it is None:
            return _refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        if account != it["management"] and account not in it.get("delegated", []):
            return _refuse("AccessDeniedException", "You don't have permissions to access this resource.")
        return answer(it, payload)

    return handle


def describe_organization(_payload):
    it = _own()
    if it is None:
        return _refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
    arn = f"arn:aws:organizations::{it['management']}:organization/{it['id']}"
    return _answer({"Organization": {"Id": it["id"], "Arn": arn, "FeatureSet": "ALL", "MasterAccountId": it["management"]}})


def list_roots(it, _payload):
    types = [{"Type": name, "Status": "ENABLED"} for name in it["enabled"]]
    return _answer({"Roots": [{"Id": it["root"], "Name": "Root", "PolicyTypes": types}]})


def list_parents(it, payload):
    child = payload["ChildId"]
    parent = it["parents"].get(child) or (it["root"] if child == it["management"] else None)
    if parent is None:
        return _refuse("ChildNotFoundException", "You specified a child that does not exist.")
    kind = "ROOT" if parent.startswith("r-") else "ORGANIZATIONAL_UNIT"
    return _answer({"Parents": [{"Id": parent, "Type": kind}]})


def list_policies_for_target(it, payload):
    target, kind = payload["TargetId"], payload["Filter"]
    if not (_has(it, target) or target == it["root"] or target in it["parents"].values()):
        return _refuse("TargetNotFoundException", "You specified a target that does not exist.")
    found = [{"Id": id, "Name": policy["name"], "Type": kind, "AwsManaged": False}
             for id, policy in it["policies"].items() if policy["type"] == kind and target in policy["targets"]]
    bare = kind == "SERVICE_CONTROL_POLICY" and target in it.get("without_full_access", [])
    if kind in it["enabled"] and not bare:
        id, name = _FULL_ACCESS[kind]
        found.insert(0, {"Id": id, "Name": name, "Type": kind, "AwsManaged": True})
    return _answer({"Policies": found})


def describe_policy(it, payload):
    policy = it["policies"].get(payload["PolicyId"])
    if policy is None:
        return _refuse("PolicyNotFoundException", "You specified a policy that does not exist.")
    summary = {"Id": payload["PolicyId"], "Name": policy["name"], "Type": policy["type"], "AwsManaged": False}
    return _answer({"Policy": {"PolicySummary": summary, "Content": policy["document"]}})


def install():
    organizations._DISPATCH.update({
        "DescribeOrganization": describe_organization,
        "ListRoots": _administered(list_roots),
        "ListParents": _administered(list_parents),
        "ListPoliciesForTarget": _administered(list_policies_for_target),
        "DescribePolicy": _administered(describe_policy),
    })
