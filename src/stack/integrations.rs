//! What a route does: pass a request on, invoke, send, or answer.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-integration-settings.html>.

use crate::model::{Arn, velocity};

use super::checker::{Checker, Standing};
use super::diagnostic::{Code, Diagnostic, listed, nearest};
use super::fields::{Fields, Item};
use super::passed::{API_GATEWAY, passed};
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Integration, RouteKey, RouteRole, queue_refs, routes};

pub(super) const ROUTE: Shape = Shape {
    noun: "route",
    doc: "What a route does.",
    fields: &[
        Field::new("http", Kind::Text, "Passes the request on to a URL; `{name}` stands for a path parameter.").alias(&["url", "uri", "https"]),
        Field::new("lambda", Kind::Text, "Invokes a Lambda function, by its ARN, with the whole request.").alias(&["function", "lambda_arn"]),
        Field::new("sqs", Kind::Text, "Sends the body to a queue, of the stack or by its ARN.").alias(&["queue"]),
        Field::new("mock", Kind::Either(&[Kind::Whole(100, 599), Kind::Table(&MOCK)]), "Answers by itself: a status, or a status and a body.").alias(&["status"]),
        Field::new("method", Kind::OneOf(&["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "ANY"]), "With `http`: the backend's method; without it, the route's own.").alias(&["http_method"]),
        Field::new("credentials", Kind::Either(&[Kind::Text, Kind::Flag]), "With `lambda` or `sqs`: the role under which the route works, of the stack or by its ARN. `false` with `lambda`: no role, since the function's own resource policy lets API Gateway invoke it.").alias(&["role"]),
        Field::new("timeout", Kind::Millis(50, 300_000), "How long the backend may take. More than 29s needs a raised quota.").default("\"29s\"").alias(&["timeout_ms", "timeout_milliseconds"]),
        Field::new("public", Kind::Flag, "Anyone may call it: no signature is asked for.").default("false").alias(&["open", "anonymous"]),
    ],
    one_of: &["http", "lambda", "sqs", "mock"],
};

const MOCK: Shape = Shape {
    noun: "mock",
    doc: "An answer of API Gateway's own.",
    fields: &[
        Field::new("status", Kind::Whole(100, 599), "The status code.")
            .default("200")
            .alias(&["status_code", "code"]),
        Field::new(
            "body",
            Kind::Either(&[Kind::Text, Kind::Json]),
            "The body: a text, or a table that is sent as JSON.",
        ),
    ],
    one_of: &[],
};

/// What a route does, if it has no fault.
pub(super) fn integration(
    checker: &mut Checker<'_>,
    fields: &Fields,
    route: Option<&RouteKey>,
    standing: Option<&Standing>,
) -> Option<Integration> {
    for (field, with) in [
        ("method", ["http"].as_slice()),
        ("credentials", &["lambda", "sqs"]),
    ] {
        let Some(key) = fields.key_of(field) else {
            continue;
        };
        if !with.iter().any(|it| fields.is_written(it)) {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!(
                        "`{field}` of {} goes with {} only",
                        fields.owner,
                        listed(with.iter().copied(), "or")
                    ),
                    "nothing here uses it",
                )
                .help(format!("remove `{field}`")),
            );
        }
    }
    let role = route_role(checker, fields, standing);
    if let Some(text) = fields.text("http") {
        return http(checker, text, fields, route);
    }
    if let Some(text) = fields.text("lambda") {
        let function = lambda(checker, text, standing)?;
        return Some(Integration::Lambda {
            function,
            credentials: role,
        });
    }
    if let Some(text) = fields.text("sqs") {
        let span = text.span;
        let (queue, fifo) = queue_refs::integration_queue(checker, text, &fields.owner)?;
        if fifo {
            checker.report(
                Diagnostic::new(
                    Code::Unsupported,
                    span,
                    format!("{} cannot send to a FIFO queue", fields.owner),
                    "SQS asks for a message group, and a request has none",
                )
                .help(
                    "send to a standard queue; or publish to a FIFO topic from a role of the stack",
                ),
            );
        }
        return Some(Integration::Sqs {
            queue,
            credentials: role,
        });
    }
    mock(checker, fields)
}

/// The role under which a route calls what is behind it.
fn route_role(
    checker: &mut Checker<'_>,
    fields: &Fields,
    standing: Option<&Standing>,
) -> RouteRole {
    let Some(item) = fields.get("credentials") else {
        return RouteRole::OfApi;
    };
    let no_role = matches!(item.value, Item::Flag(false));
    if no_role && !fields.is_written("sqs") {
        return RouteRole::None;
    }
    if let Some(text) = fields.text("credentials") {
        let role = passed(checker, text, &fields.owner, standing, API_GATEWAY);
        return role.map_or(RouteRole::OfApi, RouteRole::Own);
    }
    let (label, help) = if no_role {
        (
            "SQS is called under a role",
            "name a role, or remove `credentials` and have one made: only a Lambda function can let API Gateway in itself",
        )
    } else {
        (
            "neither a role nor `false`",
            "name a role, or remove `credentials` and have one made",
        )
    };
    let message = format!("`credentials` of {} names no role", fields.owner);
    checker.report(Diagnostic::new(Code::Conflict, item.span, message, label).help(help));
    RouteRole::OfApi
}

fn http(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    fields: &Fields,
    route: Option<&RouteKey>,
) -> Option<Integration> {
    let rest = text
        .value
        .strip_prefix("https://")
        .or_else(|| text.value.strip_prefix("http://"));
    let host = rest.map(|it| it.split(['/', '?', '#']).next().unwrap_or_default());
    let wrong = if rest.is_none() {
        Some("neither `https://` nor `http://`")
    } else if host.is_none_or(str::is_empty) {
        Some("has no host")
    } else if text
        .value
        .contains(|it: char| it.is_whitespace() || it.is_control())
    {
        Some("has a space in it")
    } else {
        None
    };
    if let Some(label) = wrong {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                text.span,
                format!("`{}` is not the URL of a backend", text.value),
                label,
            )
            .help("write it as `https://backend.example.com/orders/{id}`"),
        );
        return None;
    }
    if let Some(route) = route {
        check_url_parameters(checker, &text, route);
    }
    let method = fields.text("method").map(|it| it.value.to_owned());
    Some(Integration::Http {
        url: text.value.to_owned(),
        method,
    })
}

/// Each `{name}` in a backend's URL is a parameter of the route's path.
fn check_url_parameters<'a>(checker: &mut Checker<'_>, url: &Spanned<&'a str>, route: &RouteKey) {
    let have = routes::parameters(&route.path);
    // `${stageVariables.name}` is none of the path's.
    let plain: Vec<&str> = url.value.split("${").collect();
    let after = |(index, it): (usize, &&'a str)| -> &'a str {
        if index == 0 {
            it
        } else {
            it.split_once('}').map_or("", |it| it.1)
        }
    };
    let parts = plain
        .iter()
        .enumerate()
        .map(after)
        .flat_map(|it| it.split('{').skip(1));
    for part in parts {
        let Some((name, _)) = part.split_once('}') else {
            checker.report(
                Diagnostic::new(
                    Code::Route,
                    url.span,
                    format!("`{}` has a `{{` that is not closed", url.value),
                    "in the backend's URL",
                )
                .help("a path parameter is written `{name}`"),
            );
            return;
        };
        if have.contains(&name) {
            continue;
        }
        let fault = Diagnostic::new(
            Code::Route,
            url.span,
            format!("`{route}` has no path parameter `{name}`"),
            format!("`{{{name}}}` stands for nothing"),
        );
        checker.report(match nearest(name, have.iter().copied()) {
            Some(meant) => fault.fix(
                "a like parameter exists",
                url.span,
                format!(
                    "\"{}\"",
                    url.value
                        .replace(&format!("{{{name}}}"), &format!("{{{meant}}}"))
                ),
            ),
            None if have.is_empty() => fault.help(
                "the route's path has no parameters: write one as a whole segment, `/orders/{id}`",
            ),
            None => fault.help(format!(
                "the route's parameters are {}",
                listed(have.iter().copied(), "and")
            )),
        });
    }
}

fn lambda(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    standing: Option<&Standing>,
) -> Option<Arn> {
    let span = text.span;
    let arn = checker.arn(text, "lambda", "a Lambda function's ARN")?;
    if !arn.resource().starts_with("function:") || arn.account_id().is_none() {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                span,
                format!("`{arn}` is not a Lambda function's ARN"),
                "not a function",
            )
            .help("write `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with `:ALIAS` after it if one is meant"),
        );
        return None;
    }
    if let Some(standing) = standing
        && !checker.check_partition(Spanned::new(&arn, span), standing.partition, "the API")
    {
        return None;
    }
    Some(arn)
}

fn mock(checker: &mut Checker<'_>, fields: &Fields) -> Option<Integration> {
    let item = fields.get("mock")?;
    let status = |it: i64| u16::try_from(it).unwrap_or(200);
    match &item.value {
        Item::Whole(it) => Some(Integration::Mock {
            status: status(*it),
            body: None,
        }),
        Item::Fields(mock) => {
            let written = mock.get("body");
            let body = written.map(|it| match &it.value {
                Item::Text(text) => text.clone(),
                Item::Json(value, _) => value.to_string(),
                _ => String::new(),
            });
            if let (Some(written), Some(text)) = (written, &body)
                && velocity::template_of(text).is_none()
            {
                checker.report(
                    Diagnostic::new(
                        Code::Unsupported,
                        written.span,
                        format!("API Gateway cannot answer this `body` of {}", fields.owner),
                        "a backslash before `$` or `#`",
                    )
                    .help("API Gateway would leave the backslash out: put something between, or answer by a function"),
                );
            }
            Some(Integration::Mock {
                status: status(i64::from(mock.whole_or_default("status"))),
                body,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, stack};

    #[test]
    fn a_route_does_one_thing() {
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = {}\n"),
            snapbox::str![[r#"
E0103: route `GET /` of api `a` does not say what it is [needs one of `http`, `lambda`, `sqs` or `mock`] help: write one of `http`, `lambda`, `sqs` or `mock`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { mock = 200, http = \"https://a.example.com\" }\n"
            ),
            snapbox::str![[r#"
E0105: route `GET /` of api `a` is two things at once [`mock` as well | `http` here] help: keep one of `http` or `mock`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = { mock = 99 }\n"),
            snapbox::str![[r#"
E0104: `mock` of route `GET /` of api `a` is out of range [must be from 100 to 599]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = \"https://a.example.com\"\n"),
            snapbox::str![[r#"
E0102: route `GET /` of api `a` has the wrong type [this is a text] help: write `{ http = … }`, `{ lambda = … }`, `{ sqs = … }` or `{ mock = … }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = { mock = { status = 200, body = 5 } }\n"),
            snapbox::str![[r#"
E0102: `body` of `mock` of route `GET /` of api `a` has the wrong type [this is a whole number] help: write a text in quotes, or a table

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { mock = 200, method = \"GET\", credentials = \"x\" }\n"
            ),
            snapbox::str![[r#"
E0105: `method` of route `GET /` of api `a` goes with `http` only [nothing here uses it] help: remove `method`
E0105: `credentials` of route `GET /` of api `a` goes with `lambda` or `sqs` only [nothing here uses it] help: remove `credentials`
E0201: route `GET /` of api `a` refers to role `x`, which is not declared [no role has this name] help: no role is declared; add `[roles.x]`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = { url = \"https://a.example.com\" }\n"),
            snapbox::str![[r#"
E0101: unknown field `url` in route `GET /` of api `a` [no such field] a field with a like name exists: http

"#]]
        );
    }

    #[test]
    fn a_backend_can_be_reached() {
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /{id}\" = { http = \"ftp://a\" }\n"),
            snapbox::str![[r#"
E0102: `ftp://a` is not the URL of a backend [neither `https://` nor `http://`] help: write it as `https://backend.example.com/orders/{id}`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /{id}\" = { http = \"https:///x\" }\n"),
            snapbox::str![[r#"
E0102: `https:///x` is not the URL of a backend [has no host] help: write it as `https://backend.example.com/orders/{id}`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /{order}\" = { http = \"https://a.example.com/{ordr}/{other-thing}/{\" }\n"
            ),
            snapbox::str![[r#"
E0301: `GET /{order}` has no path parameter `ordr` [`{ordr}` stands for nothing] a like parameter exists: "https://a.example.com/{order}/{other-thing}/{"
E0301: `GET /{order}` has no path parameter `other-thing` [`{other-thing}` stands for nothing] help: the route's parameters are `order`
E0301: `https://a.example.com/{ordr}/{other-thing}/{` has a `{` that is not closed [in the backend's URL] help: a path parameter is written `{name}`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = { http = \"https://a.example.com/{x}\" }\n"),
            snapbox::str![[r#"
E0301: `GET /` has no path parameter `x` [`{x}` stands for nothing] help: the route's path has no parameters: write one as a whole segment, `/orders/{id}`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n\"GET /\" = { lambda = \"create-order\" }\n"),
            snapbox::str![[r#"
E0102: `create-order` is not a Lambda function's ARN [not an ARN] help: its ARN is `arn:aws:lambda:REGION:ACCOUNT:function:NAME`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { lambda = \"arn:aws:lambda:eu-west-1:111111111111:layer:x\" }\n"
            ),
            snapbox::str![[r#"
E0102: `arn:aws:lambda:eu-west-1:111111111111:layer:x` is not a Lambda function's ARN [not a function] help: write `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, with `:ALIAS` after it if one is meant

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { lambda = \"arn:aws-cn:lambda:cn-north-1:111111111111:function:x\" }\n"
            ),
            snapbox::str![[r#"
E0303: `arn:aws-cn:lambda:cn-north-1:111111111111:function:x` is in partition `aws-cn`, and the API is in `aws` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[queues.q]\nfifo = true\n[apis.a.routes]\n\"POST /\" = { sqs = \"queues.q\" }\n\"PUT /\" = { sqs = \"r\", timeout = 5 }\n"
            ),
            snapbox::str![[r#"
E0304: route `POST /` of api `a` cannot send to a FIFO queue [SQS asks for a message group, and a request has none] help: send to a standard queue; or publish to a FIFO topic from a role of the stack
E0201: route `PUT /` of api `a` refers to queue `r`, which is not declared [no queue has this name] help: queues that are declared: `q`; or add `[queues.r]`
E0102: `timeout` of route `PUT /` of api `a` has the wrong type [this is a whole number] help: write a duration such as "29s" or "500ms"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { lambda = \"arn:aws:lambda:eu-west-1:111111111111:function:x\", credentials = \"arn:aws:iam::222222222222:role/x\" }\n"
            ),
            snapbox::str![[r#"
E0303: route `GET /` of api `a` cannot work under a role of another account [in account 222222222222 | in account 111111111111] help: API Gateway is passed roles of its own account only: declare one there, or leave `credentials` out and have one made

"#]]
        );
    }

    #[test]
    fn a_function_may_let_api_gateway_in_itself_and_a_queue_may_not() {
        use super::super::{RouteRole, Surface};
        use super::Integration;
        let function = "arn:aws:lambda:eu-west-1:111111111111:function:x";
        let route =
            |what: &str| format!("[queues.q]\n[apis.a.routes]\n\"POST /\" = {{ {what} }}\n");
        let stack = stack(&route(&format!(
            "lambda = \"{function}\", credentials = false"
        )));
        let Surface::Routes(routes) = &stack.apis["a"].surface else {
            panic!("routes")
        };
        assert!(matches!(
            routes[0].integration,
            Integration::Lambda {
                credentials: RouteRole::None,
                ..
            }
        ));
        snapbox::assert_data_eq!(
            faults(&route("sqs = \"q\", credentials = false")),
            snapbox::str![[r#"
E0105: `credentials` of route `POST /` of api `a` names no role [SQS is called under a role] help: name a role, or remove `credentials` and have one made: only a Lambda function can let API Gateway in itself

"#]]
        );
        snapbox::assert_data_eq!(
            faults(&route(&format!(
                "lambda = \"{function}\", credentials = true"
            ))),
            snapbox::str![[r#"
E0105: `credentials` of route `POST /` of api `a` names no role [neither a role nor `false`] help: name a role, or remove `credentials` and have one made

"#]]
        );
    }

    #[test]
    fn each_integration_is_read() {
        use super::super::{QueueRef, RoleRef, RouteRole, Surface};
        use super::Integration;
        let stack = stack(
            "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[queues.q]\n[apis.a.routes]\n\"GET /a/{b}\" = { http = \"https://x.example.com/{b}\", method = \"POST\", timeout = \"500ms\" }\n\"GET /c\" = { lambda = \"arn:aws:lambda:eu-west-1:111111111111:function:f:live\", credentials = \"roles.r\" }\n\"POST /d\" = { sqs = \"q\" }\n\"GET /e\" = { mock = { body = { b = 1, a = [true] } }, public = true }\n\"GET /f\" = { mock = 204 }\n",
        );
        let Surface::Routes(routes) = &stack.apis["a"].surface else {
            panic!("routes")
        };
        let does = |index: usize| &routes[index].integration;
        assert_eq!(
            *does(0),
            Integration::Http {
                url: "https://x.example.com/{b}".to_owned(),
                method: Some("POST".to_owned())
            }
        );
        assert_eq!(routes[0].timeout_ms, Some(500));
        let Integration::Lambda {
            function,
            credentials,
        } = does(1)
        else {
            panic!("lambda")
        };
        assert_eq!(function.name(), "live");
        assert_eq!(*credentials, RouteRole::Own(RoleRef::Stack("r".to_owned())));
        let queue = QueueRef::Stack("q".to_owned());
        assert_eq!(
            *does(2),
            Integration::Sqs {
                queue,
                credentials: RouteRole::OfApi
            }
        );
        let body = Some("{\"a\":[true],\"b\":1}".to_owned());
        assert_eq!(*does(3), Integration::Mock { status: 200, body });
        assert_eq!(
            *does(4),
            Integration::Mock {
                status: 204,
                body: None
            }
        );
        assert!(routes[3].public && !routes[4].public);
    }
}
