//! A stack that says every field there is, the same with nothing said, and what else is needed to see every call.

/// Accounts: the others say the rest.
const HEAD: &str = r#"
[stack]
name = "all"
region = "eu-west-1"
[accounts.own]
id = "111111111111"
[accounts.far]
id = "222222222222"
"#;

/// Everything is said.
pub(crate) const FULL: &str = r#"
[roles.worker]
account = "own"
path = "/team/"
description = "works"
trusted_by = "lambda.amazonaws.com"
attach = "arn:aws:iam::aws:policy/ReadOnlyAccess"
boundary = "arn:aws:iam::aws:policy/AdministratorAccess"
max_session = "2h"
tags = { owner = "me" }
[roles.worker.policies.extra]
Version = "2012-10-17"
Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }]
[keys.vault]
existing = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
[topics.news]
account = "own"
display_name = "News"
kms_key = "alias/all"
delivery_policy = { http = { defaultHealthyRetryPolicy = { numRetries = 5, minDelayTarget = 1, maxDelayTarget = 20 } } }
signature_version = 2
tracing = true
sqs_success_feedback_role = "arn:aws:iam::111111111111:role/logs"
sqs_success_feedback_sample_rate = 50
sqs_failure_feedback_role = "arn:aws:iam::111111111111:role/logs"
tags = { owner = "me" }
[topics.line]
account = "own"
fifo = true
content_based_deduplication = true
message_group_throughput = true
archive_policy = { MessageRetentionPeriod = 7 }
[queues.inbox]
account = "far"
visibility_timeout = "1m"
retention = "1d"
delay = "5s"
receive_wait = "10s"
max_message_size = "64KiB"
encryption = { kms = "alias/all", reuse = "10m" }
dead_letter = { queue = "dead", max_receives = 3 }
redrive_allow = "none"
subscribe = [{ topic = "news", raw = true, filter = { type = ["created"] }, filter_on_body = true, dead_letter = "dead" }]
tags = { owner = "me" }
[queues.dead]
account = "far"
encryption = "off"
[queues.line]
account = "far"
encryption = { kms = "keys.vault" }
fifo = true
content_based_deduplication = true
message_group_throughput = true
[apis.shop]
account = "own"
description = "sells"
binary_media_types = ["image/png"]
minimum_compression = "1KiB"
disable_execute_api = true
stage = { name = "prod", description = "serves", variables = { colour = "blue" }, rate = 10.5, burst = 20, log_level = "error", data_trace = true, metrics = true, tracing = true, access_log = { destination = "arn:aws:logs:eu-west-1:111111111111:log-group:calls", format = "$context.requestId" } }
tags = { owner = "me" }
[apis.shop.routes]
"GET /orders/{id}" = { http = "https://shop.example.com/orders/{id}", timeout = "5s" }
"POST /orders" = { lambda = "arn:aws:lambda:eu-west-1:111111111111:function:order" }
"POST /later" = { sqs = "arn:aws:sqs:eu-west-1:222222222222:inbox" }
"GET /health" = { mock = { status = 200, body = { up = true } } }
[apis.inner]
account = "own"
endpoint = "private"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[apis.inner.routes]
"GET /a" = { mock = 200 }
[apis.drawn]
account = "own"
openapi = "openapi/orders.yaml"
public = ["GET /health"]
[apis.metered]
account = "own"
openapi = "openapi/metered.yaml"
[[access]]
from = "roles.worker"
to = "apis.shop"
allow = ["GET /orders/{id}"]
via = "resource-policy"
[[access]]
from = "roles.worker"
to = "topics.news"
[[access]]
from = "roles.worker"
to = "queues.line"
allow = "receive"
"#;

/// Nothing is said that need not be.
pub(crate) const BARE: &str = r#"
[roles.worker]
account = "own"
path = "/team/"
trusted_by = "ec2.amazonaws.com"
[topics.news]
account = "own"
[topics.line]
account = "own"
fifo = true
[queues.inbox]
account = "far"
subscribe = "news"
[queues.dead]
account = "far"
[queues.line]
account = "far"
fifo = true
[apis.shop]
account = "own"
stage = "prod"
[apis.shop.routes]
"GET /health" = { mock = 200 }
[apis.inner]
account = "own"
[apis.inner.routes]
"GET /a" = { mock = 200 }
[apis.drawn]
account = "own"
stage = "old"
[apis.drawn.routes]
"GET /health" = { mock = 200 }
"#;

/// What another made, and the stack lends itself; the API's id is the cloud's choice.
pub(crate) const LENT: &str = r#"
[roles.lent]
existing = "arn:aws:iam::111111111111:role/lent"
[apis.lent]
account = "own"
existing = "a1b2c3d4e5"
stage = "prod"
[[access]]
from = "roles.lent"
to = "apis.lent"
allow = ["GET /a"]
via = "resource-policy"
"#;

/// The full stack with the settings of its APIs said otherwise, and the same routes.
pub(crate) fn otherwise() -> String {
    let mut text = whole(FULL);
    for (said, other) in [
        ("description = \"sells\"", "name = \"market\""),
        ("[\"image/png\"]", "[\"image/gif\"]"),
        ("minimum_compression = \"1KiB\"\n", ""),
        ("disable_execute_api = true\n", ""),
        (
            "[\"vpce-0123456789abcdef0\"]",
            "[\"vpce-0fedcba9876543210\"]",
        ),
    ] {
        assert!(text.contains(said), "{said}");
        text = text.replacen(said, other, 1);
    }
    text
}

/// A whole stack of one of these.
pub(crate) fn whole(rest: &str) -> String {
    let tags = if rest == FULL {
        "tags = { team = \"all\" }\n[accounts.own]"
    } else {
        "[accounts.own]"
    };
    format!("{}{rest}", HEAD.replacen("[accounts.own]", tags, 1))
}
