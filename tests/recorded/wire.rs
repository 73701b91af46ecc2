//! Recorded answers as they came over the wire, read by the SDK and by this program's own page of it.
//!
//! A server on this machine gives one recorded answer to whatever is asked; `wire.toml` has the answers and
//! what the plain value that the rest of the program sees must hold.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use provision::aws::{Aws, Keys, Reach};
use provision::cloud::{Cloud as _, Request, apigateway, iam, sns, sqs};
use provision::model::{AccountId, Place, Region, Tags};
use provision::stack::{Account, Credentials};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wires {
    answer: Vec<Wire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    call: String,
    when: String,
    body: String,
    /// What the plain answer shows, in its debugging form.
    holds: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
}

impl Wire {
    fn request(&self) -> Request {
        let id = || "api1".to_owned();
        let none = || String::from("{}");
        let topic = || "arn:aws:sns:eu-west-1:111111111111:it".to_owned();
        match self.call.as_str() {
            "apigateway:CreateRestApi" => Request::CreateRestApi(apigateway::CreateRestApi {
                name: "orders".to_owned(),
                description: None,
                policy: None,
                endpoint_type: "EDGE".to_owned(),
                vpc_endpoints: Vec::new(),
                binary_media_types: Vec::new(),
                minimum_compression: None,
                api_key_source: "HEADER".to_owned(),
                disable_execute_api: false,
                tags: Tags::new(),
            }),
            "apigateway:UpdateRestApi" => Request::UpdateRestApi(apigateway::UpdateRestApi {
                id: id(),
                patches: vec![apigateway::Patch::remove("/description", None)],
            }),
            "apigateway:PutRestApi" => Request::PutRestApi(apigateway::PutRestApi {
                id: id(),
                overwrite: true,
                fail_on_warnings: false,
                body: none(),
            }),
            "iam:CreateRole" => Request::CreateRole(iam::CreateRole {
                name: "worker".to_owned(),
                path: "/prefix/".to_owned(),
                trust: none(),
                description: None,
                max_session: 3600,
                boundary: None,
                tags: Tags::new(),
            }),
            "iam:UpdateAssumeRolePolicy" => {
                Request::UpdateAssumeRolePolicy(iam::UpdateAssumeRolePolicy {
                    name: "worker".to_owned(),
                    document: none(),
                })
            }
            "iam:GetAccountSummary" => Request::GetAccountSummary(iam::GetAccountSummary),
            "sns:GetTopicAttributes" => {
                Request::GetTopicAttributes(sns::GetTopicAttributes { arn: topic() })
            }
            "sns:GetSubscriptionAttributes" => {
                let arn = format!("{}:00000000-0000-4000-8000-000000000001", topic());
                Request::GetSubscriptionAttributes(sns::GetSubscriptionAttributes { arn })
            }
            "sns:ListSubscriptionsByTopic" => {
                Request::ListSubscriptionsByTopic(sns::ListSubscriptionsByTopic {
                    topic: topic(),
                    token: None,
                })
            }
            "sqs:ListQueueTags" => Request::ListQueueTags(sqs::ListQueueTags {
                name: "it".to_owned(),
            }),
            "sqs:GetQueueAttributes" => Request::GetQueueAttributes(sqs::GetQueueAttributes {
                name: "it".to_owned(),
            }),
            "sqs:SetQueueAttributes" => Request::SetQueueAttributes(sqs::SetQueueAttributes {
                name: "it".to_owned(),
                attributes: [("SqsManagedSseEnabled".to_owned(), "true".to_owned())].into(),
            }),
            "apigateway:GetRestApis" => {
                Request::GetRestApis(apigateway::GetRestApis { position: None })
            }
            "apigateway:GetResources" => Request::GetApiResources(apigateway::GetApiResources {
                id: id(),
                position: None,
            }),
            "apigateway:GetStages" => Request::GetStages(apigateway::GetStages { id: id() }),
            "apigateway:GetDeployment" => Request::GetDeployment(apigateway::GetDeployment {
                id: id(),
                deployment: "deploy1".to_owned(),
            }),
            "iam:ListRoles" => Request::ListRoles(iam::ListRoles {
                path_prefix: "/".to_owned(),
                marker: None,
            }),
            "iam:GetAccountAuthorizationDetails" => {
                Request::GetAccountAuthorizationDetails(iam::GetAccountAuthorizationDetails {
                    marker: None,
                })
            }
            "sns:Subscribe" => Request::Subscribe(sns::Subscribe {
                topic: "arn:aws:sns:eu-west-1:111111111111:it".to_owned(),
                protocol: "sqs".to_owned(),
                endpoint: "arn:aws:sqs:eu-west-1:111111111111:it".to_owned(),
                attributes: std::collections::BTreeMap::new(),
            }),
            other => panic!("no request for {other}"),
        }
    }
}

const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:root</Arn>\
    <UserId>111111111111</UserId><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// Reads one request, and returns it.
fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = stream.read(&mut part).unwrap_or(0);
        text.extend_from_slice(&part[..count]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = so_far.split_once("\r\n\r\n") else {
            assert!(count > 0, "the request ends early");
            continue;
        };
        let length = head
            .lines()
            .filter_map(|it| it.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, it)| it.trim().parse().expect("a length"));
        if body.len() >= length || count == 0 {
            return so_far;
        }
    }
}

/// Answers everything on a port of this machine with `body`, but STS with who asks.
fn serve(body: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let asked = read(&mut stream);
            let (body, kind) = match &body {
                _ if asked.contains("GetCallerIdentity") => (WHO, "text/xml"),
                it if it.trim_start().starts_with('<') => (it.as_str(), "text/xml"),
                it => (it.as_str(), "application/json"),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

fn place() -> Place {
    Place {
        account: "a".to_owned(),
        id: AccountId::parse("111111111111").expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

#[test]
fn what_came_over_the_wire_is_read() {
    let text = include_str!("wire.toml");
    let rows = toml::from_str::<Wires>(text).expect("the answers are TOML");
    assert!(rows.answer.len() >= 40);
    for row in rows.answer {
        let port = serve(row.body.clone());
        let account = Account {
            place: place(),
            credentials: Credentials {
                role: None,
                external_id: None,
                profile: None,
            },
            boundary: None,
            quotas: provision::policy::size::Quotas::default(),
        };
        let keys = Keys {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "any".to_owned(),
            session_token: None,
        };
        let reach = Reach {
            endpoint: Some(format!("http://127.0.0.1:{port}")),
            keys: [("a".to_owned(), keys)].into(),
            ask: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let answer = runtime.block_on(async {
            let aws = Aws::reach(&[account], "recorded", &reach);
            aws.send(&place(), row.request()).await
        });
        let shown = format!("{answer:?}");
        for words in &row.holds {
            assert!(
                shown.contains(words),
                "{}: no `{words}` in {shown}",
                row.when
            );
        }
        for words in &row.lacks {
            assert!(!shown.contains(words), "{}: `{words}` in {shown}", row.when);
        }
    }
}
