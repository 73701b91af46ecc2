//! REST APIs: settings, stage and routes.

use serde_json::Value;

use super::Scene;
use super::roles::{Derived, derived};
use super::text::{Section, inline, key, of_json, quoted, texts};
use crate::cloud::apigateway::IntegrationRecord;
use crate::kinds::rest_api::method::{AWS_IAM, NONE, TIMEOUT_MS};
use crate::kinds::rest_api::{Method, openapi};
use crate::kinds::survey::census::Found;
use crate::kinds::{Have, Resource, RestApi, Stage};
use crate::model::{Address, Arn, KindName, Mark, velocity};
use crate::stack::{Endpoint, LogLevel, RouteKey};

/// A duration of milliseconds, as a stack writes it.
fn millis(count: u32) -> String {
    if count.is_multiple_of(1000) {
        quoted(&crate::model::change::seconds(count / 1000))
    } else {
        quoted(&format!("{count}ms"))
    }
}

impl<'a> Scene<'a> {
    /// An API's tables; with its address, when it has to be taken over.
    pub(super) fn api(
        &mut self,
        found: &'a Found,
        api: &'a RestApi,
    ) -> (Option<Address>, Vec<Section>) {
        let name = self.name_of(&found.have.id).unwrap_or_default().to_owned();
        let address = Address::new(KindName::RestApi, &name);
        let ours = self.is_ours(found);
        let mut section = Section::new(format!("[apis.{}]", key(&name)));
        section.text("account", &found.place.account);
        let stage = self.stage(found, &address, ours);
        if found.existing {
            section.text("existing", &found.have.id);
            section.flag("tls_only", self.is_tls_only(found));
            Self::lent(api, stage, &mut section);
            return (None, vec![section]);
        }
        let lent = self.lent.get(&found.have.id).cloned();
        if ours && let Some(why) = &lent {
            section.text("existing", &found.have.id);
            Self::lent(api, stage, &mut section);
            self.leave_out(&address, format!("written as `existing`: {why}"));
            return (None, vec![section]);
        }
        let mut wordless = api
            .methods
            .iter()
            .filter_map(|(key, it)| Some((key, self.route(key, it).err()?)));
        let wordless = wordless.next().map(|(key, why)| no_words(key, &why));
        if !ours && let Some(why) = lent.or(wordless) {
            section.text("existing", &found.have.id);
            Self::lent(api, stage, &mut section);
            // Its stage would get a deployment of ours, for nothing as long as no access is written.
            let what = format!("REST API `{}`", api.name);
            let why = format!(
                "not taken over: {why}; `existing`, at the end of the file in comments, names it for what accesses need on it"
            );
            self.leave_out(&what, why);
            self.suggested.push(section);
            return (None, Vec::new());
        }
        if api.name != name {
            section.text("name", &api.name);
        }
        section.some_text("description", &api.description);
        if api.endpoint != Endpoint::Regional {
            section.text("endpoint", &api.endpoint.as_str().to_lowercase());
        }
        let texts_of =
            |it: &std::collections::BTreeSet<String>| texts(it.iter().map(String::as_str));
        section.one_or_many("vpc_endpoints", &texts_of(&api.vpc_endpoints));
        section.one_or_many("binary_media_types", &texts_of(&api.binary_media_types));
        if let Some(size) = api.minimum_compression {
            section.raw("minimum_compression", size.to_string());
        }
        section.flag("disable_execute_api", api.disable_execute_api);
        section.flag("tls_only", self.is_tls_only(found));
        if let Some(stage) = stage {
            section.one_or_many("stage", &stage_value(stage));
        }
        if let Some(tags) = self.own_tags(found) {
            section.raw("tags", tags);
        }
        if api.source_digest.is_some() {
            let why = "it was made from an OpenAPI document, which AWS does not keep: written as routes, which a plan \
                       takes for a change; with `openapi = \"FILE\"` in their place it is none";
            self.leave_out(&address, why);
            section.comments.push(
                "Made from an OpenAPI document, which AWS does not keep: name it here (openapi = \"FILE\")"
                    .to_owned(),
            );
            section
                .comments
                .push("in place of the routes, and nothing changes.".to_owned());
        }
        for it in &found.have.foreign {
            let sid = it.sid.as_deref().unwrap_or("without Sid");
            section.comments.push(format!(
                "Statement `{sid}` of its policy is not this stack's, and kept as it is."
            ));
        }
        let mut routes = Section::new(format!("[apis.{}.routes]", key(&name)));
        for (route, method) in &api.methods {
            match self.route(route, method) {
                Ok(value) => routes.raw(&route.to_string(), value),
                Err(why) => self.leave_out(&address, no_words(route, &why)),
            }
        }
        ((!ours).then_some(address), vec![section, routes])
    }

    /// What an API that stays another's says.
    fn lent(api: &RestApi, stage: Option<&Stage>, section: &mut Section) {
        if let Some(stage) = stage {
            section.text("stage", &stage.name);
        }
        let open = api
            .methods
            .iter()
            .filter(|(_, it)| it.authorization != AWS_IAM);
        let open: Vec<String> = open.map(|(route, _)| quoted(&route.to_string())).collect();
        section.one_or_many("public", &open);
        if api.endpoint == Endpoint::Private {
            section.text("endpoint", "private");
        }
    }

    /// The stages of an API, each with whether it bears the stack's mark; the one to write is first.
    fn stages(&self, found: &'a Found) -> Vec<(&'a Stage, bool)> {
        let marked = |mark: Option<&Mark>| mark.is_some_and(|it| it.stack == self.stack);
        let stages = found.stages.iter().filter_map(|have| match &have.resource {
            Resource::Stage(stage) => Some((stage, marked(have.mark.as_ref()))),
            _ => None,
        });
        let mut stages: Vec<(&Stage, bool)> = stages.collect();
        stages.sort_by_key(|(_, marked)| !*marked);
        stages
    }

    /// The stages of an API that are not written: a stack has one.
    pub(super) fn stages_beside(
        &self,
        found: &'a Found,
    ) -> impl Iterator<Item = &'a Have> + use<'a> {
        let written = self.written_stage(found).map(|it| it.id.as_str());
        let stages = found.stages.iter();
        stages.filter(move |it| Some(it.id.as_str()) != written)
    }

    /// The stage that is written.
    pub(super) fn written_stage(&self, found: &'a Found) -> Option<&'a Have> {
        let name = self.stages(found).first()?.0.name.as_str();
        let is_it = |it: &&Have| matches!(&it.resource, Resource::Stage(it) if it.name == name);
        found.stages.iter().find(is_it)
    }

    /// The stage to write: the one that is marked, or the only one.
    fn stage(&mut self, found: &'a Found, api: &Address, ours: bool) -> Option<&'a Stage> {
        let first = self.stages(found).into_iter().next()?;
        for stage in self.stages_beside(found) {
            let name = stage.id.rsplit('/').next().unwrap_or_default();
            let why = format!("stage `{name}`: an API of a stack has one; it stays as it is");
            self.leave_out(api, why);
        }
        (first.1 || !ours).then_some(first.0)
    }

    /// What a route does, or the setting that a stack has no words for.
    fn route(&self, route: &RouteKey, method: &Method) -> Result<String, String> {
        if let Some((name, value)) = method.more.first_key_value() {
            return Err(format!("{name} {value}"));
        }
        let integration = method.integration.as_ref().ok_or("it has no integration")?;
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut field = |name: &str, value: String| fields.push((name.to_owned(), value));
        let uri = integration.uri.as_deref().unwrap_or_default();
        let kind = integration.kind.as_str();
        match kind {
            "MOCK" => field("mock", mock(integration)?),
            "HTTP_PROXY" => {
                field("http", quoted(uri));
                let verb = integration.http_method.as_deref().unwrap_or_default();
                if verb != route.method {
                    field("method", quoted(verb));
                }
            }
            "AWS_PROXY" | "AWS" => {
                let (name, target) = self
                    .target(kind, uri)
                    .ok_or_else(|| format!("integration {kind} to {uri}"))?;
                field(name, quoted(&target));
                if let Some(credentials) = self.credentials(name, integration)? {
                    field("credentials", credentials);
                }
            }
            other => return Err(format!("integration type {other}")),
        }
        if let Some(timeout) = integration.timeout_ms.filter(|it| *it != TIMEOUT_MS) {
            field("timeout", millis(timeout));
        }
        match method.authorization.as_str() {
            AWS_IAM => {}
            NONE => field("public", "true".to_owned()),
            other => return Err(format!("authorizer {other}")),
        }
        if method.api_key_required {
            return Err("an API key is required".to_owned());
        }
        Ok(inline(&fields))
    }

    /// Returns what an AWS integration calls: `lambda` and the function, or `sqs` and the queue.
    fn target(&self, kind: &str, uri: &str) -> Option<(&'static str, String)> {
        if kind == "AWS_PROXY" {
            let (_, function) = uri.split_once("/functions/")?;
            let function = function.strip_suffix("/invocations")?;
            return Some(("lambda", function.to_owned()));
        }
        let uri = Arn::parse(uri).ok()?;
        let mut parts = uri.resource().strip_prefix("path/")?.split('/');
        let (account, queue) = (parts.next()?, parts.next()?);
        // `arn:aws:apigateway:REGION:sqs:path/ACCOUNT/QUEUE`: the service stands in the account's place.
        let (partition, region) = (uri.partition(), uri.region());
        let arn = format!("arn:{partition}:sqs:{region}:{account}:{queue}");
        let name = self.name_of(&arn).unwrap_or(&arn).to_owned();
        (uri.account() == "sqs").then_some(("sqs", name))
    }

    /// What a route says of the role for its calls; nothing where that role is the one made for them.
    fn credentials(
        &self,
        target: &str,
        integration: &IntegrationRecord,
    ) -> Result<Option<String>, String> {
        let Some(arn) = integration.credentials.as_deref() else {
            return match target {
                "lambda" => Ok(Some("false".to_owned())),
                other => Err(format!("`{other}` without a role")),
            };
        };
        let made = self.census.found.iter().any(|it| match &it.have.resource {
            Resource::Role(role) => {
                role.arn.as_str() == arn
                    && self.is_ours(it)
                    && matches!(derived(role, self.stack), Some(Derived::Integration))
            }
            _ => false,
        });
        let name = self.name_of(arn).map(|it| format!("roles.{it}"));
        Ok((!made).then(|| quoted(name.as_deref().unwrap_or(arn))))
    }
}

fn no_words(route: &RouteKey, why: &str) -> String {
    format!("a stack has no words for what its route `{route}` does ({why})")
}

/// Whether a value is written so: a table of the stack comes out as this text again.
fn same_text(value: &Value, text: &str) -> bool {
    let written = value.to_string();
    written == text
}

/// An answer of API Gateway's own.
fn mock(integration: &IntegrationRecord) -> Result<String, String> {
    let template = integration.request_templates.get("application/json");
    let template = template.map_or("", String::as_str);
    let status = serde_json::from_str::<Value>(template)
        .ok()
        .and_then(|it| it["statusCode"].as_u64())
        .ok_or_else(|| format!("request template `{template}`"))?;
    let response = integration.responses.values().next();
    let Some(body) = response.and_then(|it| it.templates.get("application/json")) else {
        return Ok(status.to_string());
    };
    let body = &velocity::text_of(body)
        .ok_or_else(|| format!("response template `{body}`, which API Gateway evaluates"))?;
    let table = serde_json::from_str::<Value>(body)
        .ok()
        .filter(|it| it.is_object() && same_text(it, body));
    let body = table
        .as_ref()
        .and_then(of_json)
        .unwrap_or_else(|| quoted(body));
    Ok(inline(&[
        ("status".to_owned(), status.to_string()),
        ("body".to_owned(), body),
    ]))
}

/// A stage as a stack writes it: the name alone where nothing else is said; nothing of the usual one.
fn stage_value(stage: &Stage) -> Vec<String> {
    let mut fields = vec![("name".to_owned(), quoted(&stage.name))];
    let mut field = |name: &str, value: String| fields.push((name.to_owned(), value));
    if !stage.description.is_empty() {
        field("description", quoted(&stage.description));
    }
    if !stage.variables.is_empty() {
        let variables: Vec<_> = stage
            .variables
            .iter()
            .map(|(name, it)| (name.clone(), quoted(it)))
            .collect();
        field("variables", inline(&variables));
    }
    if let Some(rate) = stage.rate {
        field("rate", rate.to_string());
    }
    if let Some(burst) = stage.burst {
        field("burst", burst.to_string());
    }
    match stage.log_level {
        LogLevel::Off => {}
        LogLevel::Error => field("log_level", quoted("error")),
        LogLevel::Info => field("log_level", quoted("info")),
    }
    for (name, on) in [
        ("data_trace", stage.data_trace),
        ("metrics", stage.metrics),
        ("tracing", stage.tracing),
    ] {
        if on {
            field(name, "true".to_owned());
        }
    }
    if let Some(log) = &stage.access_log {
        field(
            "access_log",
            inline(&[
                ("destination".to_owned(), quoted(&log.destination)),
                ("format".to_owned(), quoted(&log.format)),
            ]),
        );
    }
    match fields.as_slice() {
        [_] if stage.name == "live" => Vec::new(),
        [_] => vec![quoted(&stage.name)],
        _ => vec![inline(&fields)],
    }
}

/// The routes of an API whose pattern in a policy is this one; the pattern itself where none is.
pub(super) fn routes_of(api: &RestApi, resource: &str) -> (Vec<RouteKey>, Option<RouteKey>) {
    // `execute-api:/STAGE/METHOD/path`, or the same after an API's ARN.
    let mut parts = resource.splitn(4, '/');
    let (Some(_), Some(_), Some(method), path) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next().unwrap_or_default(),
    ) else {
        return (Vec::new(), None);
    };
    let raw = RouteKey {
        method: if method == "*" { "ANY" } else { method }.to_owned(),
        path: format!("/{path}"),
    };
    let same = api.methods.keys().filter(|it| {
        let mut pattern = it.path.clone();
        for name in openapi::path_parameters(&it.path) {
            pattern = pattern
                .replace(&format!("{{{name}+}}"), "*")
                .replace(&format!("{{{name}}}"), "*");
        }
        pattern == raw.path && it.method == raw.method
    });
    (same.cloned().collect(), Some(raw))
}
