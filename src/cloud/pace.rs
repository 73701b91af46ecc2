//! AWS's published rates, and buckets that keep to them before a call is sent.
//!
//! Pure: time comes in as a duration since some beginning. A bucket is the
//! generic cell rate algorithm (a virtual schedule, <https://www.itu.int/rec/T-REC-I.371>):
//! it keeps one number, the time at which it will be full again.
//!
//! API Gateway's rates are per account and cannot be raised
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>);
//! those of SNS depend on the region (<https://docs.aws.amazon.com/general/latest/gr/sns.html>).
//! IAM and SQS publish none: their throttles are answered by the seam's retries.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cloud::{Request, Service};
use crate::model::{AccountId, Place, Region};

/// How often calls may be sent that draw from one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The bucket's name; one an account and region.
    pub bucket: &'static str,
    /// How long one call's worth takes to come back.
    pub interval: Duration,
    /// How many calls may be sent at once after a rest.
    pub burst: u32,
    /// The rate as AWS states it: `API Gateway: 1 CreateDeployment per 5 s`.
    pub rate: &'static str,
}

const fn every(bucket: &'static str, millis: u64, burst: u32, rate: &'static str) -> Limit {
    Limit {
        bucket,
        interval: Duration::from_millis(millis),
        burst,
        rate,
    }
}

/// The buckets a call draws from, the narrowest first; none where no rate is published.
#[must_use]
pub fn limits(region: &Region, request: &Request) -> Vec<Limit> {
    let edge = matches!(request, Request::CreateRestApi(it) if it.endpoint_type == "EDGE");
    limits_of(region, request.service(), request.action(), edge)
}

/// The same, of an action by its name; `edge` for a REST API made with the edge endpoint.
#[must_use]
pub fn limits_of(region: &Region, service: Service, action: &str, edge: bool) -> Vec<Limit> {
    match service {
        Service::ApiGateway => api_gateway(action, edge)
            .into_iter()
            .chain([every("apigateway", 100, 40, "API Gateway: 10 calls per s")])
            .collect(),
        Service::Sns => sns(region, action).into_iter().collect(),
        Service::Iam
        | Service::Sts
        | Service::Sqs
        | Service::Tagging
        | Service::Kms
        | Service::Organizations
        | Service::CloudControl => Vec::new(),
    }
}

// The bursts of the single actions are not published: none is assumed for those
// below five a second.
fn api_gateway(action: &str, edge: bool) -> Option<Limit> {
    Some(match action {
        "CreateRestApi" if edge => every(
            "apigateway:CreateRestApi (edge)",
            30_000,
            1,
            "API Gateway: 1 CreateRestApi of an edge API per 30 s",
        ),
        "CreateRestApi" => every(
            "apigateway:CreateRestApi",
            3_000,
            1,
            "API Gateway: 1 CreateRestApi per 3 s",
        ),
        "PutRestApi" => every(
            "apigateway:PutRestApi",
            1_000,
            1,
            "API Gateway: 1 PutRestApi per s",
        ),
        "CreateDeployment" => every(
            "apigateway:CreateDeployment",
            5_000,
            1,
            "API Gateway: 1 CreateDeployment per 5 s",
        ),
        "DeleteRestApi" => every(
            "apigateway:DeleteRestApi",
            30_000,
            1,
            "API Gateway: 1 DeleteRestApi per 30 s",
        ),
        "GetResources" => every(
            "apigateway:GetResources",
            400,
            5,
            "API Gateway: 5 GetResources per 2 s",
        ),
        _ => return None,
    })
}

fn sns(region: &Region, action: &str) -> Option<Limit> {
    Some(match action {
        "Subscribe" => per_second("sns:Subscribe", 100, "SNS: 100 Subscribe per s"),
        "Unsubscribe" => per_second("sns:Unsubscribe", 100, "SNS: 100 Unsubscribe per s"),
        "ListTopics" => per_second("sns:ListTopics", 30, "SNS: 30 ListTopics per s"),
        "ListSubscriptions" => per_second(
            "sns:ListSubscriptions",
            30,
            "SNS: 30 ListSubscriptions per s",
        ),
        "ListSubscriptionsByTopic" => per_second(
            "sns:ListSubscriptionsByTopic",
            30,
            "SNS: 30 ListSubscriptionsByTopic per s",
        ),
        "TagResource" => per_second("sns:TagResource", 10, "SNS: 10 TagResource per s"),
        "UntagResource" => per_second("sns:UntagResource", 10, "SNS: 10 UntagResource per s"),
        "ListTagsForResource" => per_second(
            "sns:ListTagsForResource",
            10,
            "SNS: 10 ListTagsForResource per s",
        ),
        "CreateTopic" => tiered(region, "sns:CreateTopic"),
        "DeleteTopic" => tiered(region, "sns:DeleteTopic"),
        "GetTopicAttributes" => tiered(region, "sns:GetTopicAttributes"),
        "SetTopicAttributes" => tiered(region, "sns:SetTopicAttributes"),
        "GetSubscriptionAttributes" => tiered(region, "sns:GetSubscriptionAttributes"),
        "SetSubscriptionAttributes" => tiered(region, "sns:SetSubscriptionAttributes"),
        _ => return None,
    })
}

/// A bucket of so many calls a second.
fn per_second(bucket: &'static str, calls: u32, rate: &'static str) -> Limit {
    Limit {
        bucket,
        // Rounded up, so that no call is early.
        interval: Duration::from_nanos(1_000_000_000u64.div_ceil(u64::from(calls))),
        burst: calls,
        rate,
    }
}

fn tiered(region: &Region, bucket: &'static str) -> Limit {
    let (calls, rate) = match region.as_str() {
        "us-east-1" => (3000, "SNS: 3000 of an action per s in this region"),
        "us-west-2" | "eu-west-1" => (900, "SNS: 900 of an action per s in this region"),
        "us-east-2" | "us-west-1" | "ap-south-1" | "ap-northeast-2" | "ap-northeast-1"
        | "ap-southeast-1" | "ap-southeast-2" | "eu-central-1" => {
            (150, "SNS: 150 of an action per s in this region")
        }
        _ => (30, "SNS: 30 of an action per s in this region"),
    };
    per_second(bucket, calls, rate)
}

/// When each bucket will be full again, by account, region and bucket.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    full_at: BTreeMap<Key, Duration>,
    margin: Duration,
}

type Key = (AccountId, Region, &'static str);

fn key(at: &Place, limit: &Limit) -> Key {
    (at.id.clone(), at.region.clone(), limit.bucket)
}

impl Pace {
    /// The same, leaving this much more between calls of a bucket that has no burst.
    ///
    /// On a network two calls may arrive closer together than they were sent.
    #[must_use]
    pub fn with_margin(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// How long a call must wait from `now`, with `ahead` others before it at
    /// the first bucket, and the limit that makes it wait longest.
    #[must_use]
    pub fn wait<'l>(
        &self,
        at: &Place,
        limits: &'l [Limit],
        now: Duration,
        ahead: u32,
    ) -> Option<(Duration, &'l Limit)> {
        limits
            .iter()
            .enumerate()
            .map(|(index, limit)| {
                let before = if index == 0 { ahead } else { 0 };
                let full_at = self
                    .full_at
                    .get(&key(at, limit))
                    .copied()
                    .unwrap_or_default();
                let free = (full_at.max(now) + limit.interval * before)
                    .saturating_sub(limit.interval * (limit.burst - 1));
                (free.saturating_sub(now), limit)
            })
            .filter(|(wait, _)| !wait.is_zero())
            .max_by_key(|(wait, _)| *wait)
    }

    /// Notes that a call is sent at `now`.
    pub fn take(&mut self, at: &Place, limits: &[Limit], now: Duration) {
        for limit in limits {
            let full_at = self.full_at.entry(key(at, limit)).or_default();
            *full_at = (*full_at).max(now) + limit.interval;
            if limit.burst == 1 {
                *full_at += self.margin;
            }
        }
    }
}

/// The least time that AWS's rates give a number of calls, all accounts at once.
///
/// A lower bound: it knows the rates and how many calls there are, and nothing
/// of what must wait for what.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    calls: BTreeMap<Key, (u32, Option<Limit>)>,
}

impl Forecast {
    /// Counts a call in.
    pub fn add(&mut self, at: &Place, limits: Vec<Limit>) {
        for limit in limits {
            let counted = self.calls.entry(key(at, &limit)).or_default();
            counted.0 += 1;
            counted.1 = Some(limit);
        }
    }

    /// The time, and the limit that makes it; `None` when no rate makes any call wait.
    #[must_use]
    pub fn time(&self) -> Option<(Duration, &Limit)> {
        self.calls
            .values()
            .filter_map(|(calls, limit)| {
                let limit = limit.as_ref()?;
                let waiting = calls.saturating_sub(limit.burst);
                (waiting > 0).then(|| (limit.interval * waiting, limit))
            })
            .max_by_key(|(time, _)| *time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(region: &str) -> Place {
        Place {
            account: "a".to_owned(),
            id: AccountId::parse("111111111111").expect("an id"),
            region: Region::parse(region).expect("a region"),
        }
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn a_second_deployment_waits_five_seconds() {
        let at = place("eu-west-1");
        let limits = limits_of(&at.region, Service::ApiGateway, "CreateDeployment", false);
        let mut pace = Pace::default();
        assert_eq!(pace.wait(&at, &limits, seconds(0), 0), None);
        pace.take(&at, &limits, seconds(0));
        let (wait, limit) = pace.wait(&at, &limits, seconds(1), 0).expect("a wait");
        assert_eq!(wait, seconds(4));
        assert_eq!(limit.rate, "API Gateway: 1 CreateDeployment per 5 s");
        let (wait, _) = pace.wait(&at, &limits, seconds(1), 2).expect("a wait");
        assert_eq!(wait, seconds(14));
        assert_eq!(pace.wait(&at, &limits, seconds(5), 0), None);
    }

    #[test]
    fn forty_calls_go_at_once_and_then_ten_a_second() {
        let at = place("eu-west-1");
        let limits = limits_of(&at.region, Service::ApiGateway, "GetStages", false);
        let mut pace = Pace::default();
        for _ in 0..40 {
            assert_eq!(pace.wait(&at, &limits, seconds(9), 0), None);
            pace.take(&at, &limits, seconds(9));
        }
        let (wait, _) = pace.wait(&at, &limits, seconds(9), 0).expect("a wait");
        assert_eq!(wait, Duration::from_millis(100));
    }

    #[test]
    fn a_margin_is_left_where_there_is_no_burst_to_make_up_for_jitter() {
        let at = place("eu-west-1");
        let limits = limits_of(&at.region, Service::ApiGateway, "CreateDeployment", false);
        let mut pace = Pace::default().with_margin(Duration::from_millis(100));
        pace.take(&at, &limits, seconds(0));
        let (wait, _) = pace.wait(&at, &limits, seconds(0), 0).expect("a wait");
        assert_eq!(wait, Duration::from_millis(5100));
    }

    #[test]
    fn an_edge_api_takes_ten_times_as_long_as_a_regional_one() {
        let at = place("eu-west-1");
        let of = |edge| limits_of(&at.region, Service::ApiGateway, "CreateRestApi", edge);
        assert_eq!(of(true)[0].interval, 10 * of(false)[0].interval);
    }

    #[test]
    fn the_rates_of_sns_depend_on_the_region_and_iam_has_none() {
        let rate = |region: &str| {
            limits_of(&place(region).region, Service::Sns, "CreateTopic", false)[0].burst
        };
        assert_eq!(rate("us-east-1"), 3000);
        assert_eq!(rate("eu-west-1"), 900);
        assert_eq!(rate("eu-central-1"), 150);
        assert_eq!(rate("eu-north-1"), 30);
        let at = place("eu-west-1");
        assert!(limits_of(&at.region, Service::Iam, "CreateRole", false).is_empty());
    }

    #[test]
    fn a_forecast_is_the_slowest_bucket_of_any_account() {
        let at = place("eu-west-1");
        let mut forecast = Forecast::default();
        assert!(forecast.time().is_none());
        for _ in 0..20 {
            for action in ["CreateRestApi", "PutRestApi", "CreateDeployment"] {
                forecast.add(
                    &at,
                    limits_of(&at.region, Service::ApiGateway, action, false),
                );
            }
        }
        let (time, limit) = forecast.time().expect("a time");
        assert_eq!(time, seconds(95));
        assert_eq!(limit.bucket, "apigateway:CreateDeployment");
    }
}
