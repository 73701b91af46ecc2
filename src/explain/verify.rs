//! Claims of `verify`: `verify/claim.rs` has the kinds.

use super::Entry;

/// In the order of their codes.
pub(super) const ENTRIES: [Entry; 4] = [
    Entry {
        code: "may",
        title: "what is declared works",
        means: "Every declared access is tried as one request from end to end: the caller's own policies, the target's, the trust of a role between them, the delivery to a queue.",
        why: "An access that one side forgets is refused by AWS, and nobody says by which side.",
        example: "Failed roles.checkout may publish to topics.orders",
        mend: "Apply the stack; where a boundary or a managed policy is in the way, the claim says which.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
    },
    Entry {
        code: "only",
        title: "nothing else is allowed",
        means: "Each statement that lets somebody in must lie within what is declared, for all requests at once; where it does not, a request that shows it is given.",
        why: "What nobody declared is what nobody reviews.",
        example: "Failed only roles.checkout may publish to topics.orders",
        mend: "Take the statement away that is to blame, or declare the access.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
    },
    Entry {
        code: "serves",
        title: "what is served is what was proved",
        means: "The stage of an API serves the methods and the policy that were proved: its deployment is not older, and not somebody else's.",
        why: "A policy that was changed and not deployed decides nothing.",
        example: "Failed apis.orders serves what the stack says",
        mend: "`provision apply` deploys it.",
        page: "https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html",
    },
    Entry {
        code: "never",
        title: "what must never be",
        means: "A `[[never]]` of the stack: somebody may never do something, whoever's statement would let them.",
        why: "It holds also for what is written later, by others.",
        example: "Failed nobody outside these accounts may publish to topics.orders",
        mend: "Take the statement away that is to blame.",
        page: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
    },
];
