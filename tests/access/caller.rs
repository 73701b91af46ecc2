//! Requests as a service sends them: signed with its own session, over plain HTTP.
//!
//! Nothing here goes through the program under test or its SDK clients, so a
//! grant is tried by another way than the one it was made by.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use provision::aws::Keys;
use provision::model::Arn;
use serde_json::{Value, json};

use crate::emulator::http::{self, Response};

const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where requests go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wire {
    /// The emulator's port.
    pub(crate) port: u16,
}

/// A request before it is signed.
#[derive(Debug)]
struct Unsigned<'a> {
    service: &'a str,
    region: &'a str,
    method: &'a str,
    path: &'a str,
    headers: Vec<(String, String)>,
    body: String,
}

impl Wire {
    fn send(self, by: Option<&Keys>, request: Unsigned<'_>) -> Response {
        let Unsigned {
            service,
            region,
            method,
            path,
            mut headers,
            body,
        } = request;
        if !headers.iter().any(|(name, _)| name == "host") {
            headers.push(("host".to_owned(), format!("127.0.0.1:{}", self.port)));
        }
        if let Some(keys) = by {
            let credentials = Credentials::new(
                &keys.access_key_id,
                &keys.secret_access_key,
                keys.session_token.clone(),
                None,
                "test",
            );
            let identity = credentials.into();
            let params = v4::SigningParams::builder()
                .identity(&identity)
                .region(region)
                .name(service)
                .time(SystemTime::now())
                .settings(SigningSettings::default())
                .build()
                .expect("all parameters are set")
                .into();
            let host = &headers[headers.len() - 1].1;
            let uri = format!("http://{host}{path}");
            let named = headers.iter().map(|(name, value)| (&**name, &**value));
            let signable =
                SignableRequest::new(method, uri, named, SignableBody::Bytes(body.as_bytes()))
                    .expect("a request that can be signed");
            let (signed, _) = sign(signable, &params).expect("a signature").into_parts();
            let (more, _) = signed.into_parts();
            for header in more {
                headers.push((header.name().to_owned(), header.value().to_owned()));
            }
        }
        http::send(self.port, method, path, &headers, &body).expect("the emulator answers")
    }

    /// A call of a service that takes forms: STS and SNS.
    fn form(
        self,
        by: Option<&Keys>,
        service: &str,
        region: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| {
                format!(
                    "{}={}",
                    utf8_percent_encode(name, FORM),
                    utf8_percent_encode(value, FORM)
                )
            })
            .collect();
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        self.send(
            by,
            Unsigned {
                service,
                region,
                method: "POST",
                path: "/",
                headers: vec![("content-type".to_owned(), kind.to_owned())],
                body: body.join("&"),
            },
        )
    }

    /// A call of SQS, on a queue.
    fn queue(self, by: Option<&Keys>, action: &str, queue: &Arn, mut body: Value) -> Response {
        body["QueueUrl"] = json!(format!(
            "http://127.0.0.1:{}/{}/{}",
            self.port,
            queue.account(),
            queue.name()
        ));
        let headers = vec![
            (
                "content-type".to_owned(),
                "application/x-amz-json-1.0".to_owned(),
            ),
            ("x-amz-target".to_owned(), format!("AmazonSQS.{action}")),
        ];
        self.send(
            by,
            Unsigned {
                service: "sqs",
                region: queue.region(),
                method: "POST",
                path: "/",
                headers,
                body: body.to_string(),
            },
        )
    }

    /// The session that assuming a role gives; `None` when it is refused.
    pub(crate) fn assume(
        self,
        by: Option<&Keys>,
        region: &str,
        role: &Arn,
        external_id: Option<&str>,
    ) -> Option<Keys> {
        let mut fields = vec![
            ("Action", "AssumeRole"),
            ("Version", "2011-06-15"),
            ("RoleArn", role.as_str()),
            ("RoleSessionName", "access-test"),
        ];
        if let Some(id) = external_id {
            fields.push(("ExternalId", id));
        }
        let answer = self.form(by, "sts", region, &fields);
        if answer.status != 200 {
            assert!(
                answer.body.contains("AccessDenied"),
                "{role} is refused for another reason: {}",
                answer.body
            );
            return None;
        }
        Some(Self::keys_in(&answer))
    }

    /// The keys in an answer of STS or IAM.
    pub(crate) fn keys_in(answer: &Response) -> Keys {
        let part = |name: &str| {
            let from = answer.body.split_once(&format!("<{name}>"))?.1;
            Some(from.split_once('<')?.0.replace("&amp;", "&"))
        };
        Keys {
            access_key_id: part("AccessKeyId").expect("a key id"),
            secret_access_key: part("SecretAccessKey").expect("a key"),
            session_token: part("SessionToken"),
        }
    }

    /// A call that sets something up, as the root of an account.
    pub(crate) fn set_up(self, account: &str, service: &str, fields: &[(&str, &str)]) -> Response {
        let root = Keys {
            access_key_id: account.to_owned(),
            secret_access_key: "any".to_owned(),
            session_token: None,
        };
        let answer = self.form(Some(&root), service, "us-east-1", fields);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    /// The ids of an account's REST APIs.
    pub(crate) fn api_ids(self, account: &str, region: &str) -> Vec<String> {
        let root = Keys {
            access_key_id: account.to_owned(),
            secret_access_key: "any".to_owned(),
            session_token: None,
        };
        let answer = self.send(
            Some(&root),
            Unsigned {
                service: "apigateway",
                region,
                method: "GET",
                path: "/restapis",
                headers: vec![("accept".to_owned(), "application/json".to_owned())],
                body: String::new(),
            },
        );
        let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
        let items = answer["item"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|it| it["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// Whether a route answers to a request that comes by this way.
    pub(crate) fn invoke(
        self,
        by: Option<&Keys>,
        api: &Door,
        method: &str,
        path: &str,
        way: &Way,
    ) -> bool {
        let mut headers = Vec::new();
        for (name, value) in [
            ("x-amzn-vpce-id", &way.endpoint),
            ("x-amzn-vpc-id", &way.vpc),
            ("x-emulator-source-ip", &way.address),
        ] {
            headers.extend(value.clone().map(|it| (name.to_owned(), it)));
        }
        let host = format!("{}.execute-api.localhost:{}", api.id, self.port);
        headers.push(("host".to_owned(), host));
        let answer = self.send(
            by,
            Unsigned {
                service: "execute-api",
                region: &api.region,
                method,
                path: &format!("/{}{path}", api.stage),
                headers,
                body: String::new(),
            },
        );
        let said = format!("{method} {path}: {} {}", answer.status, answer.body);
        match answer.status {
            403 => {
                // A route that is not there is "forbidden" as well, and would pass for a refusal.
                let refused = [
                    "not authorized",
                    "explicit deny",
                    "Missing Authentication Token",
                ];
                assert!(refused.iter().any(|it| answer.body.contains(it)), "{said}");
                false
            }
            404 => panic!("{said}"),
            _ => true,
        }
    }

    /// Whether a message is taken by a topic.
    pub(crate) fn publish(self, by: Option<&Keys>, topic: &Arn, message: &Message) -> bool {
        let names: Vec<(String, String, String)> = (1..=message.attributes.len())
            .map(|it| {
                let entry = format!("MessageAttributes.entry.{it}");
                (
                    format!("{entry}.Name"),
                    format!("{entry}.Value.DataType"),
                    format!("{entry}.Value.StringValue"),
                )
            })
            .collect();
        let mut fields = vec![
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("TopicArn", topic.as_str()),
            ("Message", message.body.as_str()),
        ];
        for ((name, value), (a, b, c)) in message.attributes.iter().zip(&names) {
            fields.extend([(a.as_str(), name.as_str()), (b, "String"), (c, value)]);
        }
        if is_fifo(topic) {
            fields.push(("MessageGroupId", "one"));
            fields.push(("MessageDeduplicationId", &message.id));
        }
        let answer = self.form(by, "sns", topic.region(), &fields);
        came_off(&answer, "Publish")
    }

    /// Whether a queue may be subscribed to a topic.
    pub(crate) fn subscribe(self, by: Option<&Keys>, topic: &Arn, queue: &Arn) -> bool {
        let fields = [
            ("Action", "Subscribe"),
            ("Version", "2010-03-31"),
            ("TopicArn", topic.as_str()),
            ("Protocol", "sqs"),
            ("Endpoint", queue.as_str()),
            ("ReturnSubscriptionArn", "true"),
        ];
        let answer = self.form(by, "sns", topic.region(), &fields);
        came_off(&answer, "Subscribe")
    }

    /// Whether a queue lets somebody look for messages.
    pub(crate) fn receive(self, by: Option<&Keys>, queue: &Arn) -> bool {
        let asked =
            json!({ "MaxNumberOfMessages": 1, "WaitTimeSeconds": 0, "VisibilityTimeout": 0 });
        came_off(
            &self.queue(by, "ReceiveMessage", queue, asked),
            "ReceiveMessage",
        )
    }

    /// Whether a queue takes a message.
    pub(crate) fn push(self, by: Option<&Keys>, queue: &Arn) -> bool {
        let mut body = json!({ "MessageBody": "pushed" });
        if is_fifo(queue) {
            body["MessageGroupId"] = json!("one");
            body["MessageDeduplicationId"] = json!("pushed");
        }
        let answer = self.queue(by, "SendMessage", queue, body);
        came_off(&answer, "SendMessage")
    }

    /// The messages that are in a queue; they are taken out.
    pub(crate) fn take(self, by: &Keys, queue: &Arn) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let asked = json!({ "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0 });
            let answer = self.queue(Some(by), "ReceiveMessage", queue, asked);
            assert_eq!(answer.status, 200, "{}", answer.body);
            let answer: Value = serde_json::from_str(&answer.body).expect("JSON");
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return bodies;
            }
            for message in messages {
                let handle = json!({ "ReceiptHandle": message["ReceiptHandle"] });
                self.queue(Some(by), "DeleteMessage", queue, handle);
                bodies.push(message["Body"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
}

/// The way a request to an API comes by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    /// The VPC endpoint.
    pub(crate) endpoint: Option<String>,
    /// The VPC of the endpoint.
    pub(crate) vpc: Option<String>,
    /// The caller's address; behind an endpoint one of the VPC.
    pub(crate) address: Option<String>,
}

/// Where an API is called.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// The API's id.
    pub(crate) id: String,
    /// The stage.
    pub(crate) stage: String,
    /// The region.
    pub(crate) region: String,
}

/// A message to a topic.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// What tells it from all others; it is in the body.
    pub(crate) id: String,
    /// The body.
    pub(crate) body: String,
    /// Its attributes, all texts.
    pub(crate) attributes: Vec<(String, String)>,
}

/// Whether a call came off, when the only other end allowed is that it is denied.
fn came_off(answer: &Response, action: &str) -> bool {
    if answer.status == 200 {
        return true;
    }
    let denied = [
        "AuthorizationError",
        "AccessDenied",
        "MissingAuthenticationToken",
    ];
    assert!(
        denied.iter().any(|it| answer.body.contains(it)),
        "{action} is refused for another reason: {} {}",
        answer.status,
        answer.body
    );
    false
}

/// Whether a topic or queue keeps the order of its messages: its name says so.
pub(crate) fn is_fifo(arn: &Arn) -> bool {
    arn.name().strip_suffix(".fifo").is_some()
}
