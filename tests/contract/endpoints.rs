//! VPC endpoints: the policy of each is read in its own account and region.

use provision::cloud::Fault;
use provision::cloud::cloudcontrol::GetVpcEndpoint;
use provision::model::{Place, Region};

use crate::World;

crate::scenarios! {
    the_policy_of_an_endpoint_is_read_in_its_own_account_and_region,
}

const ID: &str = "vpce-0123456789abcdef0";
const POLICY: &str = r#"{"Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Principal":"*","Resource":"*"}]}"#;

async fn the_policy_of_an_endpoint_is_read_in_its_own_account_and_region(w: &World<'_>) {
    (w.put_endpoint)(&w.a, ID, POLICY);
    let read = || GetVpcEndpoint { id: ID.to_owned() };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(json(&w.ok(&w.a, read()).await), json(POLICY));

    let elsewhere = Place {
        region: Region::parse("eu-central-1").expect("a region"),
        ..w.a.clone()
    };
    for at in [&w.b, &elsewhere] {
        let error = w.send(at, read()).await.expect_err("none there");
        assert_eq!(error.fault, Fault::Missing, "{error}");
        assert_eq!(error.code, "ResourceNotFoundException");
    }
}
