//! The space of requests that two documents can tell apart.
//!
//! Each part of a request that a statement asks about is a coordinate: principal,
//! action, resource, each condition key. A coordinate has finitely many values, one for
//! each way in which the documents' patterns can differ on it, so a statement is a cube.
//! Keys that follow from one another share a coordinate (`aws:PrincipalArn` is the
//! principal's), or the combinations that cannot be are listed as cubes of their own.
//!
//! What we do not judge (`NotPrincipal`, policy variables, unknown operators) is a
//! coordinate too: yes or no, the same in both documents, and nothing more is known.

use std::collections::{BTreeMap, BTreeSet};

use super::actions::all_of;
use super::automaton::{Atlas, Class, Language, Step, Universe, literal, segment_steps, steps};
use super::condition::Test;
use super::coordinate::{self, Coordinate, Value, What, links, text_of};
use super::coordinates::{
    TRADES, in_segment, is_judged, is_of_principal, of_key, partition_of, plain, principals,
    request_of, resources, tells_federated, texts_of,
};
use super::cubes::{Cube, Shape};
use super::document::Effect;
use super::facts::Facts;
use super::impossible::impossibilities;
use super::normal::root_account;
use super::patterns::{Pattern, Token};
use super::request::{Request, Who};
use super::rules::{Kind, Level, Name, Named, Rule, Rules};
use super::services::owner_only;
use super::template::Template;
use super::three::Three;

/// The account of a resource or a caller that could be anywhere.
pub(super) const SOMEWHERE: &str = "333333333333";

/// How a `*` that ends a segment of a `Resource` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It stays in its segment.
    Segment,
    /// It may run on past the colon.
    Across,
}

/// Why two documents cannot be compared.
pub type Reason = String;

/// The space of requests.
#[derive(Clone, Debug)]
pub struct Space {
    /// What the documents are attached to.
    pub kind: Kind,
    /// The coordinates.
    pub coordinates: Vec<Coordinate>,
    /// Their sizes.
    pub shape: Shape,
    /// Combinations that no request has.
    pub impossible: Vec<Cube>,
    /// The account that owns the resource, where it is known.
    pub owner: Option<String>,
    /// Accounts in which it may matter how a statement names a principal.
    pub accounts: BTreeSet<String>,
    /// Services of these documents whose resources' policies must allow in their own account as well.
    guarded: Vec<&'static str>,
    /// A request of each value of the principal's coordinate.
    askers: Vec<Request>,
    /// How each condition key is spelled.
    pub spellings: BTreeMap<String, String>,
}

/// What a statement asks, sorted by how it is judged.
struct Asked<'a> {
    rule: &'a Rule,
    /// Tests that a coordinate has examples for.
    tests: Vec<&'a Test>,
    /// The rest, by their yes-or-no coordinates.
    opaque: BTreeSet<String>,
}

impl Space {
    /// The space that the statements of some documents can tell apart.
    ///
    /// `owner` is the account that owns the resource, where it is known.
    pub fn of(documents: &[&Rules], kind: Kind, owner: Option<&str>) -> Result<Self, Reason> {
        let rules: Vec<&Rule> = documents.iter().flat_map(|it| &it.rules).collect();
        let accounts = match kind {
            Kind::Resource => accounts_of(&rules, owner),
            Kind::Identity | Kind::ResourceControl => BTreeSet::new(),
        };
        let guarded = guarded_services(&rules);
        let tests: Vec<&Test> = rules.iter().flat_map(|it| &it.tests).collect();
        let judged: Vec<&Test> = tests
            .iter()
            .copied()
            .filter(|it| is_judged(it, &tests))
            .collect();
        let mut coordinates = Vec::new();
        if kind == Kind::Resource || judged.iter().any(|it| is_of_principal(it)) {
            coordinates.push(
                principals(kind, &rules, &judged, &accounts).map_err(|_| too_many("principals"))?,
            );
        }

        let actions = rules.iter().flat_map(|it| &it.action.patterns);
        let actions = actions
            .map(|it| Language(vec![steps(it.tokens(), Class::Any)]))
            .chain(TRADES.map(|it| Language(vec![literal(it)])))
            .chain(told_apart(&accounts, &guarded))
            .chain(real_actions(&rules, kind));
        let atlas = Atlas::of(Universe::Action, actions).map_err(|_| too_many("actions"))?;
        coordinates.push(Coordinate::texts(What::Action, atlas));

        let mut keys: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
        for test in judged.iter().filter(|it| !is_of_principal(it)) {
            keys.entry(&test.key).or_default().push(test);
        }
        let linked = |what: &What| -> Vec<Language> {
            links()
                .iter()
                .filter(|it| it.of == *what)
                .flat_map(|link| {
                    let tests = keys.get(link.key).into_iter().flatten();
                    tests
                        .flat_map(|it| texts_of(it))
                        .map(|it| in_segment(&it, link.segment))
                })
                .collect()
        };
        let fixed: Vec<&Rule> = rules.iter().copied().filter(|it| is_fixed(it)).collect();
        if !fixed.is_empty() {
            let languages = fixed
                .iter()
                .flat_map(|it| resources(it))
                .chain(linked(&What::Resource))
                .chain(guarded.iter().map(|it| resources_of(it)))
                .chain(accounts.iter().map(|it| in_segment(&literal(it), ACCOUNT)));
            let atlas = Atlas::of(Universe::Arn, languages).map_err(|_| too_many("resources"))?;
            let mut coordinate = Coordinate::texts(What::Resource, atlas);
            if kind != Kind::Resource {
                // Some actions have no resource; a resource policy is always asked of one. It
                // stands last, being the least plain to be shown.
                coordinate.values.push(Value::Text("*".to_owned()));
            }
            coordinates.push(coordinate);
        }
        let partition = partition_of(&rules);
        for (key, tests) in &keys {
            let what = What::Key((*key).to_owned());
            let further = linked(&what);
            let coordinate = of_key(what, key, tests, partition.as_deref(), further)
                .map_err(|_| too_many(&format!("`{key}`")))?;
            coordinates.push(coordinate);
        }
        let opaque: BTreeSet<String> = rules
            .iter()
            .flat_map(|it| opaque_questions(it, &tests))
            .collect();
        coordinates.extend(opaque.into_iter().map(|it| Coordinate {
            what: What::Opaque(it),
            values: vec![Value::Flag(true), Value::Flag(false)],
            atlas: None,
        }));

        let askers = coordinates
            .iter()
            .filter(|it| it.what == What::Principal)
            .flat_map(|it| &it.values)
            .filter_map(|it| match it {
                Value::Who(who) => Some(request_of(who)),
                Value::Text(_) | Value::Key(_) | Value::Flag(_) => None,
            })
            .collect();
        let sizes = coordinates.iter().map(|it| it.values.len()).collect();
        let mut space = Self {
            kind,
            coordinates,
            shape: Shape::of(sizes),
            impossible: Vec::new(),
            owner: owner.map(str::to_owned),
            accounts,
            guarded: guarded.clone(),
            askers,
            spellings: tests
                .iter()
                .rev()
                .map(|it| (it.key.clone(), it.key_spelling.clone()))
                .collect(),
        };
        space.impossible = impossibilities(&space.coordinates, &space.shape, &keys);
        let further = owner.and_then(|it| space.of_others(it));
        space.impossible.extend(further);
        let further: Vec<Cube> = guarded
            .iter()
            .filter_map(|it| space.misplaced(it))
            .collect();
        space.impossible.extend(further);
        Ok(space)
    }

    /// The index of a coordinate.
    #[must_use]
    pub fn index(&self, what: &What) -> Option<usize> {
        coordinate::index(&self.coordinates, what)
    }

    /// What is known of each value of the principal's coordinate.
    #[must_use]
    pub fn askers(&self) -> Vec<Facts<'_>> {
        let told = |it| Facts {
            opener_is_open: false,
            ..Facts::of(it)
        };
        self.askers.iter().map(told).collect()
    }

    /// The combinations in which the caller is of the resource's own account: certainly, and possibly.
    ///
    /// `owner` is the account that owns the resource, where it is known. Where it is not, a resource
    /// that names no account may be of the caller's.
    #[must_use]
    pub fn home(&self, owner: Option<&str>) -> (Vec<Cube>, Vec<Cube>) {
        let Some(who) = self.index(&What::Principal) else {
            return (Vec::new(), Vec::new());
        };
        let resource = self.index(&What::Resource);
        let of = |account: &str, unnamed: bool| {
            let mut cube = self.shape.full();
            let values = &self.coordinates[who].values;
            self.shape
                .keep(&mut cube, who, |it| is_caller_of(&values[it], account));
            let is_own = |arn: &str| match arn.splitn(6, ':').nth(ACCOUNT).unwrap_or_default() {
                "" => unnamed,
                own => own == account,
            };
            if let Some(index) = resource {
                let values = &self.coordinates[index].values;
                self.shape.keep(&mut cube, index, |it| {
                    is_own(text_of(&values[it]).unwrap_or_default())
                });
            } else if !unnamed {
                return None;
            }
            (!self.shape.is_void(&cube)).then_some(cube)
        };
        let accounts = || {
            let all = self.accounts.iter().map(String::as_str);
            all.filter(|it| owner.is_none_or(|owner| owner == *it))
        };
        let certain = accounts().filter_map(|it| of(it, owner.is_some()));
        let possible = accounts().filter_map(|it| of(it, true));
        (certain.collect(), possible.collect())
    }

    /// Some cubes, as far as an identity policy is enough in the resource's own account.
    ///
    /// A role's trust policy and a key's policy must allow there as well, and so must the policy of
    /// a private API: one whose callers' VPC endpoints are asked about.
    #[must_use]
    pub fn unguarded(&self, mut cubes: Vec<Cube>) -> Vec<Cube> {
        let private = self
            .coordinates
            .iter()
            .any(|it| matches!(&it.what, What::Key(key) if ENDPOINTS.contains(&key.as_str())));
        if let Some(index) = self.index(&What::Action) {
            let values = &self.coordinates[index].values;
            let is_guarded = |it: usize| {
                let action = text_of(&values[it]).unwrap_or_default();
                self.guarded.iter().any(|it| action.starts_with(it))
                    || private && action.starts_with("execute-api:")
            };
            let mut passes = self.shape.full();
            self.shape.keep(&mut passes, index, |it| !is_guarded(it));
            cubes = cubes
                .iter()
                .filter_map(|it| self.shape.meet(it, &passes))
                .collect();
        }
        cubes
    }

    /// The combinations whose resource is of another account than this.
    fn of_others(&self, owner: &str) -> Option<Cube> {
        let index = self.index(&What::Resource)?;
        let values = &self.coordinates[index].values;
        let mut cube = self.shape.full();
        self.shape.keep(&mut cube, index, |it| {
            let arn = text_of(&values[it]).unwrap_or_default();
            let account = arn.splitn(6, ':').nth(ACCOUNT).unwrap_or_default();
            !account.is_empty() && account != owner
        });
        (!self.shape.is_void(&cube)).then_some(cube)
    }

    /// The combinations that ask a guarded service about what is not its own: KMS has keys, and STS gives
    /// sessions of roles.
    fn misplaced(&self, service: &str) -> Option<Cube> {
        let (action, resource) = (self.index(&What::Action)?, self.index(&What::Resource)?);
        let text = |index: usize, it: usize| {
            let value = &self.coordinates[index].values[it];
            text_of(value).unwrap_or_default()
        };
        let own = Pattern::of(guarded_resource(service));
        let mut cube = self.shape.full();
        let keep = |cube: &mut Cube, index, passes: &dyn Fn(&str) -> bool| {
            self.shape.keep(cube, index, |it| passes(text(index, it)));
        };
        keep(&mut cube, action, &|it| it.starts_with(service));
        keep(&mut cube, resource, &|it| own.matches_arn(it) != Three::Yes);
        (self.kind == Kind::Resource && !self.shape.is_void(&cube)).then_some(cube)
    }

    /// The combinations whose action only the resource's own account may call.
    #[must_use]
    pub fn owner_only(&self) -> Cube {
        let mut cube = self.shape.full();
        if let Some(index) = self.index(&What::Action) {
            let values = &self.coordinates[index].values;
            let is_closed = |it: usize| {
                self.kind == Kind::Resource
                    && text_of(&values[it]).is_some_and(|it| owner_only(it).is_some())
            };
            self.shape.keep(&mut cube, index, is_closed);
        }
        cube
    }

    /// The combinations in which the caller is an account's root user, whom no policy of its own limits.
    #[must_use]
    pub fn roots(&self) -> Cube {
        let mut cube = self.shape.full();
        if let Some(who) = self.index(&What::Principal) {
            let values = &self.coordinates[who].values;
            let is_root = |it: usize| matches!(&values[it], Value::Who(Who::Arn(arn)) if arn.ends_with(":root"));
            self.shape.keep(&mut cube, who, is_root);
        }
        cube
    }

    /// The requests that a statement matches; none when it matches no request at all.
    ///
    /// Of a principal's own account those only whom it names at this level or a stronger one.
    pub fn cube(
        &self,
        rule: &Rule,
        reading: Reading,
        askers: &[Facts<'_>],
        least: Level,
    ) -> Result<Option<Cube>, Reason> {
        if rule.principal.is_none() && self.kind == Kind::Resource {
            // A statement of a resource policy that names nobody speaks of nobody.
            return Ok(None);
        }
        let is_opaque = |it: &String| self.index(&What::Opaque(it.clone())).is_some();
        let asked = Asked {
            rule,
            tests: rule
                .tests
                .iter()
                .filter(|it| !is_opaque(&opaque_test(it)))
                .collect(),
            opaque: opaque_of(rule).filter(is_opaque).collect(),
        };
        let mut cube = self.shape.full();
        for (index, coordinate) in self.coordinates.iter().enumerate() {
            let mut passes = Vec::with_capacity(coordinate.values.len());
            for (place, value) in coordinate.values.iter().enumerate() {
                let answer = match coordinate.what {
                    What::Principal => asked.answer_for(&askers[place], least),
                    _ => asked.answer(&coordinate.what, value, reading),
                };
                match answer {
                    Three::Maybe => {
                        let asked = match value {
                            Value::Who(who) => plain(who).to_string(),
                            other => text_of(other).unwrap_or("a request").to_owned(),
                        };
                        return Err(format!("{} cannot be judged for {asked}", rule.label));
                    }
                    found => passes.push(found == Three::Yes),
                }
            }
            self.shape.keep(&mut cube, index, |it| passes[it]);
        }
        Ok((!self.shape.is_void(&cube)).then_some(cube))
    }
}

impl Asked<'_> {
    /// Whether the statement lets a principal pass.
    fn answer_for(&self, asker: &Facts<'_>, least: Level) -> Three {
        // A condition on a federated session's own name asks for those that a named user opened. A request does not say
        // who opened its session.
        let asker = &Facts {
            opener_is_open: self.rule.tests.iter().any(tells_federated),
            ..*asker
        };
        let named = match &self.rule.principal {
            Some(Named::These(names)) => named(names, asker, least),
            Some(Named::AllBut(_)) | None => Three::Yes,
        };
        if named == Three::No {
            return named;
        }
        let tests = self.tests.iter().filter(|it| is_of_principal(it));
        let mut why = Vec::new();
        Three::all(tests.map(|it| it.holds(asker, &mut why))) & named
    }

    /// Whether the statement lets a value of another coordinate pass.
    fn answer(&self, what: &What, value: &Value, reading: Reading) -> Three {
        match (what, value) {
            (What::Action, Value::Text(action)) => {
                Three::from(self.rule.action.takes(&action.to_ascii_lowercase()))
            }
            (What::Resource, Value::Text(resource)) if is_fixed(self.rule) => {
                resource_answer(self.rule, resource, reading)
            }
            (What::Key(key), Value::Key(values)) => {
                let nobody = request_of(&Who::Anonymous);
                let facts = Facts::of(&nobody);
                let values: Option<Vec<&str>> = values
                    .as_ref()
                    .map(|it| it.iter().map(String::as_str).collect());
                let tests = self.tests.iter().filter(|it| it.key == *key);
                Three::all(tests.map(|it| it.passes(&facts, values.as_deref())))
            }
            (What::Opaque(question), Value::Flag(flag)) => {
                Three::from(!self.opaque.contains(question) || *flag)
            }
            _ => Three::Yes,
        }
    }
}

/// The services of some documents whose resources' policies must allow in their own account as well.
///
/// A document that names resources of another service is not one of theirs.
fn guarded_services(rules: &[&Rule]) -> Vec<&'static str> {
    let text = |tokens: &[Token]| -> String {
        let letters = tokens.iter().map_while(|it| match it {
            Token::Char(letter) => Some(*letter),
            Token::One | Token::Many => None,
        });
        letters.collect()
    };
    let actions = || rules.iter().flat_map(|it| &it.action.patterns);
    let resources = rules.iter().flat_map(|it| &it.resource);
    let of_another = resources.flat_map(|it| &it.templates).any(|it| match it {
        Template::Fixed(pattern) => {
            let service = pattern.segments().get(2).map(|it| text(it));
            service.is_some_and(|it| !it.is_empty() && it != "kms" && it != "iam")
        }
        Template::Variable(_) => false,
    });
    let names = |service: &str| {
        let mut heads = actions().map(|it| text(it.tokens()));
        heads.any(|it| !it.is_empty() && (it.starts_with(service) || service.starts_with(&it)))
    };
    let all = GUARDED.into_iter();
    all.filter(|it| names(it) || !of_another).collect()
}

/// The actions of services that allow some of them to the resource's own account only, those apart
/// from the others: what holds of one action of a pattern's class then holds of all of them.
fn real_actions(rules: &[&Rule], kind: Kind) -> Vec<Language> {
    let patterns = || rules.iter().flat_map(|it| &it.action.patterns);
    let asked = ["sqs", "kms"].into_iter().filter(|service| {
        let all = Pattern::of(&format!("{service}:*"));
        kind == Kind::Resource && patterns().any(|it| it.as_literal().is_none() && it.meets(&all))
    });
    let of = |service: &str, closed: bool| {
        let names = all_of(service).map(|it| it.to_ascii_lowercase());
        let names = names.filter(|it| owner_only(it).is_some() == closed);
        Language(names.map(|it| literal(&it)).collect())
    };
    asked.flat_map(|it| [of(it, true), of(it, false)]).collect()
}

/// The actions of services whose resources' policies count otherwise in their own account.
fn told_apart(accounts: &BTreeSet<String>, guarded: &[&str]) -> Vec<Language> {
    if accounts.is_empty() {
        return Vec::new();
    }
    let all = |head: &str| {
        let mut path = literal(head);
        path.push(Step::Many(Class::Any));
        Language(vec![path])
    };
    let services = guarded.iter().copied().chain(["execute-api:"]);
    services.map(all).collect()
}

fn too_many(what: &str) -> Reason {
    format!("the patterns of {what} can be met in too many ways")
}

fn named(names: &[Name], facts: &Facts<'_>, least: Level) -> Three {
    Three::any(names.iter().map(|it| match (it, it.matches(facts)) {
        // A role here is any session of it that neither document names.
        (Name::Exact(_), (_, Three::Maybe)) if facts.caller.federated().is_none() => Three::No,
        (_, (level, _)) if level < least => Three::No,
        (_, (_, found)) => found,
    }))
}

/// Whether a principal is of an account.
fn is_caller_of(value: &Value, account: &str) -> bool {
    matches!(value, Value::Who(Who::Arn(arn)) if arn.split(':').nth(ACCOUNT) == Some(account))
}

/// The accounts that statements name, as principals or as owners of resources.
///
/// Only in these can it matter how a statement names a principal. A denial alone may be of any
/// account's resources, so that one is made up.
fn accounts_of(rules: &[&Rule], owner: Option<&str>) -> BTreeSet<String> {
    let names = rules.iter().filter_map(|it| match &it.principal {
        Some(Named::These(names)) => Some(names),
        Some(Named::AllBut(_)) | None => None,
    });
    let named = names.flatten().filter_map(Name::account);
    let owned = rules
        .iter()
        .flat_map(|it| &it.resource)
        .flat_map(|it| &it.templates)
        .filter_map(|it| match it {
            Template::Fixed(pattern) => {
                Pattern::from_tokens(pattern.segments().get(ACCOUNT)?.to_vec())
                    .as_literal()
                    .map(str::to_owned)
            }
            Template::Variable(_) => None,
        });
    let mut found: BTreeSet<String> = named.map(str::to_owned).chain(owned).collect();
    found.extend(owner.map(str::to_owned));
    found.retain(|it| root_account(it).is_some());
    if found.is_empty() && rules.iter().any(|it| it.effect == Effect::Deny) {
        found.insert(SOMEWHERE.to_owned());
    }
    found
}

/// Services whose resources' policies must allow in their own account as well.
const GUARDED: [&str; 2] = ["kms:", "sts:"];

/// A pattern of the resources of a guarded service.
fn guarded_resource(service: &str) -> &'static str {
    match service {
        "kms:" => "arn:*:kms:*:*:key/*",
        _ => "arn:*:iam:*:*:role/*",
    }
}

fn resources_of(service: &str) -> Language {
    Language(vec![segment_steps(&Pattern::of(guarded_resource(service)))])
}

/// Keys by which a policy tells the VPC endpoints of a private API apart.
const ENDPOINTS: [&str; 3] = ["aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"];
/// The segment of an ARN that holds its account.
const ACCOUNT: usize = 4;

fn resource_answer(rule: &Rule, resource: &str, reading: Reading) -> Three {
    let Some(clause) = &rule.resource else {
        return Three::Yes;
    };
    let found = clause.templates.iter().any(|it| match it {
        Template::Fixed(pattern) => match rule.matches_resource(pattern, resource) {
            Three::Yes => true,
            Three::Maybe => reading == Reading::Across,
            Three::No => false,
        },
        Template::Variable(_) => false,
    });
    Three::from(found != clause.negated)
}

/// Whether a statement has resources, all of them without variables.
fn is_fixed(rule: &Rule) -> bool {
    rule.resource.as_ref().is_some_and(|it| {
        it.templates
            .iter()
            .all(|it| matches!(it, Template::Fixed(_)))
    })
}

/// The questions of a statement that can only be yes-or-no coordinates.
fn opaque_of(rule: &Rule) -> impl Iterator<Item = String> {
    let principal = match &rule.principal {
        Some(Named::AllBut(names)) => {
            let mut names = names.clone();
            names.sort();
            Some(format!("all but {names:?}"))
        }
        Some(Named::These(_)) | None => None,
    };
    let resource = rule
        .resource
        .as_ref()
        .filter(|_| !is_fixed(rule))
        .map(|it| {
            let mut patterns: Vec<String> =
                it.templates.iter().map(|it| format!("{it:?}")).collect();
            patterns.sort();
            format!("resource {} {patterns:?}", it.negated)
        });
    let missing =
        (rule.kind == Kind::Identity && rule.resource.is_none()).then(|| "no resource".to_owned());
    let tests = rule.tests.iter().map(opaque_test);
    principal
        .into_iter()
        .chain(resource)
        .chain(missing)
        .chain(tests)
        .collect::<Vec<_>>()
        .into_iter()
}

fn opaque_questions(rule: &Rule, tests: &[&Test]) -> Vec<String> {
    let judged: BTreeSet<String> = rule
        .tests
        .iter()
        .filter(|it| is_judged(it, tests))
        .map(opaque_test)
        .collect();
    opaque_of(rule).filter(|it| !judged.contains(it)).collect()
}

fn opaque_test(test: &Test) -> String {
    let mut values: Vec<String> = test.values.iter().map(|it| format!("{it:?}")).collect();
    values.sort();
    let operator = match test.operator {
        Some(operator) => format!("{operator:?}"),
        None => test.spelling.to_ascii_lowercase(),
    };
    format!("{operator} {} {values:?}", test.key)
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::widen::{Change, compare};

    fn verdict(old: &str, new: &str) -> Change {
        let [old, new] = [old, new].map(|it| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{it}]}}"#);
            Document::parse(&text).expect("a policy")
        });
        compare(&old, &new).verdict
    }

    /// A statement of a topic's policy that these conditions limit.
    fn under(conditions: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111111111111:role/a"}},"Action":"sns:Publish","Resource":"arn:aws:sns:eu-west-1:222222222222:t","Condition":{{{conditions}}}}}"#
        )
    }

    /// Whatever else asks about a key, it keeps all the values that it may have.
    #[test]
    fn an_operator_takes_no_value_away_from_another_statement() {
        const TAG: &str = "aws:PrincipalTag/team";
        let one = |operator: &str, key: &str, value: &str| {
            under(&format!(r#""{operator}":{{"{key}":{value}}}"#))
        };
        let of = |operator: &str, value: &str| one(operator, TAG, value);
        let truth = of("Bool", r#""true""#);
        let both = |more: &str| format!("{truth},{more}");
        for (old, new) in [
            (truth.clone(), both(&of("StringEquals", r#""ops""#))),
            (truth.clone(), of("StringLike", r#"["o*","true"]"#)),
            (of("StringEquals", r#""true""#), truth.clone()),
            (
                both(&of("Bool", r#""false""#)),
                both(&of("Null", r#""false""#)),
            ),
            (
                one("StringEqualsIgnoreCase", "app:name", r#""a""#),
                one("StringEqualsIgnoreCase", "app:name", r#"["a","b"]"#),
            ),
        ] {
            let found = verdict(&old, &new);
            assert!(
                [Change::Widened, Change::Both].contains(&found),
                "{old} -> {new}: {found:?}"
            );
        }
        // A key that AWS itself sets has no other.
        let set = |operator: &str, value: &str| one(operator, "aws:SecureTransport", value);
        let every = set("Bool", r#"["true","false"]"#);
        let any = set("Null", r#""false""#);
        assert_eq!(verdict(&every, &any), Change::Cosmetic);
        // Of a number that a tag holds: what is no number is not refused for certain.
        let numbers = [
            of("NumericLessThan", r#""5""#),
            of("NumericGreaterThanEquals", r#""5""#),
        ];
        let found = verdict(&numbers.join(","), &of("Null", r#""false""#));
        assert!(
            [Change::Widened, Change::Unproven].contains(&found),
            "{found:?}"
        );
        // How letters beyond ASCII are folded, nobody knows.
        let found = verdict(
            &of("StringEquals", r#""é""#),
            &of("StringEqualsIgnoreCase", r#""é""#),
        );
        assert!(
            [Change::Widened, Change::Unproven].contains(&found),
            "{found:?}"
        );
    }

    /// A key that may have several values has them beside a statement that asks for one as well.
    #[test]
    fn a_key_of_several_values_has_them_whatever_else_asks() {
        for key in ["kms:GrantOperations", "dynamodb:LeadingKeys", "app:names"] {
            let all = |values: &str| {
                under(&format!(
                    r#""ForAllValues:StringEquals":{{"{key}":{values}}},"Null":{{"{key}":"false"}}"#
                ))
            };
            let old = format!("{},{}", all(r#"["a"]"#), all(r#"["b"]"#));
            let new = all(r#"["a","b"]"#);
            assert_eq!(verdict(&old, &new), Change::Widened, "{key}");
            let single = under(&format!(r#""StringEquals":{{"{key}":"c"}}"#));
            let [old, new] = [&old, &new].map(|it| format!("{it},{single}"));
            let found = verdict(&old, &new);
            assert!(
                [Change::Widened, Change::Unproven].contains(&found),
                "{key}: {found:?}"
            );
        }
    }

    /// What nobody judges is one question: the same in both documents, and another is another.
    #[track_caller]
    fn one_question(this: &str, narrower: &str, others: &[&str]) {
        // A statement of less beside it changes nothing, so the documents say the same.
        let both = format!("{narrower},{this}");
        assert_eq!(verdict(this, &both), Change::Cosmetic, "{narrower}");
        // Whatever the answer, all of it lies within what asks nothing.
        let all = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;
        if this.contains("Principal") {
            let both = format!("{all},{this}");
            assert_eq!(verdict(all, &both), Change::Cosmetic, "{this}");
        }
        for other in others {
            assert_eq!(verdict(this, other), Change::Unproven, "{other}");
            assert_eq!(verdict(other, this), Change::Unproven, "{other}");
        }
    }

    #[test]
    fn a_test_that_is_not_judged_is_told_by_operator_key_and_values() {
        let with = |condition: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":["a:b","a:c"],"Resource":"*","Condition":{{{condition}}}}}"#
            )
        };
        let this = with(r#""StringSounds":{"k:v":["x","y"]}"#);
        let narrower = with(r#""stringsounds":{"K:v":["y","x"]}"#).replace(r#","a:c""#, "");
        one_question(
            &this,
            &narrower,
            &[
                &with(r#""StringSmells":{"k:v":["x","y"]}"#),
                &with(r#""StringSounds":{"k:w":["x","y"]}"#),
                &with(r#""StringSounds":{"k:v":["x"]}"#),
                &with(r#""StringEquals":{"k:v":"${aws:username}"}"#),
                &with(""),
            ],
        );
        let filled = with(r#""StringEquals":{"k:v":"${aws:username}"}"#);
        let narrower = filled.replace(r#","a:c""#, "");
        one_question(
            &filled,
            &narrower,
            &[&with(r#""StringLike":{"k:v":"${aws:username}"}"#)],
        );
    }

    #[test]
    fn principals_that_are_left_out_are_a_question_by_their_names() {
        let but = |names: &str, actions: &str| {
            format!(
                r#"{{"Effect":"Allow","NotPrincipal":{{"AWS":[{names}]}},"Action":[{actions}],"Resource":"*"}}"#
            )
        };
        let (a, b) = (r#""111111111111""#, r#""222222222222""#);
        let both = r#""a:b","a:c""#;
        one_question(
            &but(&format!("{a},{b}"), both),
            &but(&format!("{b},{a}"), r#""a:b""#),
            &[&but(a, both), &but(b, both)],
        );
    }

    #[test]
    fn a_resource_with_a_variable_is_a_question_and_so_is_none() {
        let on = |actions: &str, resource: &str| {
            format!(r#"{{"Effect":"Allow","Action":[{actions}]{resource}}}"#)
        };
        let both = r#""a:b","a:c""#;
        let tagged = r#","Resource":"arn:aws:sns:r:1:${aws:username}""#;
        let but = tagged.replace("Resource", "NotResource");
        let other = tagged.replace("sns", "sqs");
        let fixed = r#","Resource":"arn:aws:sns:r:1:t""#;
        let others = [other.as_str(), but.as_str(), fixed, ""].map(|it| on(both, it));
        let others = others.each_ref().map(String::as_str);
        one_question(&on(both, tagged), &on(r#""a:b""#, tagged), &others);
        // An identity's statement about no resource is not known to be about all.
        let all = on(both, r#","Resource":"*""#);
        one_question(&on(both, ""), &on(r#""a:b""#, ""), &[&all]);
    }

    #[test]
    fn a_resource_is_one_of_those_that_are_named_or_none_of_them() {
        let on = |resource: &str| format!(r#"{{"Effect":"Allow","Action":"a:b",{resource}}}"#);
        let (t, u) = (r#""arn:aws:sns:r:1:t""#, r#""arn:aws:sns:r:1:u""#);
        let of = |resources: &str| on(&format!(r#""Resource":[{resources}]"#));
        let but = |resources: &str| on(&format!(r#""NotResource":[{resources}]"#));
        let both = format!("{t},{u}");
        for (old, new, expected) in [
            (of(t), of(&both), Change::Widened),
            (of(t), of(u), Change::Both),
            (but(t), but(&both), Change::Narrowed),
            (but(t), of(t), Change::Both),
            (but(t), of(u), Change::Narrowed),
            (
                format!("{},{}", but(t), of(t)),
                of(r#""*""#),
                Change::Cosmetic,
            ),
            // Some calls are on no resource at all.
            (of(r#""arn:*:*:*:*:*""#), of(r#""*""#), Change::Widened),
        ] {
            assert_eq!(verdict(&old, &new), expected, "{old} {new}");
        }
    }
}
