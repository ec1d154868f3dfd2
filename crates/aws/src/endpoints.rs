//! Where the services will be asked: AWS, or a server on this machine.

use std::net::IpAddr;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// Services that every run may ask, by the ids their clients look up.
const SERVICES: [&str; 3] = ["Config Service", "Organizations", "STS"];

/// Whether nothing that a run asks is AWS itself: its services are all on this machine.
pub(crate) fn all_on_loopback(config: &SdkConfig) -> bool {
    SERVICES.into_iter().all(|service| on_loopback(config, service))
}

/// Whether a service, by the id its client looks up, will be asked on this machine.
pub(crate) fn on_loopback(config: &SdkConfig, service: &str) -> bool {
    endpoint(config, service).is_some_and(|url| is_loopback(&url))
}

/// Where a service will be asked, resolved as its client resolves it; `None` is AWS's own endpoint.
pub(crate) fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = if config.get_origin("endpoint_url").is_client_config() {
        None
    } else {
        config
            .service_config()
            .and_then(|service| service.load_config(key))
    };
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host_and_port.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host_and_port.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use aws_types::service_config::LoadServiceConfig;

    use super::*;

    #[test]
    fn loopback_is_told_from_everything_else() {
        let check = |url: &str, expected: bool| assert_eq!(is_loopback(url), expected, "{url}");
        check("http://127.0.0.1:8080", true);
        check("http://127.9.8.7/", true);
        check("http://localhost:1/x", true);
        check("http://[::1]:9000/", true);
        check("https://config.us-east-1.amazonaws.com", false);
        check("http://127.0.0.1.example.com", false);
        check("http://user@10.0.0.1:80", false);
        check("", false);
    }

    /// The endpoints that the environment or the profile gives single services.
    #[derive(Debug)]
    struct Own(Vec<&'static str>);

    impl LoadServiceConfig for Own {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            self.0
                .contains(&key.service_id())
                .then(|| "http://127.0.0.1:4566".to_owned())
        }
    }

    #[test]
    fn one_service_of_aws_is_enough_for_a_rate() {
        let check = |own: &[&'static str], common: Option<&str>, expected: bool| {
            let mut config = SdkConfig::builder().service_config(Own(own.to_vec()));
            config.set_endpoint_url(common.map(str::to_owned));
            assert_eq!(all_on_loopback(&config.build()), expected, "{own:?} {common:?}");
        };
        check(&[], None, false);
        check(&["Config Service"], None, false);
        check(&["Config Service", "Organizations"], None, false);
        check(&["Config Service", "STS"], None, false);
        check(&SERVICES, None, true);
        check(&[], Some("http://localhost:4566"), true);
        check(&["Config Service"], Some("https://example.com"), false);
    }
}
