//! JavaScript on Node, with the AWS SDK v3: its own signer signs, `fetch` sends.

use super::{
    Action, Edge, Language, Package, Recipient, any, deduplicates, fill, head, is_call,
    is_of_queue, is_publish, is_receive, is_wrapped, language, url_variable, uses,
};

const ASSUME: &str = r#"
/** Credentials of another role; they renew themselves. */
function assumed(region, role, externalId) {
  const provider = fromTemporaryCredentials({
    params: { RoleArn: role, RoleSessionName: «SESSION», ExternalId: externalId },
    clientConfig: { region },
  });
  const ends = (keys) => keys.expiration !== undefined;
  return memoize(provider, (keys) => ends(keys) && keys.expiration - Date.now() < 300_000, ends);
}
"#;

const SIGNED: &str = r#"
/** Percent-encodes all but unreserved characters and those to keep; escapes stay as they are. */
function escaped(text, keep = "") {
  const bytes = (it) => [...Buffer.from(it)].map((byte) => byte.toString(16).padStart(2, "0"));
  return text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~-]/gu, (it) =>
    it.length === 3 || keep.includes(it) ? it : bytes(it).map((it) => `%${it.toUpperCase()}`).join(""),
  );
}

/** A path with its query as it is sent; AWS signs each parameter and each segment by itself. */
function target(text) {
  const [path, query] = text.split(/\?(.*)/s, 2);
  const pairs = (query ?? "").split("&").filter(Boolean);
  const encoded = pairs.map((pair) => {
    const [name, value] = pair.split(/=(.*)/s, 2);
    return `${escaped(name)}=${escaped(value ?? "")}`;
  });
  return escaped(path, "/!$&'()*+,=:@") + (encoded.length > 0 ? `?${encoded.join("&")}` : "");
}

/** A query's parameter in two, as the signer takes it: it signs no bytes that are not UTF-8. */
function decoded(pair) {
  try {
    return pair.split("=").map(decodeURIComponent);
  } catch {
    throw new Error(`the SDK signs no query with escapes that are not UTF-8: ${pair}`);
  }
}

/** Sends a request to an API, signed: its status and body. */
async function signed(credentials, region, method, url, body) {
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  const signer = new SignatureV4({ service: "execute-api", region, credentials, sha256: Sha256 });
  const headers = body === undefined ? { host } : { host, "content-type": "application/json" };
  const query = Object.create(null);
  for (const pair of search.slice(1).split("&").filter(Boolean)) {
    const [name, value] = decoded(pair);
    (query[name] ??= []).push(value);
  }
  const request = { method, protocol, hostname, port, path: pathname, query, headers, body };
  const { host: _, ...more } = (await signer.sign(request)).headers;
  const answer = await fetch(url, { method, headers: more, body });
  return { status: answer.status, text: await answer.text() };
}
"#;

const CALL: &str = r#"
/**
 * May «SAYS».
 * «REMARK»
 */
export async function «FUNCTION»(method, path, body) {
  const base = process.env.«VARIABLE»«DEFAULT»;
  return signed(«CREDENTIALS», «REGION», method, base + target(path), body);
}
"#;

const SEND: &str = r#"
const «CLIENT» = new «SERVICE»Client({ region: «REGION», credentials: «CREDENTIALS» });

/** May «SAYS»: the message's id. */
export async function «FUNCTION»(«GROUP»message, attributes = {}) {
  const answer = await «CLIENT».send(
    new «COMMAND»Command({
      «TO»,
      «BODY»: message,
      MessageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [
          name,
          { DataType: "String", StringValue: value },
        ]),
      ),«FIFO»
    }),
  );
  return answer.MessageId;
}
"#;

const UNWRAPPED: &str = r#"
/** The message that was published, out of SNS's envelope where it comes in one. */
function unwrapped(body) {
  try {
    const envelope = JSON.parse(body);
    return envelope?.Type === "Notification" ? envelope.Message : body;
  } catch {
    return body;
  }
}
"#;

const RECEIVE: &str = r#"
const «CLIENT» = new SQSClient({ region: «REGION», credentials: «CREDENTIALS» });

/**
 * May «SAYS»: hands each message to `handle`, then deletes it.
 * Waits up to 20 seconds for the first one; to go on receiving, call it again and again.
 */
export async function «FUNCTION»(handle) {
  const QueueUrl = «QUEUE»;
  const request = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 };
  const answer = await «CLIENT».send(new ReceiveMessageCommand(request));
  for (const { Body, ReceiptHandle } of answer.Messages ?? []) {
    await handle(«BODY»);
    await «CLIENT».send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  }
}
"#;

const MAIN: &str = r#"
const USAGE = [
«USES»];

/** Does what the words ask for; whether it came off. */
async function main([word, ...rest]) {
«CASES»  console.error(["usage:", ...USAGE].join("\n  "));
  return false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (cameOff) => (process.exitCode = cameOff ? 0 : 1),
    (error) => {
      const status = error.$metadata?.httpStatusCode;
      if (status !== undefined) console.error(`HTTP ${status}`);
      console.error(`${error.name}: ${error.message}`);
      process.exitCode = 1;
    },
  );
}
"#;

pub(super) fn client(package: &Package) -> String {
    let assumes = any(package, |it| it.assume.is_some());
    let own = any(package, |it| it.assume.is_none());
    let calls = any(package, is_call);
    let publishes = any(package, is_publish);
    let mut packages = vec!["@aws-sdk/credential-providers"];
    let mut imports = vec!["import { fileURLToPath } from \"node:url\";\n".to_owned()];
    let mut import = |needed: bool, names: &str, from: &'static str| {
        if needed {
            imports.push(format!("import {{ {names} }} from \"{from}\";"));
            if packages.last() != Some(&from) {
                packages.push(from);
            }
        }
    };
    let names = match (own, assumes) {
        (true, true) => "fromNodeProviderChain, fromTemporaryCredentials",
        (true, false) => "fromNodeProviderChain",
        (false, _) => "fromTemporaryCredentials",
    };
    import(true, names, "@aws-sdk/credential-providers");
    import(
        publishes,
        "SNSClient, PublishCommand",
        "@aws-sdk/client-sns",
    );
    let of_queue = any(package, is_of_queue);
    let receives = any(package, is_receive);
    let sends = any(package, |it| is_of_queue(it) && !is_receive(it));
    let names = match (receives, sends) {
        (true, true) => {
            "SQSClient, ReceiveMessageCommand, DeleteMessageCommand, SendMessageCommand"
        }
        (true, false) => "SQSClient, ReceiveMessageCommand, DeleteMessageCommand",
        (false, _) => "SQSClient, SendMessageCommand",
    };
    import(of_queue, names, "@aws-sdk/client-sqs");
    import(calls, "Sha256", "@aws-crypto/sha256-js");
    import(calls, "SignatureV4", "@smithy/signature-v4");
    import(assumes, "memoize", "@smithy/property-provider");
    let needs = [format!("npm install {}", packages.join(" ")), String::new()];
    let mut text = String::from("#!/usr/bin/env node\n");
    text += &head(package, Language::JavaScript, "//", &needs);
    text += &(imports.join("\n") + "\n");
    if any(package, deduplicates) {
        text += "import { randomUUID } from \"node:crypto\";\n";
    }
    if own {
        text += "\nconst own = fromNodeProviderChain();\n";
    }
    if assumes {
        let session = language::javascript(&package.session_name());
        text += &fill(ASSUME, &[("SESSION", session)]);
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
    let uses: String = uses(package, Language::JavaScript)
        .iter()
        .map(|it| format!("  {},\n", language::javascript(it)))
        .collect();
    let cases: String = package.edges.iter().map(case).collect();
    text + &fill(MAIN, &[("USES", uses), ("CASES", cases)])
}

fn of_edge(edge: &Edge) -> String {
    let mut text = String::new();
    let credentials = match &edge.assume {
        None => "own".to_owned(),
        Some(it) => {
            let name = camel(&format!("as_{}", edge.function()));
            let id = it.external_id.as_ref();
            let id = id.map_or_else(String::new, |it| format!(", {}", language::javascript(it)));
            let role = language::javascript(it.role.as_str());
            let region = language::javascript(&edge.region);
            text += &format!("\nconst {name} = assumed({region}, {role}{id});\n");
            name
        }
    };
    let mut values = vec![
        ("FUNCTION", camel(&edge.function())),
        ("SAYS", language::block_comment(&edge.says())),
        ("CLIENT", camel(&format!("to_{}", edge.function()))),
        ("CREDENTIALS", credentials),
        ("REGION", language::javascript(&edge.region)),
    ];
    match &edge.action {
        Action::Call { url, .. } => {
            let (remark, default) = match url {
                Some(url) => (
                    "A custom domain, or another way in, is put in its place by the environment.",
                    format!(" ?? {}", language::javascript(url)),
                ),
                None => (
                    "The API's custom domain, which its owner knows, is in the environment.",
                    String::new(),
                ),
            };
            values.extend([
                ("REMARK", remark.to_owned()),
                ("VARIABLE", url_variable(edge)),
                ("DEFAULT", default),
            ]);
            text + &fill(CALL, &values)
        }
        Action::Send { to, fifo, .. } => {
            let (service, command, to, body) = match to {
                Recipient::Topic(topic) => {
                    let to = format!("TopicArn: {}", language::javascript(topic.as_str()));
                    ("SNS", "Publish", to, "Message")
                }
                Recipient::Queue(_, url) => {
                    let to = format!("QueueUrl: {}", language::javascript(url));
                    ("SQS", "SendMessage", to, "MessageBody")
                }
            };
            let more = match fifo {
                None => "",
                Some(true) => "\n      MessageGroupId: group,",
                Some(false) => {
                    "\n      MessageGroupId: group,\n      MessageDeduplicationId: randomUUID(),"
                }
            };
            values.extend([
                ("SERVICE", service.to_owned()),
                ("COMMAND", command.to_owned()),
                ("TO", to),
                ("BODY", body.to_owned()),
                ("FIFO", more.to_owned()),
                (
                    "GROUP",
                    if fifo.is_some() { "group, " } else { "" }.to_owned(),
                ),
            ]);
            text + &fill(SEND, &values)
        }
        Action::Receive { url, .. } => {
            let body = if is_wrapped(edge) {
                "unwrapped(Body)"
            } else {
                "Body"
            };
            values.extend([
                ("QUEUE", language::javascript(url)),
                ("BODY", body.to_owned()),
            ]);
            text + &fill(RECEIVE, &values)
        }
    }
}

/// A name as JavaScript writes it: `call_orders` is `callOrders`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_').filter(|it| !it.is_empty());
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(1);
        name + &head.to_ascii_uppercase() + tail
    })
}

/// What `main` does when it is asked for an edge.
fn case(edge: &Edge) -> String {
    let word = language::javascript(&edge.word());
    let function = camel(&edge.function());
    match &edge.action {
        Action::Call { .. } => format!(
            "  if (word === {word} && (rest.length === 2 || rest.length === 3)) {{
    const {{ status, text }} = await {function}(...rest);
    console.error(`HTTP ${{status}}`);
    console.log(text);
    return status >= 200 && status < 300;
  }}
"
        ),
        Action::Send { fifo, .. } => {
            let (least, first, more) = match fifo {
                Some(_) => (2, "rest[0], rest[1]", 2),
                None => (1, "rest[0]", 1),
            };
            format!(
                "  if (word === {word} && rest.length >= {least}) {{
    const pairs = rest.slice({more}).map((it) => it.split(/=(.*)/s, 2));
    console.log(await {function}({first}, Object.fromEntries(pairs)));
    return true;
  }}
"
            )
        }
        Action::Receive { .. } => format!(
            "  if (word === {word} && rest.length === 0) {{
    await {function}(console.log);
    return true;
  }}
"
        ),
    }
}
