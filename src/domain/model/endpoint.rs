//! Where a service listens.

use super::text::text_noun;

text_noun!(
    /// The base URL of a service: `http://` or `https://`, a host, optionally a port and a path; no
    /// user, query or fragment, no trailing slash needed.
    Endpoint,
    "a base URL (http:// or https://, host, optional port and path)",
    |text| {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        rest.is_some_and(|rest| {
            !rest.is_empty()
                && !rest.starts_with(['/', ':'])
                && text.len() <= 2048
                && rest.chars().all(|c| c.is_ascii_graphic() && !"@?#\\\"<>^`{|}".contains(c))
        })
    }
);

impl Endpoint {
    /// The URL of `path` (which may carry a query) below this base.
    pub fn join(&self, path: &str) -> String {
        format!(
            "{}/{}",
            self.as_str().trim_end_matches('/'),
            path.trim_start_matches('/')
        )
    }

    /// `host:port`, with the scheme's default port where none is written.
    pub fn authority(&self) -> String {
        let (default_port, rest) = match self.as_str().strip_prefix("https://") {
            Some(rest) => (443, rest),
            None => (80, self.as_str().trim_start_matches("http://")),
        };
        let host = rest.split('/').next().unwrap_or(rest);
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if has_port {
            host.to_owned()
        } else {
            format!("{host}:{default_port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_join_with_exactly_one_slash() {
        let base: Endpoint = "http://127.0.0.1:8080/app/".parse().unwrap();
        assert_eq!(
            base.join("/health?detailed=true"),
            "http://127.0.0.1:8080/app/health?detailed=true"
        );
        assert_eq!(base.authority(), "127.0.0.1:8080");
        assert_eq!(
            "https://a.test/x".parse::<Endpoint>().unwrap().authority(),
            "a.test:443"
        );
        assert_eq!(
            "http://[::1]".parse::<Endpoint>().unwrap().authority(),
            "[::1]:80"
        );
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in [
            "",
            "ftp://a",
            "http://",
            "http:///x",
            "http://u:p@h",
            "http://h?x=1",
            "http://h h",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
