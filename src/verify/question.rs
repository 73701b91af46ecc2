//! A question as a person asks it, "who can ACTION RESOURCE", made concrete.

use crate::lower::calls::{meant, services};
use crate::model::{Address, KindName};
use crate::stack::{Deed, RouteKey, nearest};

use super::actions::actions_on;
use super::holders::Ask;
use super::nevers::actions_of;
use super::world::{Thing, What, World};

/// A question with what it is called in an answer.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// `sns:Publish on topics.orders`, `GET /orders/{id} of apis.orders`.
    pub title: String,
    /// The route, of an API.
    pub route: Option<RouteKey>,
    /// What is asked.
    pub ask: Ask<'a>,
}

/// The questions that an action and a resource are: one, or one for each route of an API.
pub fn questions<'a>(
    world: &'a World,
    action: &str,
    resource: &str,
) -> Result<Vec<Question<'a>>, String> {
    let (name, route) = match resource.split_once(' ') {
        Some((name, route)) => (name, Some(route.trim())),
        None => (resource, None),
    };
    let (thing, in_arn) = thing(world, name)?;
    let address = &thing.address;
    let is_route = action == "*" || action.contains([' ', '/']);
    let written = match (route, is_route) {
        (Some(_), true) => {
            return Err(format!(
                "`{action}` is a route, and so is `{}`; write one of them",
                route.unwrap_or_default()
            ));
        }
        (Some(route), false) => Some(route.to_owned()),
        (None, true) => Some(action.to_owned()),
        (None, false) => in_arn,
    };
    let actions = if is_route {
        vec!["execute-api:Invoke".to_owned()]
    } else {
        actions(action, address)?
    };
    let manages = actions.iter().any(|it| it.starts_with("apigateway:"));
    let surface = match &thing.what {
        What::Api(surface) if !manages => Some(surface),
        _ => None,
    };
    let Some(surface) = surface else {
        if let Some(written) = written {
            return Err(if manages {
                format!("`{action}` is done to the whole of {address}, and `{written}` is a route")
            } else {
                format!("`{written}` is a route, and `{address}` is no API")
            });
        }
        return Ok(vec![Question {
            title: format!("{} on {address}", actions.join(" or ")),
            route: None,
            ask: Ask {
                thing,
                actions,
                routes: Vec::new(),
                session: None,
            },
        }]);
    };
    let question = |route: RouteKey| Question {
        title: format!("{route} of {address}"),
        route: Some(route.clone()),
        ask: Ask {
            thing,
            actions: actions.clone(),
            routes: vec![route],
            session: None,
        },
    };
    let Some(written) = written else {
        let known: Vec<RouteKey> = surface.methods.keys().cloned().collect();
        let all = if known.is_empty() {
            vec![RouteKey::all()]
        } else {
            known
        };
        return Ok(all.into_iter().map(question).collect());
    };
    let pattern = RouteKey::pattern(&written).ok_or_else(|| {
        format!("`{written}` is not a route; write a method and a path, as in `GET /orders/{{id}}`")
    })?;
    let services = services(surface.methods.keys());
    let patterns = std::slice::from_ref(&pattern);
    let served = meant(patterns, &services).iter().any(|it| !it.is_empty());
    if !served && !surface.methods.is_empty() {
        let known: Vec<String> = surface.methods.keys().map(ToString::to_string).collect();
        return Err(format!(
            "{address} has no route that `{written}` reaches{}",
            hint(&written, &known)
        ));
    }
    Ok(vec![question(pattern)])
}

/// The resource of a name, and the route that an ARN has in it.
fn thing<'a>(world: &'a World, name: &str) -> Result<(&'a Thing, Option<String>), String> {
    if name.starts_with("arn:") {
        if let Some(thing) = world.with_arn(name) {
            return Ok((thing, None));
        }
        let head = name.split('/').next().unwrap_or_default();
        if let Some(thing) = world.with_arn(head) {
            // `stage/METHOD/path`
            let call = name.splitn(3, '/').nth(2);
            return Ok((thing, call.map(super::nevers::spaced)));
        }
        let known: Vec<String> = world.things.values().map(|it| it.arn.clone()).collect();
        return Err(format!(
            "nothing of this stack has the ARN `{name}`{}",
            hint(name, &known)
        ));
    }
    if let Ok(address) = name.parse::<Address>()
        && let Some(thing) = world.thing(&address)
    {
        return Ok((thing, None));
    }
    let known: Vec<String> = world.things.keys().map(ToString::to_string).collect();
    let bare: Vec<&String> = known
        .iter()
        .filter(|it| it.split_once('.').is_some_and(|it| it.1 == name))
        .collect();
    let hint = match bare.as_slice() {
        [] => hint(name, &known),
        them => {
            let them: Vec<String> = them.iter().map(|it| format!("`{it}`")).collect();
            format!("; did you mean {}?", them.join(" or "))
        }
    };
    Err(format!(
        "nothing of this stack is called `{name}`, or it is not there{hint}"
    ))
}

fn hint(wanted: &str, known: &[String]) -> String {
    match nearest(wanted, known.iter().map(String::as_str)) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None if known.is_empty() => String::new(),
        None => {
            let known: Vec<String> = known.iter().take(8).map(|it| format!("`{it}`")).collect();
            format!("; there are {}", known.join(", "))
        }
    }
}

/// The actions that a word is, of a resource.
fn actions(word: &str, address: &Address) -> Result<Vec<String>, String> {
    let kind = address.kind;
    let deed = [
        Deed::Publish,
        Deed::Subscribe,
        Deed::Send,
        Deed::Receive,
        Deed::Assume,
    ]
    .into_iter()
    .find(|it| it.as_str() == word.to_lowercase());
    if let Some(deed) = deed.filter(|it| it.kind() == kind) {
        return Ok(actions_of(deed).iter().map(|it| (*it).to_owned()).collect());
    }
    let of_kind: Vec<&str> = actions_on(kind).all().collect();
    if kind == KindName::RestApi && matches!(word.to_lowercase().as_str(), "call" | "invoke") {
        return Ok(vec!["execute-api:Invoke".to_owned()]);
    }
    if let Some(known) = of_kind.iter().find(|it| it.eq_ignore_ascii_case(word)) {
        return Ok(vec![(*known).to_owned()]);
    }
    let elsewhere = KindName::ALL
        .into_iter()
        .find(|it| {
            actions_on(*it)
                .all()
                .any(|it| it.eq_ignore_ascii_case(word))
        })
        .or_else(|| deed.map(Deed::kind));
    if let Some(other) = elsewhere {
        return Err(format!(
            "`{word}` is done to a {}, and `{address}` is a {}",
            other.singular(),
            kind.singular()
        ));
    }
    let mut known: Vec<String> = of_kind.into_iter().map(str::to_owned).collect();
    known.extend(Deed::of(kind).into_iter().map(|it| it.as_str().to_owned()));
    Err(format!(
        "no action of a {} is called `{word}`{}",
        kind.singular(),
        hint(word, &known)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower;
    use crate::stack::{self, Source};

    fn asked(action: &str, resource: &str) -> String {
        let source = Source {
            name: "s.toml".to_owned(),
            text: include_str!("../../stacks/marketplace.toml").to_owned(),
        };
        let stack = stack::check(&source, &[], &|_| Err(String::new()))
            .unwrap_or_else(|it| panic!("{}", it.render(false)));
        let world = World::wanted(&lower::lower(&stack).expect("it fits"));
        match questions(&world, action, resource) {
            Ok(all) => {
                let all: Vec<String> = all.into_iter().map(|it| it.title).collect();
                all.join("; ")
            }
            Err(message) => format!("error: {message}"),
        }
    }

    #[test]
    fn an_action_is_a_word_of_the_stack_or_of_aws() {
        let topic = "topics.order-events";
        assert_eq!(
            asked("publish", topic),
            "sns:Publish on topics.order-events"
        );
        assert_eq!(
            asked("SNS:publish", topic),
            "sns:Publish on topics.order-events"
        );
        assert_eq!(
            asked(
                "sns:Publish",
                "arn:aws:sns:eu-west-1:333333333333:order-events"
            ),
            "sns:Publish on topics.order-events"
        );
        assert_eq!(
            asked("sns:Publsh", topic),
            "error: no action of a topic is called `sns:Publsh`; did you mean `sns:Publish`?"
        );
        assert_eq!(
            asked("sqs:SendMessage", topic),
            "error: `sqs:SendMessage` is done to a queue, and `topics.order-events` is a topic"
        );
        assert_eq!(
            asked("publish", "order-events"),
            "error: nothing of this stack is called `order-events`, or it is not there; did you mean `topics.order-events`?"
        );
        assert_eq!(
            asked("publish", "topics.order-event"),
            "error: nothing of this stack is called `topics.order-event`, or it is not there; did you mean `topics.order-events`?"
        );
    }

    #[test]
    fn a_route_may_stand_in_either_word() {
        let one = "GET /orders/{id} of apis.orders";
        assert_eq!(asked("GET /orders/{id}", "apis.orders"), one);
        assert_eq!(
            asked("execute-api:Invoke", "apis.orders GET /orders/{id}"),
            one
        );
        assert_eq!(
            asked("call", "apis.orders")
                .matches(" of apis.orders")
                .count(),
            5
        );
        assert_eq!(
            asked(
                "execute-api:Invoke",
                "arn:aws:execute-api:eu-west-1:333333333333:apis.orders/live/GET/orders/7"
            ),
            "GET /orders/7 of apis.orders"
        );
        assert_eq!(
            asked("GET /order/{id}", "apis.orders"),
            "error: apis.orders has no route that `GET /order/{id}` reaches; did you mean `GET /orders/{id}`?"
        );
        assert_eq!(
            asked("apigateway:patch", "apis.orders"),
            "apigateway:PATCH on apis.orders"
        );
        assert_eq!(
            asked("apigateway:PATCH", "apis.orders GET /orders/{id}"),
            "error: `apigateway:PATCH` is done to the whole of apis.orders, and `GET /orders/{id}` is a route"
        );
        assert_eq!(
            asked("GET /", "topics.order-events"),
            "error: `GET /` is a route, and `topics.order-events` is no API"
        );
    }
}
