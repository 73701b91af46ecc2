//! A shell script, with the AWS CLI; curl signs the calls of an API, for which the CLI has no command.

use super::{
    Action, Edge, Language, Package, any, fill, head, is_call, is_publish, is_wrapped, quote,
    url_variable, uses,
};

const ASSUME: &str = r#"
# Goes on as another role, until the subshell ends: assume REGION ROLE [EXTERNAL_ID]
assume() {
  local keys
  keys=$(aws sts assume-role --region "$1" --role-session-name «SESSION» --role-arn "$2" \
    ${3:+--external-id="$3"} --output text \
    --query 'Credentials.[AccessKeyId, SecretAccessKey, SessionToken]')
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<<"$keys"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  unset AWS_PROFILE
}
"#;

const SIGNED: &str = r#"
# Sends a request to an API, signed: signed REGION METHOD URL [BODY]
signed() {
  local data=() keys
  if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then
    keys=$(aws configure export-credentials --format env)
    eval "$keys"
  fi
  if [ $# -ge 4 ]; then
    data=(--header 'content-type: application/json' --data-raw "$4")
  fi
  # The keys come by a file of settings: whoever lists processes does not see them.
  curl --silent --show-error --fail-with-body --globoff --path-as-is \
    --aws-sigv4 "aws:amz:$1:execute-api" --request "$2" --url "$3" ${data[@]+"${data[@]}"} \
    --write-out '\n%{stderr}HTTP %{http_code}\n' --config <(
      printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
      if [ -n "${AWS_SESSION_TOKEN:-}" ]; then
        printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
      fi
    )
}
"#;

const ATTRIBUTES: &str = r#"
# NAME=VALUE words as message attributes, in JSON.
attributes() {
  local word name value json="" backslash='\'
  for word in "$@"; do
    name=${word%%=*} value=${word#*=}
    name=${name//"$backslash"/"$backslash$backslash"} name=${name//\"/"$backslash\""}
    value=${value//"$backslash"/"$backslash$backslash"} value=${value//\"/"$backslash\""}
    value=${value//$'\n'/"${backslash}n"} value=${value//$'\t'/"${backslash}t"}
    json+="${json:+,}\"$name\":{\"DataType\":\"String\",\"StringValue\":\"$value\"}"
  done
  printf '{%s}' "$json"
}
"#;

const CALL: &str = r#"
# May «SAYS»: «FUNCTION» METHOD PATH [BODY]
# «REMARK»
«FUNCTION»() (
«ASSUME»  method=$1 path=$2
  shift 2
«URL»  signed «REGION» "$method" "$base$path" "$@"
)
"#;

const PUBLISH: &str = r#"
# May «SAYS»: «FUNCTION» «GROUP»MESSAGE [NAME=VALUE…]
«FUNCTION»() (
«ASSUME»«TAKEGROUP»  message=$1
  shift
  aws sns publish --region «REGION» --topic-arn «TOPIC» --message="$message" \
    --message-attributes "$(attributes "$@")"«FIFO» --query MessageId --output text
)
"#;

const RECEIVE: &str = r#"
# May «SAYS»: prints what is there, and deletes it.
# Waits up to 20 seconds for the first message; to go on receiving, call it again and again.«WRAPPED»
«FUNCTION»() (
«ASSUME»  queue=«QUEUE»
  # Version 1 of the CLI does not look at this variable for SQS by itself.
  sqs() { aws sqs "$@" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}; }
  wait=20
  while true; do
    # One at a time: a body may hold lines and tabs of its own.
    message=$(sqs receive-message --region «REGION» --queue-url "$queue" --output text \
      --wait-time-seconds "$wait" --query 'Messages[0].[ReceiptHandle, Body]')
    case "$message" in "" | None*) break ;; esac
    printf '%s\n' "${message#*$'\t'}"
    sqs delete-message --region «REGION» --queue-url "$queue" \
      --receipt-handle="${message%%$'\t'*}"
    wait=0
  done
)
"#;

const MAIN: &str = r#"
usage() {
  printf '%s\n' "usage:"«USES» >&2
  exit 1
}

word=${1:-}
[ $# -eq 0 ] || shift
case "$word" in
«CASES»  *) usage ;;
esac
"#;

pub(super) fn client(package: &Package) -> String {
    let mut text = String::from("#!/usr/bin/env bash\n");
    let needs = if any(package, is_call) {
        "Needs the AWS CLI, and curl 7.76 or later: it signs the calls of the API."
    } else {
        "Needs the AWS CLI."
    };
    text += &head(
        package,
        Language::Cli,
        "#",
        &[needs.to_owned(), String::new()],
    );
    text += "set -euo pipefail\n";
    if any(package, |it| it.assume.is_some()) {
        let session = quote::shell(&package.session_name());
        text += &fill(ASSUME, &[("SESSION", session)]);
    }
    if any(package, is_call) {
        text += SIGNED;
    }
    if any(package, is_publish) {
        text += ATTRIBUTES;
    }
    for edge in &package.edges {
        text += &of_edge(edge);
    }
    let uses: String = uses(package, Language::Cli)
        .iter()
        .map(|it| format!(" \\\n    {}", quote::shell(&format!("  {it}"))))
        .collect();
    let cases: String = package.edges.iter().map(case).collect();
    text + &fill(MAIN, &[("USES", uses), ("CASES", cases)])
}

fn of_edge(edge: &Edge) -> String {
    let assume = edge.assume.as_ref().map_or_else(String::new, |it| {
        let id = it.external_id.as_ref();
        let id = id.map_or_else(String::new, |it| format!(" {}", quote::shell(it)));
        let role = quote::shell(it.role.as_str());
        format!("  assume {} {role}{id}\n", quote::shell(&edge.region))
    });
    let mut values = vec![
        ("FUNCTION", edge.function()),
        ("SAYS", quote::comment(&edge.says())),
        ("ASSUME", assume),
        ("REGION", quote::shell(&edge.region)),
    ];
    match &edge.action {
        Action::Call { url, .. } => {
            let variable = url_variable(edge);
            let (remark, url) = match url {
                Some(url) => (
                    "A custom domain, or another way in, is put in its place by the environment.",
                    format!(
                        "  base={}\n  [ -z \"${{{variable}:-}}\" ] || base=${variable}\n",
                        quote::shell(url)
                    ),
                ),
                None => (
                    "The API's custom domain is known to its owner.",
                    format!("  base=${{{variable}:?must be the base URL of the API}}\n"),
                ),
            };
            values.extend([("REMARK", remark.to_owned()), ("URL", url)]);
            fill(CALL, &values)
        }
        Action::Publish { topic, fifo, .. } => {
            let more = match fifo {
                None => "",
                Some(true) => " --message-group-id=\"$group\"",
                Some(false) => {
                    " --message-group-id=\"$group\" \\\n    --message-deduplication-id=\"$(date +%s)-$$-$RANDOM\""
                }
            };
            let (group, take) = match fifo {
                Some(_) => ("GROUP ", "  group=$1\n  shift\n"),
                None => ("", ""),
            };
            values.extend([
                ("TOPIC", quote::shell(topic.as_str())),
                ("FIFO", more.to_owned()),
                ("GROUP", group.to_owned()),
                ("TAKEGROUP", take.to_owned()),
            ]);
            fill(PUBLISH, &values)
        }
        Action::Receive { url, .. } => {
            let wrapped = if is_wrapped(edge) {
                "\n# The message is the `Message` of the envelope in JSON that SNS puts it in."
            } else {
                ""
            };
            values.extend([
                ("QUEUE", quote::shell(url)),
                ("WRAPPED", wrapped.to_owned()),
            ]);
            fill(RECEIVE, &values)
        }
    }
}

/// What is done when the script is asked for an edge.
fn case(edge: &Edge) -> String {
    let (function, word) = (edge.function(), edge.word());
    let test = match &edge.action {
        Action::Call { .. } => "[ $# -ge 2 ] && [ $# -le 3 ] || usage; ",
        Action::Publish { fifo: Some(_), .. } => "[ $# -ge 2 ] || usage; ",
        Action::Publish { fifo: None, .. } => "[ $# -ge 1 ] || usage; ",
        Action::Receive { .. } => "",
    };
    format!("  {word}) {test}{function} \"$@\" ;;\n")
}
