//! Python, with boto3 alone: botocore signs, and sends what it signed.

use super::{
    Action, Edge, Language, Package, Recipient, any, deduplicates, fill, head, is_call, is_wrapped,
    language, url_variable, uses,
};

const ASSUME: &str = r#"
def session_as(role, external_id=None):
    """A session under another role; its credentials renew themselves."""
    sts = boto3.client("sts", region_name=«REGION»)
    request = {"RoleArn": role, "RoleSessionName": «SESSION»}
    if external_id:
        request["ExternalId"] = external_id

    def assume():
        keys = sts.assume_role(**request)["Credentials"]
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }

    class Assumed(CredentialProvider):
        METHOD = "assume-role"

        def load(self):
            return DeferredRefreshableCredentials(assume, self.METHOD)

    core = botocore.session.get_session()
    core.register_component("credential_provider", CredentialResolver([Assumed()]))
    return boto3.Session(botocore_session=core)

"#;

const SIGNED: &str = r#"
def escaped(text, keep=""):
    """Percent-encodes all but unreserved characters and those to keep; other escapes stay as they are."""

    def tidy(escape):
        char = chr(int(escape.group()[1:], 16))
        return char if re.fullmatch("[A-Za-z0-9._~-]", char) else escape.group().upper()

    text = re.sub("%(?![0-9A-Fa-f]{2})", "%25", text)
    return re.sub("%[0-9A-Fa-f]{2}", tidy, quote(text, safe=keep + "-._~%"))


def target(path):
    """A path with its query as it is sent; AWS signs each parameter and each segment by itself."""
    path, _, query = path.partition("?")
    pairs = [it.partition("=") for it in query.split("&") if it]
    query = "&".join(f"{escaped(name)}={escaped(value)}" for name, _, value in pairs)
    return escaped(path, "/!$&'()*+,=:@") + ("?" + query if query else "")


def signed(session, region, method, url, body=None):
    """Sends a request to an API, signed with the session's credentials: its status and body."""
    headers = {"content-type": "application/json"} if body else {}
    request = AWSRequest(method, url, headers, data=body.encode() if body else None)
    keys = session.get_credentials().get_frozen_credentials()
    SigV4Auth(keys, "execute-api", region).add_auth(request)
    answer = HTTP.send(request.prepare())
    return answer.status_code, answer.text

"#;

const CALL: &str = r#"
# «REMARK»
«VARIABLE» = «URL»


def «FUNCTION»(method, path, body=None):
    """May «SAYS»."""
    return signed(«SESSION», «REGION», method, «VARIABLE» + target(path), body)

"#;

const SEND: &str = r#"
def «FUNCTION»(«GROUP»message, attributes=None):
    """May «SAYS»: the message's id."""
    «SERVICE» = «SESSION».client("«SERVICE»", region_name=«REGION»)
    answer = «SERVICE».«METHOD»(
        «TO»,
        «BODY»=message,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value}
            for name, value in (attributes or {}).items()
        },«FIFO»
    )
    return answer["MessageId"]

"#;

const UNWRAPPED: &str = r#"
def unwrapped(body):
    """The message that was published, out of SNS's envelope where it comes in one."""
    try:
        envelope = json.loads(body)
    except ValueError:
        return body
    if isinstance(envelope, dict) and envelope.get("Type") == "Notification":
        return envelope["Message"]
    return body

"#;

const RECEIVE: &str = r#"
def «FUNCTION»(handle):
    """May «SAYS»: hands each message to `handle`, then deletes it.

    Waits up to 20 seconds for the first one; to go on receiving, call it again and again.
    """
    sqs = «SESSION».client("sqs", region_name=«REGION»)
    queue = «QUEUE»
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)
    for message in answer.get("Messages", []):
        handle(«BODY»)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

"#;

const MAIN: &str = r#"
USAGE = [
«USES»]


def main(words):
    name, rest = (words[0], words[1:]) if words else ("", [])
    try:
«CASES»    except ClientError as error:
        print("HTTP", error.response["ResponseMetadata"]["HTTPStatusCode"], file=sys.stderr)
        print(error, file=sys.stderr)
        return 1
    print("usage:", *USAGE, sep="\n  ", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"#;

pub(super) fn client(package: &Package) -> String {
    let assumes = any(package, |it| it.assume.is_some());
    let own = any(package, |it| it.assume.is_none());
    let calls = any(package, is_call);
    let mut text = String::from("#!/usr/bin/env python3\n");
    let needs = ["pip install boto3".to_owned(), String::new()];
    text += &head(package, Language::Python, "#", &needs);
    for (needed, line) in [
        (any(package, is_wrapped), "import json"),
        (calls, "import os"),
        (calls, "import re"),
        (true, "import sys"),
        (any(package, deduplicates), "import uuid"),
        (calls, "from urllib.parse import quote"),
        (true, "\nimport boto3"),
        (assumes, "import botocore.session"),
        (calls, "from botocore.auth import SigV4Auth"),
        (calls, "from botocore.awsrequest import AWSRequest"),
        (
            assumes,
            "from botocore.credentials import (\n    CredentialProvider,\n    CredentialResolver,\n    \
             DeferredRefreshableCredentials,\n)",
        ),
        (true, "from botocore.exceptions import ClientError"),
        (calls, "from botocore.httpsession import URLLib3Session"),
    ] {
        if needed {
            text += line;
            text.push('\n');
        }
    }
    if calls {
        text += "\nHTTP = URLLib3Session()\n";
    }
    if own {
        text += if calls {
            "OWN = boto3.Session()\n"
        } else {
            "\nOWN = boto3.Session()\n"
        };
    }
    text.push('\n');
    if assumes {
        let region = package.edges.iter().find(|it| it.assume.is_some());
        let region = region.map_or("", |it| &it.region);
        let values = [
            ("REGION", language::python(region)),
            ("SESSION", language::python(&package.session_name())),
        ];
        text += &fill(ASSUME, &values);
    }
    if calls {
        text += SIGNED;
    }
    if any(package, is_wrapped) {
        text += UNWRAPPED;
    }
    for edge in &package.edges {
        text += &of_edge(edge);
    }
    let uses: String = uses(package, Language::Python)
        .iter()
        .map(|it| format!("    {},\n", language::python(it)))
        .collect();
    let cases: String = package.edges.iter().map(case).collect();
    text + &fill(MAIN, &[("USES", uses), ("CASES", cases)])
}

/// The variable that holds an edge's session.
fn session(edge: &Edge) -> String {
    match edge.assume {
        Some(_) => format!("AS_{}", edge.function().to_uppercase()),
        None => "OWN".to_owned(),
    }
}

fn of_edge(edge: &Edge) -> String {
    let mut text = String::new();
    if let Some(assume) = &edge.assume {
        let id = assume.external_id.as_ref();
        let id = id.map_or_else(String::new, |it| format!(", {}", language::python(it)));
        let role = language::python(assume.role.as_str());
        text += &format!("\n{} = session_as({role}{id})\n\n", session(edge));
    }
    let mut values = vec![
        ("FUNCTION", edge.function()),
        ("SAYS", language::docstring(&edge.says())),
        ("SESSION", session(edge)),
        ("REGION", language::python(&edge.region)),
    ];
    match &edge.action {
        Action::Call { url, .. } => {
            let variable = url_variable(edge);
            let name = language::python(&variable);
            let (remark, url) = match url {
                Some(url) => (
                    "A custom domain, or another way in, is put in its place by the environment.",
                    format!("os.environ.get({name}, {})", language::python(url)),
                ),
                None => (
                    "The API's custom domain, which its owner knows.",
                    format!("os.environ[{name}]"),
                ),
            };
            values.extend([
                ("REMARK", remark.to_owned()),
                ("VARIABLE", variable),
                ("URL", url),
            ]);
            text += &fill(CALL, &values);
        }
        Action::Send { to, fifo, .. } => {
            let (service, method, to, body) = match to {
                Recipient::Topic(topic) => {
                    let to = format!("TopicArn={}", language::python(topic.as_str()));
                    ("sns", "publish", to, "Message")
                }
                Recipient::Queue(_, url) => {
                    let to = format!("QueueUrl={}", language::python(url));
                    ("sqs", "send_message", to, "MessageBody")
                }
            };
            let more = match fifo {
                None => "",
                Some(true) => "\n        MessageGroupId=group,",
                Some(false) => {
                    "\n        MessageGroupId=group,\n        MessageDeduplicationId=str(uuid.uuid4()),"
                }
            };
            values.extend([
                ("SERVICE", service.to_owned()),
                ("METHOD", method.to_owned()),
                ("TO", to),
                ("BODY", body.to_owned()),
                (
                    "GROUP",
                    if fifo.is_some() { "group, " } else { "" }.to_owned(),
                ),
                ("FIFO", more.to_owned()),
            ]);
            text += &fill(SEND, &values);
        }
        Action::Receive { url, .. } => {
            let body = if is_wrapped(edge) {
                "unwrapped(message[\"Body\"])"
            } else {
                "message[\"Body\"]"
            };
            values.extend([("QUEUE", language::python(url)), ("BODY", body.to_owned())]);
            text += &fill(RECEIVE, &values);
        }
    }
    text
}

/// What `main` does when it is asked for an edge.
fn case(edge: &Edge) -> String {
    let word = language::python(&edge.word());
    let function = edge.function();
    match &edge.action {
        Action::Call { .. } => format!(
            "        if name == {word} and len(rest) in (2, 3):
            status, text = {function}(*rest)
            print(\"HTTP\", status, file=sys.stderr)
            print(text)
            return 0 if 200 <= status < 300 else 1
"
        ),
        Action::Send { fifo, .. } => {
            let (least, first, more) = match fifo {
                Some(_) => (2, "rest[0], rest[1]", "rest[2:]"),
                None => (1, "rest[0]", "rest[1:]"),
            };
            format!(
                "        if name == {word} and len(rest) >= {least}:
            print({function}({first}, dict(it.split(\"=\", 1) for it in {more})))
            return 0
"
            )
        }
        Action::Receive { .. } => format!(
            "        if name == {word} and not rest:
            {function}(print)
            return 0
"
        ),
    }
}
