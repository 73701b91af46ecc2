"""VPC endpoints, as Cloud Control shows them; the control endpoint puts them there.

ministack's Cloud Control knows what was made through it, and Amazon EC2's endpoints are not.
"""
import json

from ministack.core.responses import request_scope
from ministack.services import cloudcontrol

TYPE = "AWS::EC2::VPCEndpoint"


def put(account, region, id, policy):
    """Puts an endpoint with this policy there, in place of one with the same id."""
    with request_scope(account, region):
        properties = {"Id": id, "VpcEndpointType": "Interface", "PolicyDocument": json.loads(policy)}
        cloudcontrol._resources[cloudcontrol._resource_key(TYPE, id)] = {
            "TypeName": TYPE, "Identifier": id, "Properties": json.dumps(properties)}
