//! A shell script, with the AWS CLI. For the calls of an API the CLI has no command: the script signs them and
//! curl sends them. Curl signs too, but each version of it signs other paths and queries as AWS does.

use super::{
    Action, Edge, Language, Package, Recipient, any, fill, head, is_call, is_of_queue, is_send,
    is_wrapped, language, url_variable, uses,
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
# Percent-encodes all but unreserved characters and those to keep; other escapes stay as they are: escaped TEXT [KEEP]
escaped() {
  local LC_ALL=C text=$1 keep=${2:-} out="" at char
  for ((at = 0; at < ${#text}; at++)); do
    char=${text:at:1}
    if [[ ${text:at:3} =~ ^%[0-9A-Fa-f]{2}$ ]]; then
      printf -v char "\\x${text:at+1:2}"
      [[ $char =~ [A-Za-z0-9._~-] ]] || char=$(tr a-f A-F <<<"${text:at:3}")
      at=$((at + 2))
    elif ! [[ $char =~ [A-Za-z0-9._~-] || $keep == *"$char"* ]]; then
      printf -v char '%d' "'$char"
      printf -v char '%%%02X' $((char & 255))
    fi
    out+=$char
  done
  printf '%s' "$out"
}

# A path with its query as it is sent; AWS signs each parameter and each segment by itself.
target() {
  local path=${1%%\?*} query="" pair
  [ "$path" = "$1" ] || query=${1#*\?}
  escaped "$path" "/!\$&'()*+,=:@"
  local IFS='&' mark='?'
  set -f
  for pair in $query; do
    [ -n "$pair" ] || continue
    [[ $pair == *=* ]] || pair+==
    printf '%s%s=%s' "$mark" "$(escaped "${pair%%=*}")" "$(escaped "${pair#*=}")"
    mark='&'
  done
  set +f
}

# A path as it is signed: without empty segments and `.`, and `..` leads back.
tidied() {
  local IFS=/ out="" part
  set -f
  for part in $1; do
    case "$part" in "" | .) ;; ..) out=${out%/*} ;; *) out+=/$part ;; esac
  done
  set +f
  [[ $1 != */ ]] || out+=/
  printf '%s' "${out:-/}"
}

# SHA-256 of what comes in, in hex.
digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}

# HMAC-SHA256 under a key in hex: hmac KEY TEXT. No key stands on a command line, where others could see it.
hmac() {
  local key=$1 inner="" outer="" at byte
  while [ ${#key} -lt 128 ]; do key+=00; done
  for ((at = 0; at < 128; at += 2)); do
    byte=$((16#${key:at:2}))
    printf -v inner '%s\\x%02x' "$inner" $((byte ^ 54))
    printf -v outer '%s\\x%02x' "$outer" $((byte ^ 92))
  done
  inner=$({ printf '%b' "$inner"; printf '%s' "$2"; } | digest)
  { printf '%b' "$outer"; printf '%b' "$(sed 's/../\\x&/g' <<<"$inner")"; } | digest
}

# Sends a request to an API, signed: signed REGION METHOD URL [BODY]
signed() {
  local data=() keys time scope host path query headers names key text it
  if [ -z "${AWS_ACCESS_KEY_ID:-}" ]; then
    keys=$(aws configure export-credentials --format env)
    eval "$keys"
  fi
  host=${3#*://} query=""
  path=/${host#*/} host=${host%%/*}
  if [[ $path == *\?* ]]; then
    query=$(tr '&' '\n' <<<"${path#*\?}" | LC_ALL=C sort -t= -k1,1 -k2,2 | paste -s -d '&' -)
    path=${path%%\?*}
  fi
  time=$(date -u +%Y%m%dT%H%M%SZ)
  headers="host:$host"$'\n'"x-amz-date:$time"$'\n' names="host;x-amz-date"
  if [ $# -ge 4 ]; then
    data=(--header 'content-type: application/json' --data-raw "$4")
    headers="content-type:application/json"$'\n'$headers names="content-type;$names"
  fi
  if [ -n "${AWS_SESSION_TOKEN:-}" ]; then
    headers+="x-amz-security-token:$AWS_SESSION_TOKEN"$'\n' names+=";x-amz-security-token"
  fi
  text=$(printf '%s' "${4:-}" | digest)
  path=$(tidied "$path")
  text=$(printf '%s\n' "$2" "$(escaped "${path//%/%25}" /)" "$query" "$headers" "$names" && printf '%s' "$text")
  scope=${time%%T*}/$1/execute-api/aws4_request
  text=$(printf '%s\n' AWS4-HMAC-SHA256 "$time" "$scope" && printf '%s' "$text" | digest)
  key=$(printf '%s' "AWS4$AWS_SECRET_ACCESS_KEY" | od -An -v -tx1 | tr -d ' \n')
  for it in ${scope//\// } "$text"; do
    key=$(hmac "$key" "$it")
  done
  # The token comes by a file of settings: whoever lists processes does not see it.
  curl --silent --show-error --fail-with-body --globoff --path-as-is \
    --request "$2" --url "$3" --header "x-amz-date: $time" ${data[@]+"${data[@]}"} \
    --header "authorization: AWS4-HMAC-SHA256 Credential=$AWS_ACCESS_KEY_ID/$scope, SignedHeaders=$names, Signature=$key" \
    --write-out '\n%{stderr}HTTP %{http_code}\n' --config <(
      if [ -n "${AWS_SESSION_TOKEN:-}" ]; then
        printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
      fi
    )
}
"#;

const SQS: &str = r#"
# Version 1 of the CLI does not look at this variable for SQS by itself.
sqs() { aws sqs "$@" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}; }
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
«URL»  signed «REGION» "$method" "$base$(target "$path")" "$@"
)
"#;

const SEND: &str = r#"
# May «SAYS»: «FUNCTION» «GROUP»MESSAGE [NAME=VALUE…]
«FUNCTION»() (
«ASSUME»«TAKEGROUP»  message=$1
  shift
  «COMMAND» --region «REGION» «TO» \
    «BODY»="$message" --message-attributes "$(attributes "$@")"«FIFO» --query MessageId --output text
)
"#;

const RECEIVE: &str = r#"
# May «SAYS»: prints what is there, and deletes it.
# Waits up to 20 seconds for the first message; to go on receiving, call it again and again.«WRAPPED»
«FUNCTION»() (
«ASSUME»  queue=«QUEUE»
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
        "Needs the AWS CLI, and curl 7.76 or later."
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
        let session = language::shell(&package.session_name());
        text += &fill(ASSUME, &[("SESSION", session)]);
    }
    if any(package, is_call) {
        text += SIGNED;
    }
    if any(package, is_of_queue) {
        text += SQS;
    }
    if any(package, is_send) {
        text += ATTRIBUTES;
    }
    for edge in &package.edges {
        text += &of_edge(edge);
    }
    let uses: String = uses(package, Language::Cli)
        .iter()
        .map(|it| format!(" \\\n    {}", language::shell(&format!("  {it}"))))
        .collect();
    let cases: String = package.edges.iter().map(case).collect();
    text + &fill(MAIN, &[("USES", uses), ("CASES", cases)])
}

fn of_edge(edge: &Edge) -> String {
    let assume = edge.assume.as_ref().map_or_else(String::new, |it| {
        let id = it.external_id.as_ref();
        let id = id.map_or_else(String::new, |it| format!(" {}", language::shell(it)));
        let role = language::shell(it.role.as_str());
        format!("  assume {} {role}{id}\n", language::shell(&edge.region))
    });
    let mut values = vec![
        ("FUNCTION", edge.function()),
        ("SAYS", language::comment(&edge.says())),
        ("ASSUME", assume),
        ("REGION", language::shell(&edge.region)),
    ];
    match &edge.action {
        Action::Call { url, .. } => {
            let variable = url_variable(edge);
            let (remark, url) = match url {
                Some(url) => (
                    "A custom domain, or another way in, is put in its place by the environment.",
                    format!(
                        "  base={}\n  [ -z \"${{{variable}:-}}\" ] || base=${variable}\n",
                        language::shell(url)
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
        Action::Send { to, fifo, .. } => {
            let (command, to, body) = match to {
                Recipient::Topic(topic) => {
                    let to = format!("--topic-arn {}", language::shell(topic.as_str()));
                    ("aws sns publish", to, "--message")
                }
                Recipient::Queue(_, url) => {
                    let to = format!("--queue-url {}", language::shell(url));
                    ("sqs send-message", to, "--message-body")
                }
            };
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
                ("COMMAND", command.to_owned()),
                ("TO", to),
                ("BODY", body.to_owned()),
                ("FIFO", more.to_owned()),
                ("GROUP", group.to_owned()),
                ("TAKEGROUP", take.to_owned()),
            ]);
            fill(SEND, &values)
        }
        Action::Receive { url, .. } => {
            let wrapped = if is_wrapped(edge) {
                "\n# The message is the `Message` of the envelope in JSON that SNS puts it in."
            } else {
                ""
            };
            values.extend([
                ("QUEUE", language::shell(url)),
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
        Action::Send { fifo: Some(_), .. } => "[ $# -ge 2 ] || usage; ",
        Action::Send { fifo: None, .. } => "[ $# -ge 1 ] || usage; ",
        Action::Receive { .. } => "",
    };
    format!("  {word}) {test}{function} \"$@\" ;;\n")
}
