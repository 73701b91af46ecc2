//! What `import` takes.

use std::path::PathBuf;

use clap::Args;

use super::{STACK, Where};

/// `import`
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing in AWS is changed. A plan on the file is empty, or takes over by name what has no mark.

Examples:
  provision import --stack shop --account shop=111111111111:provision --region eu-west-1
  provision import --stack shop --account shop=111111111111 --region eu-west-1 --name 'shop-*'
  provision import --stack shop --account shop=111111111111 --region eu-west-1 --from state.json

Exit codes: 0 written, 1 error and nothing written.")]
pub struct Import {
    /// The stack's name: what bears its mark is taken, whatever else is asked for.
    #[arg(long, value_name = "NAME")]
    pub stack: String,
    /// An account, and the role to assume there; `@REGION` may follow. May be repeated.
    #[arg(long, value_name = "NAME=ID[:ROLE]", required = true)]
    pub account: Vec<String>,
    /// The region of accounts that name none.
    #[arg(long, value_name = "REGION")]
    pub region: String,
    /// Also what is called so: `--name 'orders-*'`. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub name: Vec<String>,
    /// What has this tag; with `--name`, both must fit. May be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub tag: Vec<String>,
    /// Also what this names: the output of `terraform show -json`, or of `aws cloudformation
    /// describe-stack-resources`. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,
    /// Where to write the stack.
    #[arg(long, value_name = "FILE", default_value = STACK)]
    pub out: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
}
