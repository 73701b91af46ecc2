//! Every place where the sandbox refuses a call: a stack's check refuses the same, or there is a reason why no file
//! can cause it.
//!
//! The code is read: each call of a function that makes a refusal is known by the longest text in it. What the tests of
//! [`super::refused`] hear from the sandbox is compared with these texts, and `CANNOT` has the others.

use std::path::Path;

use super::{combined, definitions, refused};
use std::collections::BTreeSet;

/// The functions that make a refusal.
const MAKERS: [&str; 7] = [
    "refuse(",
    "bad_request(",
    "not_found(",
    "invalid_parameter(",
    "constraint(",
    "CallError::new(",
    "Err(",
];

/// A place where a call is refused: its file and the longest text in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    file: String,
    words: String,
}

/// Returns what stands between the parenthesis that `text` begins behind and the one that closes it.
fn arguments(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, it) in text.char_indices() {
        match it {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return &text[..at];
                }
            }
            _ => {}
        }
    }
    text
}

/// What stands for the end of a line that goes on in the next.
const JOINED: char = '\u{1}';

/// Returns the longest text in a piece of code, its lines joined.
fn longest_text(code: &str) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut text, mut quoted, mut escaped) = (String::new(), false, false);
    for it in code.chars() {
        match it {
            '\n' if quoted && escaped => {
                // A line that goes on: what indents the next is left out.
                text.push(JOINED);
                escaped = false;
            }
            _ if escaped => {
                text.push(match it {
                    'n' => '\n',
                    't' => '\t',
                    it => it,
                });
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                if quoted {
                    let lines: Vec<&str> = text.split(JOINED).collect();
                    let (first, rest) = lines.split_first().expect("a line");
                    let rest = rest.iter().map(|it| it.trim_start());
                    found.push(std::iter::once(*first).chain(rest).collect());
                    text.clear();
                }
                quoted = !quoted;
            }
            _ if quoted => text.push(it),
            _ => {}
        }
    }
    found.into_iter().max_by_key(String::len)
}

/// Returns the places where the sandbox refuses a call.
fn sites() -> Vec<Site> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cloud/sandbox");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sandbox's folder") {
        let path = entry.expect("an entry").path();
        let file = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        // What makes refusals, and what opens the sandbox's own file.
        if path.is_dir() || matches!(file.as_str(), "refusal.rs" | "state.rs") {
            continue;
        }
        let code = std::fs::read_to_string(&path).expect("code");
        let lines = code.lines().filter(|it| !it.trim_start().starts_with("//"));
        let code: String = lines.flat_map(|it| [it, "\n"]).collect();
        for maker in MAKERS {
            for (at, _) in code.match_indices(maker) {
                let before = code[..at].chars().next_back();
                let is_name = before.is_some_and(|it| it.is_alphanumeric() || it == '_');
                let inner = arguments(&code[at + maker.len()..]);
                // An error that another function makes stands there.
                let wraps = MAKERS.iter().any(|it| inner.contains(it));
                if is_name || code[..at].ends_with("fn ") || (maker == "Err(" && wraps) {
                    continue;
                }
                let Some(words) = longest_text(inner) else {
                    continue;
                };
                let file = file.clone();
                found.push(Site { file, words });
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns all that the sandbox answers in the tests of its refusals.
fn heard() -> BTreeSet<String> {
    refused::a_trust_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack();
    refused::a_role_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack();
    refused::a_filter_or_delivery_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack();
    definitions::a_definition_that_the_sandbox_refuses_is_a_fault_of_the_stack();
    refused::an_edge_optimized_api_is_refused_where_there_is_none();
    refused::a_name_or_number_that_the_sandbox_refuses_is_a_fault_of_the_stack();
    combined::what_stands_beside_each_other_and_the_sandbox_refuses_is_a_fault_of_the_stack();
    refused::noted()
}

/// Whether an answer is made of a text with places to fill in.
fn says(answer: &str, words: &str) -> bool {
    let mut rest = answer;
    let mut parts = Vec::new();
    let mut open = 0;
    let mut part = String::new();
    for it in words.chars() {
        match it {
            '{' => {
                open += 1;
                parts.push(std::mem::take(&mut part));
            }
            '}' => open -= 1,
            it if open == 0 => part.push(it),
            _ => {}
        }
    }
    parts.push(part);
    let mut fixed = parts.iter().filter(|it| !it.is_empty());
    fixed.all(|it| match rest.find(it.as_str()) {
        Some(at) => {
            rest = &rest[at + it.len()..];
            true
        }
        None => false,
    })
}

/// Why no file can cause a refusal, and the words of the refusals.
const CANNOT: &[(&str, &[&str])] = &[
    (
        "what it names is not there, or is there already: only AWS knows, and a run reads it first",
        &[
            "Invalid Method identifier specified",
            "Invalid Resource identifier specified",
            "Invalid stage identifier specified",
            "Invalid Deployment identifier specified",
            "Deployment id does not exist",
            "Policy {} was not found.",
            "Policy {arn} was not found.",
            "Policy {arn} does not exist or is not attachable.",
            "Policy {arn} version {version} does not exist or is not attachable.",
            "A policy called {} already exists. Duplicate names are not allowed.",
            "Role with name {} already exists.",
            "Role {} does not have a permissions boundary",
            "The role policy with name {} cannot be found.",
            "The role with name {name} cannot be found.",
            "NotFoundException",
            "ResourceNotFoundException",
            "Policy contains a statement with one or more invalid principals.",
            "You don't have permissions to access this resource.",
            "You specified a child that does not exist.",
            "You specified a target that does not exist.",
            "You specified a policy that does not exist.",
            "Your account is not a member of an organization.",
            "Invalid parameter: Policy Error: PrincipalNotFound",
            "Resource does not exist",
            "Topic does not exist",
            "Subscription does not exist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "A queue already exists with the same name and a different value for attribute {name}",
            "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
        ],
    ),
    (
        "who may do it is said by AWS's documents and the other stack's half",
        &[
            "AccessDeniedException",
            "The new key policy will not allow you to update the key policy in the future.",
            "User: {caller} is not authorized to perform: {action} on resource: {arn}",
            "User: {} is not authorized to perform: {action} on resource: {resource} because no {why} allows the {action} action",
            "no role can be assumed in account {}: the sandbox has no such account",
        ],
    ),
    (
        "how much an account allows is known to the plan, and its budgets refuse more",
        &[
            "Maximum number of Resources for this API has been reached. Please contact AWS if you need additional Resources.",
            "Maximum number of Stages for this API has been reached. Please contact AWS if you need additional Stages.",
            "Cannot exceed quota for ACLSizePerRole: {limit}",
            "Cannot exceed quota for PoliciesPerRole: {limit}",
            "Cannot exceed quota for PolicySize: {SIZE}",
            "Maximum policy size of {INLINE_SIZE} bytes exceeded for role {}",
            "Member must have length between 1 and 131072",
        ],
    ),
    (
        "the order of the calls is the program's: what is used is let go of first",
        &[
            "Active stages pointing to this deployment must be moved or deleted",
            "Active stages with canary settings pointing to this deployment must be moved or deleted",
            "Invalid deployment content specified.Non canary deployment not supported on stage {} because Canary is enabled. Provide CanarySettings in deploymentInput.",
            "Cannot delete entity, must {left}.",
            "A managed policy can have up to {VERSIONS} versions. Before you create a new version, you must delete an existing version.",
            "Cannot delete the default version of a policy.",
            "DeleteConflict",
            "Invalid state: Cannot delete a topic with an ArchivePolicy",
            "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
            "Unable to complete operation due to concurrent modification. Please try again later.",
            "another process has written to the sandbox since the read that this rests on",
            "The API is being updated; its endpoint type can be changed again afterwards",
        ],
    ),
    (
        "the plan makes another resource of it, or refuses it",
        &[
            "Cannot change endpoint type from PRIVATE to EDGE",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        ],
    ),
    (
        "statements that others put into the policy count too: the check warns, and the plan refuses it",
        &["Private REST API doesn't have a resource policy attached to it"],
    ),
    (
        "the program writes it, and no field of a stack reaches it",
        &[
            "Description cannot be an empty string",
            "{what} cannot be an empty string",
            "Invalid patch path  '{}' specified for op '{op}'.",
            "Cannot remove method setting {} because there is no method setting for this method ",
            "Warnings found during import:\n\t{all}",
            "Invalid authorization type specified",
            "Attributes Reason: Unknown attribute {name}",
            "TopicArn",
            "{name}: failed to parse JSON.",
            "{name}: no value",
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
            "Amazon SNS does not support this protocol string: {protocol}",
            "SQS endpoint ARN",
            "the token is not one that an earlier page gave",
        ],
    ),
    (
        "it is the sandbox's own file that cannot be written",
        &["SandboxNotWritten"],
    ),
];

#[test]
fn whatever_the_sandbox_refuses_is_refused_by_the_check_or_no_file_can_cause_it() {
    let heard = heard();
    let sites = sites();
    assert!(sites.len() > 100, "{}", sites.len());
    let excused = |site: &Site| {
        CANNOT
            .iter()
            .any(|(_, all)| all.contains(&site.words.as_str()))
    };
    let checked = |site: &Site| heard.iter().any(|it| says(it, &site.words));
    let unknown: Vec<&Site> = sites
        .iter()
        .filter(|it| !excused(it) && !checked(it))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}\nheard: {heard:#?}");
    let words: Vec<&str> = sites.iter().map(|it| it.words.as_str()).collect();
    let gone: Vec<&str> = CANNOT
        .iter()
        .flat_map(|(_, all)| all.iter().copied())
        .filter(|it| !words.contains(it))
        .collect();
    assert!(
        gone.is_empty(),
        "no refusal has these words any more: {gone:#?}"
    );
}
